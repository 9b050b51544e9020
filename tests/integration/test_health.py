"""Health of the real components: each dead one says so alone."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.db import Database
from core.errors import Blocked, Unavailable
from core.health.kept import watch
from core.health.probes import LETTER_LATE
from core.health.report import Component, HealthReport, Status
from core.health.service import REUSED_FOR, check_component, check_health, check_outside, tell_changes
from core.news.sources import SOURCES
from core.runs.run import RunState
from core.services import Services
from core.sources.service import record_failure, record_success
from core.stocks.service import refresh_stocks
from core.strategies.queries import declare, lock_state, store_state
from core.strategies.service import switch
from core.strategies.state import OVERDUE_AFTER
from core.strategies.state import Status as Working
from jobs.lag import LATE, scheduler_probe
from jobs.registry import JOBS
from jobs.scheduler import run_due
from jobs.slots import latest_slot
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
        await refresh_stocks(services)
        await watched_stock(services)
        async with services.db.begin() as conn:
            for source in NEWS:
                await record_success(conn, source, items=20, at=NOW)
        watch(services, scheduler_probe(tuple(JOBS.values())))
        for job in JOBS:
            await store_run(services, job, "succeeded")
        yield services


async def watched_stock(services: Services) -> None:
    """Somebody who watches a stock."""
    async with services.db.begin() as conn:
        await conn.execute(
            text("INSERT INTO \"user\" (id, name, role, joined_at, seen_at) VALUES (1, 'a', 'member', :at, :at)"),
            {"at": NOW},
        )
        await conn.execute(text("INSERT INTO watch_item VALUES (1, '005930', :at)"), {"at": NOW})


async def store_run(services: Services, job: str, state: str, *, minutes_ago: int = 1) -> None:
    """A run of the newest slot before that many minutes ago."""
    at = latest_slot(JOBS[job], NOW - timedelta(minutes=minutes_ago), services.calendar)
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
    assert found["kis"].message.startswith("quote code=005930 price=")
    assert re.fullmatch(r"vectors embedding=openai:text-embedding-3-small count=[0-9]+", found["milvus"].message)
    assert found["postgresql"].message.endswith(" most=10")
    assert found["naver_main"].message == "items count=20"
    assert found["naver_main"].last_success_at == NOW


async def test_what_is_not_set_up_says_what_would_set_it_up_and_harms_nothing(services: Services) -> None:
    found = await health(services)
    unset = {name for name, each in found.items() if each.status is Status.NOT_CONFIGURED}
    assert unset >= {"kis", "openai", "openrouter", *SOURCES}
    assert "KIS_APP_KEY" in found["kis"].message
    for source in NEWS:
        assert found[source].message == f"robots_forbid source={source}"


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
        await conn.execute(text("DELETE FROM source_status WHERE source = 'naver_stock'"))
    found = await health(equipped)
    assert found["naver_main"].message == "failed times=1 reason=unavailable"
    assert found["naver_main"].last_success_at == NOW
    assert [found[name].status for name in NEWS] == [Status.DEGRADED, Status.HEALTHY, Status.HEALTHY]
    assert found["naver_stock"].message == "not_yet_read"
    equipped.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    found = await health(equipped)
    assert [found[name].status for name in NEWS] == [Status.DEGRADED] * 3
    assert found["naver_focus"].message == found["naver_stock"].message == "not_read minutes=60"


async def test_a_source_of_followed_stocks_is_well_while_none_is_followed(equipped: Services) -> None:
    async with equipped.db.begin() as conn:
        await conn.execute(text("DELETE FROM source_status WHERE source = 'naver_stock'"))
        await conn.execute(text("DELETE FROM watch_item"))
    equipped.clock.move(timedelta(hours=2))  # type: ignore[attr-defined]
    found = (await health(equipped))["naver_stock"]
    assert (found.status, found.message) == (Status.HEALTHY, "nothing_followed")


async def test_a_failed_job_shows_until_it_succeeds(equipped: Services) -> None:
    async with equipped.db.begin() as conn:
        await conn.execute(text("UPDATE job_run SET state = 'failed', attempts = 3 WHERE job = 'evaluate_predictions'"))
    found = (await health(equipped))["scheduler"]
    assert found.status is Status.DEGRADED
    assert "failing jobs=evaluate_predictions" in found.message
    async with equipped.db.begin() as conn:
        await conn.execute(text("UPDATE job_run SET state = 'succeeded'"))
    assert (await health(equipped))["scheduler"].status is Status.HEALTHY


async def test_a_slot_that_could_run_and_does_not_is_late_and_a_process_that_just_began_is_not(
    equipped: Services,
) -> None:
    async with equipped.db.begin() as conn:
        await conn.execute(text("DELETE FROM job_run WHERE job = 'refresh_stocks'"))
    assert (await health(equipped))["scheduler"].status is Status.HEALTHY
    equipped.clock.move(LATE)  # type: ignore[attr-defined]
    found = (await health(equipped))["scheduler"]
    assert found.status is Status.DEGRADED
    assert "late job=" in found.message


async def test_slots_passed_over_for_good_are_counted(equipped: Services) -> None:
    await store_run(equipped, "crawl_news", "succeeded", minutes_ago=61)
    found = (await health(equipped))["scheduler"]
    assert "missed count=5" in found.message


async def test_a_dead_database_is_unhealthy_and_so_is_the_whole(equipped: Services, database_url: str) -> None:
    before = await check_health(equipped)
    assert before.status is Status.HEALTHY
    dead = dataclasses.replace(equipped, db=Database("postgresql://nobody@127.0.0.1:1/nothing"))
    report = await check_health(dead)
    found = {component.name: component for component in report.components}
    assert report.status is found["postgresql"].status is Status.UNHEALTHY
    assert found["redis"].status is Status.HEALTHY
    await dead.db.close()


async def told(services: Services) -> list[str]:
    """The keys of the alerts of one look a minute after the last one; nobody runs the jobs that become due."""
    services.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
    report = await check_health(services)
    with capture_logs() as logs:
        async with services.db.begin() as conn:
            await tell_changes(services, conn, report)
    return [line["key"] for line in logs if line["event"] == "alert" and "scheduler" not in line["key"]]


async def test_admins_are_told_once_of_a_failure_and_once_of_its_end(equipped: Services, world: World) -> None:
    assert await told(equipped) == []
    world.kis.faults.add("close", times=1000)
    assert [await told(equipped) for _ in range(4)] == [[], ["health:kis:1"], [], []]
    world.kis.faults.clear()
    assert [await told(equipped) for _ in range(4)] == [[], ["health:kis:2"], [], []]


async def test_a_failing_source_tells_admins_itself_and_not_a_second_time(equipped: Services) -> None:
    for _ in range(3):
        async with equipped.db.begin() as conn:
            await record_failure(conn, "naver_main", error=Unavailable("503"), at=NOW, services=equipped)
    found = await health(equipped)
    assert found["naver_main"].status is Status.DEGRADED
    assert [await told(equipped) for _ in range(4)] == [[], [], [], []]
    async with equipped.db.begin() as conn:
        keys = set((await conn.execute(text("SELECT key FROM outbox WHERE kind LIKE 'source%'"))).scalars())
    assert keys == {"source:naver_main:1:failed"}


async def test_failing_article_pages_are_told_once_beside_the_first_list_that_names_them(equipped: Services) -> None:
    async with equipped.db.begin() as conn:
        await record_failure(conn, "naver_page", error=Blocked("refused with 403"), at=NOW, services=equipped)
    found = await health(equipped)
    assert found["naver_main"].status is Status.DEGRADED
    assert found["naver_main"].message == "items count=20; failed times=1 reason=naver_page blocked"
    assert found["naver_focus"].status is Status.HEALTHY


async def test_far_fewer_items_than_usual_are_degraded(equipped: Services) -> None:
    for items in [40] * 10 + [3]:
        async with equipped.db.begin() as conn:
            await record_success(conn, "naver_main", items=items, at=NOW, services=equipped)
    found = (await health(equipped))["naver_main"]
    assert (found.status, found.message) == (Status.DEGRADED, "few count=3 usual=40")


async def test_two_that_tell_the_same_report_at_once_tell_it_once(equipped: Services) -> None:
    dead = Component(name="postgresql", status=Status.UNHEALTHY, critical=True, latency_ms=1, last_success_at=None)
    report = HealthReport(status=Status.UNHEALTHY, at=NOW, components=(dead,))

    async def tell() -> int:
        async with equipped.db.begin() as conn:
            return await tell_changes(equipped, conn, report)

    assert sorted(await asyncio.gather(*(tell() for _ in range(4)))) == [0, 0, 0, 1]


async def test_the_job_looks_and_keeps_what_it_saw(equipped: Services) -> None:
    outcomes = await run_due(equipped, specs=[JOBS["check_health"]])
    equipped.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
    outcomes += await run_due(equipped, specs=[JOBS["check_health"]])
    assert [state for _, state in outcomes] == [RunState.SUCCEEDED] * len(outcomes)
    assert outcomes
    async with equipped.db.begin() as conn:
        seen = {row.component: row.status for row in await conn.execute(text("SELECT * FROM health_told"))}
    assert seen["postgresql"] == "healthy"
    assert len(seen) == len((await check_health(equipped)).components)


async def test_the_outbox_is_late_when_what_may_be_sent_is_not(equipped: Services) -> None:
    async with equipped.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO outbox (key, part, kind, facts, hook, chat_id, state, not_before, expires_at, created_at)"
                " VALUES ('later', 1, 'signal', '{}', 'telegram', 1, 'waiting', :later, :later, :at),"
                " ('gone', 1, 'signal', '{}', 'telegram', 1, 'dropped', :at, :later, :at)"
            ),
            {"at": NOW, "later": NOW + timedelta(days=1)},
        )
    found = (await health(equipped))["outbox"]
    assert found.status is Status.HEALTHY, "a letter for tomorrow is not late"
    assert "waiting count=1" in found.message
    assert "unsent failed=0 dropped=1 parked=0" in found.message
    async with equipped.db.begin() as conn:
        await conn.execute(text("UPDATE outbox SET not_before = :at WHERE key = 'later'"), {"at": NOW})
    equipped.clock.move(LETTER_LATE)  # type: ignore[attr-defined]
    assert (await health(equipped))["outbox"].status is Status.DEGRADED


async def test_calls_that_were_lost_are_degraded_only_while_more_are(equipped: Services) -> None:
    equipped.calls.lost += 3
    found = (await health(equipped))["usage_rows"]
    assert (found.status, found.message) == (Status.DEGRADED, "lost count=3")
    found = (await health(equipped))["usage_rows"]
    assert (found.status, found.message) == (Status.HEALTHY, "lost count=3")


async def test_a_model_of_ours_about_to_leave_is_warned_about(world: World, open_test_services: OpenServices) -> None:
    groups: dict[str, dict[str, object]] = world.settings_overrides()
    groups["llm"] = {"models": ("openai:gpt-4o",)}
    async with open_test_services(**groups) as services:
        services.clock.move(timedelta(days=300))  # type: ignore[attr-defined]
        found = await health(services)
    assert found["openai"].status is Status.DEGRADED
    assert "leaving model=gpt-4o day=2027-01-14" in found["openai"].message


async def test_a_worker_that_should_run_and_does_not_shows_and_one_an_admin_stopped_does_not(
    equipped: Services,
) -> None:
    assert (await health(equipped))["strategies"].status is Status.HEALTHY
    await switch(equipped, "rsi", False, actor_id=7)
    assert (await health(equipped))["strategies"].status is Status.HEALTHY
    await switch(equipped, "rsi", True, actor_id=7)
    async with equipped.db.begin() as conn:
        state = await lock_state(conn, "rsi")
        assert state is not None
        await store_state(conn, dataclasses.replace(state, status=Working.FAILED))
    found = (await health(equipped))["strategies"]
    assert found.status is Status.DEGRADED
    assert found.message == "workers running=0 most=7; workers_down workers=rsi"


async def test_the_database_goes_by_its_common_name_and_what_is_outside_is_asked_for_together(
    equipped: Services,
) -> None:
    database = await check_component(equipped, "database")
    assert database is not None
    assert database.name == "postgresql"
    outside = await check_outside(equipped)
    names = {component.name for component in outside.components}
    assert {"kis", "openai", *NEWS} <= names
    assert names.isdisjoint({"postgresql", "redis", "milvus", "scheduler", "strategies", "outbox", "disk"})
    assert outside.status is Status.HEALTHY


async def test_workers_that_a_dead_process_left_are_down_once_there_was_time_to_take_them_up(
    equipped: Services,
) -> None:
    async with equipped.db.begin() as conn:
        await declare(conn, ["rsi"], at=NOW - timedelta(hours=1))
        state = await lock_state(conn, "rsi")
        assert state is not None
        left = dataclasses.replace(state, status=Working.RUNNING, owner="gone", started_at=NOW - timedelta(hours=1))
        await store_state(conn, left)
    assert (await health(equipped))["strategies"].status is Status.HEALTHY
    equipped.clock.move(OVERDUE_AFTER)  # type: ignore[attr-defined]
    assert (await health(equipped))["strategies"].message == "workers running=0 most=7; workers_down workers=rsi"
