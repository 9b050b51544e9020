"""Health as admins ask for it: every form of the commands, in both languages, and the port of the running bot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from sqlalchemy import text

from bot.http_address import address_of
from bot.quick_check import quick_check
from bot.views.health import NAMES
from core.embedded import Addresses
from core.health.kept import kept_of
from core.health.report import Component, HealthReport, Status
from core.health.service import component_names
from core.settings import given_settings
from tests.integration.bot_stage import MOMENT, Stage, open_stage

HANGUL = re.compile("[가-힣]")


@pytest.fixture(scope="module")
async def stage(
    servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory, unused_port: int
) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("stage")
    async with open_stage(servers, template, folder, http={"port": unused_port}) as opened:
        yield opened


@pytest.fixture(scope="module")
def unused_port() -> int:
    """A port nobody has just now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def as_json(stage: Stage) -> HealthReport:
    """The report as `/health json` sends it: too long for a message, so as a file."""
    answer = (await stage.messages("/health json", stage.admin))[-1]
    assert answer.media is not None
    assert answer.media.name == "health.json"
    return HealthReport.model_validate_json(answer.media.data)


async def test_in_short_in_detail_and_as_json_are_one_report(stage: Stage) -> None:
    brief = await stage.ask("/health", stage.admin)
    detailed = await stage.ask("/health detailed", stage.admin)
    report = await as_json(stage)
    names = [component.name for component in report.components]
    assert {"postgresql", "telegram", "scheduler", "outbox", "event_loop", "log_rows", "disk", "memory"} <= {*names}
    for answer in (brief, detailed):
        assert [next(word for word in line.split() if word in names) for line in answer.splitlines()[2:]] == names
        assert "🟢 데이터베이스 postgresql" in answer
    assert "개 중" not in brief
    assert "개 중" in detailed


async def test_every_component_has_a_name(stage: Stage) -> None:
    assert set(component_names(stage.services)) <= set(NAMES)


async def test_the_summary_counts_and_names_only_what_is_not_well(stage: Stage) -> None:
    answer = await stage.ask("/health summary", stage.admin)
    report = await as_json(stage)
    healthy = sum(component.status is Status.HEALTHY for component in report.components)
    assert f"🟢 정상 {healthy}" in answer
    assert "postgresql" not in answer


async def test_one_component_and_one_that_does_not_exist(stage: Stage) -> None:
    answer = await stage.ask("/health scheduler", stage.admin)
    assert answer.startswith("🟢 예약 작업 scheduler · 정상")
    assert "지연 " in answer
    assert "없습니다. 있는 것: postgresql" in await stage.ask("/health <b>nothing", stage.admin)


async def test_the_names_people_know_find_the_database_and_all_that_others_run(stage: Stage) -> None:
    assert (await stage.ask("/health database", stage.admin)).startswith("🟢 데이터베이스 postgresql · 정상")
    outside = await stage.ask("/health external-apis", stage.admin)
    assert "telegram" in outside
    assert "postgresql" not in outside
    assert await stage.ask("/health comprehensive", stage.admin) == await stage.ask("/health detailed", stage.admin)


async def test_status_says_who_leads_and_since_when_or_that_nobody_does(stage: Stage) -> None:
    assert "일정을 맡은 프로세스가 없습니다" in await stage.ask("/status", stage.admin)
    async with stage.services.db.begin() as conn:
        held = "INSERT INTO leader (name, owner, epoch, since, lease_until) VALUES ('bot', 'host:1', 1, :since, {})"
        await conn.execute(text(held.format("clock_timestamp() + interval '1 hour'")), {"since": MOMENT})
    assert "host:1 · 2026-02-20 15:50부터" in await stage.ask("/status", stage.admin)
    async with stage.services.db.begin() as conn:
        await conn.execute(text("UPDATE leader SET lease_until = '-infinity'"))
    assert "host:1의 응답이 끊겼습니다" in await stage.ask("/status", stage.admin)
    async with stage.services.db.begin() as conn:
        await conn.execute(text("DELETE FROM leader"))


async def test_status_is_one_screen(stage: Stage) -> None:
    answer = await stage.ask("/status", stage.admin)
    assert len(answer.splitlines()) <= 20
    for said in (
        "장 마감(종가 매매)",
        "다음 거래일 2026-02-23",
        "$0.00 / $5.00",
        "오늘 이용자 1",
        "보낼 메시지 ",
        "StockPilot 0.",
    ):
        assert said in answer


async def test_metrics_tell_of_the_process_and_its_loop(stage: Stage) -> None:
    kept_of(stage.services).loop.note(0.012, at=asyncio.get_running_loop().time())
    answer = await stage.ask("/metrics", stage.admin)
    for said in ("CPU", "메모리", "스레드", "DB 연결", "이벤트 루프 지연", "가동"):
        assert said in answer


@pytest.mark.parametrize(
    "asked", ["/health", "/health detailed", "/health summary", "/health disk", "/status", "/metrics"]
)
async def test_an_english_admin_reads_no_korean(stage: Stage, asked: str) -> None:
    greeting = (await stage.messages("/start", stage.admin))[-1]
    await stage.press(greeting, "English", stage.admin)
    try:
        assert HANGUL.findall(await stage.ask(asked, stage.admin)) == []
    finally:
        greeting = (await stage.messages("/start", stage.admin))[-1]
        await stage.press(greeting, "한국어", stage.admin)


async def test_the_port_of_the_running_bot_says_the_same(stage: Stage) -> None:
    async with ClientSession(address_of(stage.services.settings.http)) as client:
        async with client.get("/health") as answer:
            over_http = HealthReport.model_validate_json(await answer.text())
        async with client.get("/health/telegram") as answer:
            assert Component.model_validate_json(await answer.text()).status is Status.HEALTHY
    in_chat = await as_json(stage)
    assert [each.name for each in over_http.components] == [each.name for each in in_chat.components]


async def test_a_quick_check_asks_the_running_bot(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    port = stage.services.settings.http.port
    assert await quick_check(given_settings({"http": {"port": port}})) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", "postgresql"], ["ok", "redis"], ["ok", "milvus"]]
    assert lines[-1] == "ready"


async def test_a_quick_check_of_a_bot_that_does_not_run_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert await quick_check(given_settings({"http": {"port": 1}})) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("DOWN  postgresql")
    assert lines[-1] == "not ready"


@pytest.mark.parametrize(("dead", "code"), [("postgresql", 1), ("redis", 0), ("milvus", 0), (None, 0)])
async def test_a_quick_check_without_a_port_asks_the_stores_themselves(
    servers: Addresses, database_url: str, capsys: pytest.CaptureFixture[str], dead: str | None, code: int
) -> None:
    urls = {"postgresql": database_url, "redis": servers.redis_url}
    if dead == "postgresql":
        urls[dead] = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"
    elif dead == "redis":
        urls[dead] = "redis://127.0.0.1:1/0"
    elif dead == "milvus":
        urls[dead] = "http://127.0.0.1:1"
    groups: dict[str, dict[str, object]] = {
        "database": {"url": urls["postgresql"]},
        "redis": {"url": urls["redis"]},
        "milvus": {"uri": urls.get("milvus")},
    }
    assert await quick_check(given_settings(groups)) == code
    said = capsys.readouterr().out
    marks = {line.split()[1]: line.split()[0] for line in said.splitlines()[:-1]}
    assert marks == {name: "DOWN" if name == dead else "ok" for name in urls}
    assert "hunter2" not in said
