"""What is logged at WARNING and above is a row, whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import structlog
from sqlalchemy import text

from core.clock import ManualClock
from core.db import Database
from core.embedded import Addresses
from core.log_records.queries import newest_records, prune_records, records_of
from core.log_records.record import Category, Level, LogRecord
from core.log_records.rows import LogRows, keeping_log_rows
from core.logs import configure_logs
from core.settings import LogSettings
from tests.integration.bot_stage import Stage, open_stage

EVIL = "a\x00b\ud800\u202e<b>"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """Logs as the process has them; returns the file."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs(LogSettings(file=tmp_path / "app.log"), secrets=["the-literal-secret"])
    structlog.configure(cache_logger_on_first_use=False)
    yield tmp_path / "app.log"
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
async def rows(logs: Path, database: Database, clock: ManualClock) -> AsyncIterator[LogRows]:
    """Rows being kept, written only when a test says so or a second has passed."""
    async with keeping_log_rows(database, clock) as kept:
        yield kept


async def stored(database: Database, **asked: object) -> list[LogRecord]:
    async with database.read() as conn:
        return await newest_records(conn, limit=1_000, **asked)  # type: ignore[arg-type]


async def test_a_row_holds_who_said_what_and_when(rows: LogRows, database: Database, clock: ManualClock) -> None:
    log = structlog.get_logger("core.news.service")
    log.info("not kept")
    with structlog.contextvars.bound_contextvars(job="crawl_news", slot="2026-02-20T06:50"):
        log.warning("rows_quarantined", source="naver_main", rows=3, reference="a1b2c3", nested={"deep": [1, None]})
    await rows.flush_rows()
    assert await stored(database) == [
        LogRecord(
            at=clock.now(),
            level=Level.WARNING,
            category=Category.CRAWLER,
            event="rows_quarantined",
            logger="core.news.service",
            fields={
                "source": "naver_main",
                "rows": 3,
                "nested": {"deep": [1, None]},
                "job": "crawl_news",
                "slot": "2026-02-20T06:50",
            },
            reference="a1b2c3",
        )
    ]


async def test_a_library_s_failure_is_a_row_with_its_traceback(rows: LogRows, database: Database) -> None:
    try:
        raise RuntimeError("refused the-literal-secret")
    except RuntimeError:
        logging.getLogger("asyncio").exception("task %s broke with %s", 7, "the-literal-secret")
    await rows.flush_rows()
    [row] = await stored(database)
    assert (row.level, row.event, row.logger) == (Level.ERROR, "task 7 broke with ***", "asyncio")
    assert row.fields["exception"].endswith("RuntimeError: refused ***")


@pytest.mark.parametrize(
    ("logger", "bound", "category"),
    [
        ("bot.errors", {}, "system"),
        ("core.cache", {"job": "crawl_news"}, "job"),
        ("core.cache", {"job": "x", "strategy": "rsi"}, "strategy"),
        ("jobs.run", {}, "job"),
        ("jobsomething", {}, "system"),
        ("core.strategies.supervisor", {"job": "x"}, "strategy"),
        ("core.llm.gateway", {"job": "x"}, "llm"),
        ("openai._base_client", {}, "llm"),
        ("core.sources.service", {"job": "x"}, "crawler"),
        ("core.runs.alerts", {}, "alert"),
        ("core.delivery.service", {}, "alert"),
    ],
)
async def test_the_category_is_by_who_speaks_else_by_what_was_under_way(
    rows: LogRows, database: Database, logger: str, bound: dict[str, str], category: str
) -> None:
    with structlog.contextvars.bound_contextvars(**bound):
        structlog.get_logger(logger).warning("x")
    await rows.flush_rows()
    assert [row.category for row in await stored(database)] == [category]
    assert len(await stored(database, category=Category(category))) == 1
    assert await stored(database, least=Level.ERROR) == []


async def test_anything_that_can_be_logged_can_be_kept(rows: LogRows, database: Database) -> None:
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]

    class Rude:
        def __str__(self) -> str:
            return EVIL

    log = structlog.get_logger("t")
    for value in (EVIL, {EVIL: EVIL}, float("nan"), float("inf"), 10**5_000, -(2**70), deep, b"\xff", Rude(), {1, 2}):
        log.error(EVIL, value=value, reference=EVIL)
    log.error("x" * 100_000, value=["y" * 100_000] * 200)
    await rows.flush_rows()
    assert sum(row.repeated for row in await stored(database)) == 11
    assert rows.dropped == 0
    async with database.read() as conn:
        assert (await conn.execute(text("SELECT max(length(t::text)) FROM log_record t"))).scalar_one() < 50_000
        assert len(await records_of(conn, "ab?\u202e<b>")) == 9


async def test_equal_lines_that_wait_together_are_one_row_that_counts_them(
    rows: LogRows, database: Database, clock: ManualClock
) -> None:
    for number in range(900):
        clock.move(timedelta(milliseconds=1))
        structlog.get_logger("t").warning("cache_lost", error="ConnectionError", other=number % 3)
    await rows.flush_rows()
    kept = await stored(database)
    assert [row.repeated for row in kept] == [300, 300, 300]
    assert kept[0].at == clock.now()


