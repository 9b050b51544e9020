"""Health of the real components: each dead one says so alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.errors import Unavailable
from core.health.report import Component, HealthReport, Status
from core.health.service import REUSED_FOR, check_health
from core.services import Services
from core.sources.service import record_failure, record_success
from sim.market import SimMarket, generated_market
from sim.world import World, open_world
from tests.conftest import NOW, OpenServices

NEWS = ("naver_main", "naver_focus", "naver_stock")


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=NOW.date() + timedelta(days=5))


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(market, clock, llm_latency=0.0) as opened:
        yield opened


@pytest.fixture
async def equipped(world: World, open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services with every outside service configured, a job just done and every source just read."""
    groups: dict[str, dict[str, object]] = world.settings_overrides()
    async with open_test_services(**groups) as services:
        async with services.db.begin() as conn:
            for source in NEWS:
                await record_success(conn, source, items=20, at=NOW)
        await store_run(services, "crawl_news", "succeeded")
        yield services


async def store_run(services: Services, job: str, state: str, *, minutes_ago: int = 1) -> None:
    """A run that ended so long ago."""
    at = NOW - timedelta(minutes=minutes_ago)
    async with services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO job_run (job, slot, state, epoch, started_at, finished_at)"
                " VALUES (:job, :at, :state, 1, :at, :at)"
            ),
            {"job": job, "at": at, "state": state},
        )


async def health(services: Services) -> dict[str, Component]:
    """Every component by name, probed anew."""
    services.clock.move(REUSED_FOR)  # type: ignore[attr-defined]
    report = await check_health(services)
    assert HealthReport.model_validate_json(report.model_dump_json()) == report
    return {component.name: component for component in report.components}


async def test_all_is_well_where_all_is_set_up(equipped: Services) -> None:
    found = await health(equipped)
    assert {name: each.message for name, each in found.items() if each.status is not Status.HEALTHY} == {}
    assert "원" in found["kis"].message
    assert "벡터 " in found["milvus"].message
    assert found["naver_main"].message == "지난번에 20건"
    assert found["naver_main"].last_success_at == NOW


async def test_what_is_not_set_up_says_what_would_set_it_up_and_harms_nothing(services: Services) -> None:
    found = await health(services)
    unset = {name for name, each in found.items() if each.status is Status.NOT_CONFIGURED}
    assert unset == {"kis", "openai", "openrouter", *NEWS}
    assert "KIS_APP_KEY" in found["kis"].message
    for source in NEWS:
        assert "robots.txt" in found[source].message
        assert f"NEWS_SOURCES에 {source}" in found[source].message


@pytest.mark.parametrize(("server", "dead"), [("kis", {"kis"}), ("llm", {"openai", "openrouter"})])
async def test_a_dead_outside_service_is_unhealthy_alone(
    equipped: Services, world: World, server: str, dead: set[str]
) -> None:
    getattr(world, server).faults.add("close", times=1000)
    found = await health(equipped)
    assert {name for name, each in found.items() if each.status is Status.UNHEALTHY} == dead
    assert all(found[name].message for name in dead)
    assert found["postgresql"].status is Status.HEALTHY


async def test_a_dead_redis_is_unhealthy_alone(open_test_services: OpenServices) -> None:
    async with open_test_services(redis={"url": "redis://127.0.0.1:1/0"}) as services:
        found = await health(services)
    assert {name for name, each in found.items() if each.status is Status.UNHEALTHY} == {"redis"}
    assert found["redis"].message.startswith("redis: ")


async def test_a_dead_vector_store_is_unhealthy_alone(open_test_services: OpenServices) -> None:
    async with open_test_services(milvus={"uri": "http://127.0.0.1:1"}) as services:
        found = await health(services)
    assert {name for name, each in found.items() if each.status is Status.UNHEALTHY} == {"milvus"}


async def test_a_failing_a_late_and_a_never_read_source_are_told_apart(equipped: Services) -> None:
    async with equipped.db.begin() as conn:
        await record_failure(conn, "naver_main", error=Unavailable("naver: status 503"), at=NOW)
        await record_success(conn, "naver_focus", items=3, at=NOW - timedelta(hours=2))
        await conn.execute(text("DELETE FROM source_status WHERE source = 'naver_stock'"))
    found = await health(equipped)
    assert [found[name].status for name in NEWS] == [Status.DEGRADED] * 3
    assert found["naver_main"].message == "1번 연속 실패(unavailable)"
    assert found["naver_main"].last_success_at == NOW
    assert found["naver_focus"].message == "60분 넘게 읽지 못했습니다"
    assert found["naver_stock"].message == "아직 읽지 않았습니다"


async def test_a_failed_job_shows_until_it_succeeds_and_silence_is_no_good_sign(equipped: Services) -> None:
    await store_run(equipped, "evaluate_predictions", "failed", minutes_ago=600)
    found = (await health(equipped))["scheduler"]
    assert (found.status, found.message) == (Status.DEGRADED, "실패: evaluate_predictions")
    await store_run(equipped, "evaluate_predictions", "succeeded", minutes_ago=300)
    assert (await health(equipped))["scheduler"].status is Status.HEALTHY
    equipped.clock.move(timedelta(hours=2))  # type: ignore[attr-defined]
    found = (await health(equipped))["scheduler"]
    assert (found.status, found.message) == (Status.DEGRADED, "60분 넘게 끝난 작업이 없습니다")


async def test_a_model_of_ours_about_to_leave_is_warned_about(world: World, open_test_services: OpenServices) -> None:
    groups: dict[str, dict[str, object]] = world.settings_overrides()
    groups["llm"] = {"models": ("openai:gpt-4o",)}
    async with open_test_services(**groups) as services:
        services.clock.move(timedelta(days=300))  # type: ignore[attr-defined]
        found = await health(services)
    assert found["openai"].status is Status.DEGRADED
    assert "gpt-4o 2027-01-14 종료 예정" in found["openai"].message