async def test_while_the_database_is_away_the_newest_wait_and_what_found_no_room_is_counted(
    logs: Path, database: Database, clock: ManualClock
) -> None:
    dead = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    rows = LogRows(dead, clock, most=50)
    logging.getLogger().addHandler(rows)
    for number in range(80):
        structlog.get_logger("t").warning("said", number=number)
    assert await rows.flush_rows() is False
    structlog.get_logger("t").warning("said", number=80)
    assert (rows.waiting, rows.dropped) == (50, 31)
    rows._db = database  # the server is back
    assert await rows.flush_rows() is True
    await rows.flush_rows()
    kept = await stored(database)
    assert sorted(row.fields["number"] for row in kept if row.event == "said") == list(range(31, 81))
    assert [row.fields["rows"] for row in kept if row.event == "log_rows_dropped"] == [31]
    await dead.close()


async def test_what_is_logged_about_writing_rows_is_no_row(
    rows: LogRows, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    structlog.get_logger("t").warning("first")
    async with database.begin() as conn:
        await conn.execute(text("ALTER TABLE log_record RENAME TO lost"))
    for _ in range(3):
        await rows.flush_rows()
    assert rows.waiting == 0
    assert rows.dropped == 1
    async with database.begin() as conn:
        await conn.execute(text("ALTER TABLE lost RENAME TO log_record"))
    structlog.get_logger("t").warning("second")
    await rows.flush_rows()
    await rows.flush_rows()
    assert [row.event for row in await stored(database)] == ["log_rows_dropped", "second"]


async def test_lines_of_other_threads_and_of_the_last_moment_are_kept(
    logs: Path, database: Database, clock: ManualClock
) -> None:
    def speak(number: int) -> None:
        for count in range(50):
            structlog.get_logger("t").warning("said", thread=number, count=count)

    async with keeping_log_rows(database, clock):
        threads = [Thread(target=speak, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert len(await stored(database)) == 200
    assert logging.getLogger().handlers[-1].__class__.__name__ != "LogRows"


async def test_rows_are_kept_for_as_long_as_the_settings_say(
    rows: LogRows, database: Database, clock: ManualClock
) -> None:
    for _ in range(3):
        structlog.get_logger("t").warning("x")
        await rows.flush_rows()
        clock.move(timedelta(days=10))
    async with database.begin() as conn:
        assert await prune_records(conn, before=clock.now() - timedelta(days=20)) == 1
    assert len(await stored(database)) == 2


# In the chat


@pytest.fixture
async def stage(servers: Addresses, template: str, tmp_path: Path, logs: Path) -> AsyncIterator[Stage]:
    """The bot with its logs as the process has them."""
    async with open_stage(servers, template, tmp_path) as opened:
        yield opened


def reference_in(answer: str) -> str:
    return answer.partition("참조 번호 ")[2].split()[0]


async def test_the_reference_of_a_failure_finds_its_row(stage: Stage) -> None:
    await stage.ask("/start")
    async with stage.services.db.begin() as conn:
        await conn.execute(text("ALTER TABLE watch_item RENAME TO lost"))
    unexpected = reference_in(await stage.ask("/watchlist"))
    async with stage.services.db.begin() as conn:
        await conn.execute(text("ALTER TABLE lost RENAME TO watch_item"))
    stage.world.kis.faults.add("close", times=100)
    known = reference_in(await stage.ask("두산"))
    [message] = await stage.messages(f"/logs {unexpected}", stage.admin)
    assert f"update_failed · 참조 번호 {unexpected}" in message.text
    assert "kind=ProgrammingError" in message.text
    assert message.media is not None
    assert message.media.name == "logs.txt"
    assert "Traceback (most recent call last)" in message.media.data.decode()
    found = await stage.ask(f"/logs {known.upper()}", stage.admin)
    assert f"참조 번호 {known}" in found
    assert "kind: Unavailable" in found
    assert "Traceback" not in found
    newest = await stage.ask("/logs", stage.admin)
    assert newest.index(known) < newest.index(unexpected)
    assert "2026" not in newest.partition(known)[0].splitlines()[-1]
    assert "02-20 15:5" in newest
    errors = await stage.ask("/logs 50 error system", stage.admin)
    assert unexpected in errors
    assert known not in errors
    assert await stage.ask(f"/logs {unexpected}") == "⚠️ 관리자만 쓸 수 있는 명령입니다."


async def test_what_is_asked_of_the_log_is_answered_or_explained(stage: Stage) -> None:
    for number in range(60):
        structlog.get_logger("core.llm.x").error("<b>boom</b>", number=number, said="& <i>" * 30)
    short, long = (await stage.messages("/logs 2 llm", stage.admin))[-1], await stage.ask("/logs 50", stage.admin)
    assert short.text.count("<b>boom</b>") == 2
    assert "number=59" in short.text
    assert "[문서: logs.txt]" in long
    assert "해당하는 기록이 없습니다" in await stage.ask("/logs critical", stage.admin)
    assert "참조 번호 abcdef의 기록이 없습니다. 기록은 30일" in await stage.ask("/logs abcdef", stage.admin)
    for words in ("0", "51", "x", "error error", "1 2", "debug", "crawler job", "-1", "٣", "abcdef error"):
        assert "예: /logs error crawler 20" in await stage.ask(f"/logs {words}", stage.admin), words
