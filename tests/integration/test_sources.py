"""The state of sources in the database: failures, circuits, quarantine."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database
from core.errors import Blocked, Malformed, NotConfigured, QuotaExceeded, Unavailable
from core.kis.rows import Rejected
from core.services import Services
from core.sources.models import QuarantineRow
from core.sources.service import (
    MOST_QUARANTINED,
    ask_source,
    get_source,
    list_sources,
    quarantine,
    record_failure,
    record_success,
)
from core.sources.status import Circuit, SourceStatus


async def fail(db: Database, error: Exception, at: datetime) -> SourceStatus:
    async with db.begin() as conn:
        return await record_failure(conn, "desk", error=error, at=at)


async def succeed(db: Database, items: int, at: datetime) -> SourceStatus:
    async with db.begin() as conn:
        return await record_success(conn, "desk", items=items, at=at)


async def stored(db: Database) -> SourceStatus:
    async with db.begin() as conn:
        return await get_source(conn, "desk")


async def test_a_success_and_a_failure_are_both_remembered(database: Database, clock: ManualClock) -> None:
    at = clock.now()
    await succeed(database, 20, at)
    await fail(database, Unavailable("desk: ReadTimeout"), at + timedelta(minutes=10))
    status = await stored(database)
    assert (status.last_success_at, status.last_items) == (at, 20)
    assert (status.failure_kind, status.failure_message) == ("unavailable", "desk: ReadTimeout")
    assert (status.failures_in_row, status.circuit(at)) == (1, Circuit.CLOSED)
    await succeed(database, 5, at + timedelta(minutes=20))
    status = await stored(database)
    assert (status.failures_in_row, status.last_items) == (0, 5)
    assert status.failure_message == "desk: ReadTimeout"


async def test_three_failures_in_a_row_open_the_circuit_and_a_probe_closes_it(
    database: Database, clock: ManualClock
) -> None:
    at = clock.now()
    for _ in range(2):
        assert (await fail(database, Malformed("odd"), at)).circuit(at) is Circuit.CLOSED
    status = await fail(database, Unavailable("down"), at)
    assert status.circuit(at + timedelta(minutes=9)) is Circuit.OPEN
    assert status.circuit(at + timedelta(minutes=10)) is Circuit.PROBING
    assert (await succeed(database, 1, at + timedelta(minutes=10))).circuit(at) is Circuit.CLOSED


async def test_a_block_opens_for_an_hour_and_longer_each_time(database: Database, clock: ManualClock) -> None:
    at = clock.now()
    hours = [(await fail(database, Blocked("403"), at)).open_until for _ in range(8)]
    assert [(until - at) / timedelta(hours=1) for until in hours if until] == [1, 2, 4, 8, 16, 24, 24, 24]


async def test_a_used_up_allowance_opens_until_it_is_renewed(database: Database, clock: ManualClock) -> None:
    retry_at = clock.now() + timedelta(seconds=42)
    status = await fail(database, QuotaExceeded("slow down", retry_at=retry_at), clock.now())
    assert (status.failure_kind, status.open_until) == ("quota", retry_at)


async def test_no_items_from_a_source_that_had_some_is_a_failure(database: Database, clock: ManualClock) -> None:
    at = clock.now()
    assert (await succeed(database, 0, at)).failures_in_row == 0
    await succeed(database, 20, at)
    for expected in (1, 2, 3):
        status = await succeed(database, 0, at + timedelta(hours=1))
        assert (status.failure_kind, status.failures_in_row) == ("empty", expected)
    assert (status.last_items, status.last_success_at) == (20, at)
    assert status.circuit(at + timedelta(hours=1)) is Circuit.OPEN


async def test_sources_are_listed_by_name(database: Database, clock: ManualClock) -> None:
    async with database.begin() as conn:
        for source in ("naver", "dart", "kis_quote"):
            await record_success(conn, source, items=1, at=clock.now())
        assert [status.source for status in await list_sources(conn)] == ["dart", "kis_quote", "naver"]


async def test_secrets_in_an_error_are_not_stored(database: Database, clock: ManualClock) -> None:
    token = "123456789:" + "A" * 35
    status = await fail(database, Unavailable(f"https://host/bot{token}/x\x00" + "y" * 999), clock.now())
    assert token not in (status.failure_message or "")
    assert len(status.failure_message or "") <= 300
    assert await stored(database) == status


async def test_hostile_rows_are_quarantined_shortened_and_counted(database: Database, clock: ManualClock) -> None:
    bad = [Rejected(reason="close\x00", raw="\ud800\x00" + "x" * 5_000)] + [Rejected(reason="r", raw="{}")] * 300
    async with database.begin() as conn:
        assert await quarantine(conn, "desk", bad, at=clock.now()) == 301
        rows = (await conn.execute(select(QuarantineRow.reason, QuarantineRow.raw).order_by(QuarantineRow.id))).all()
    assert len(rows) == MOST_QUARANTINED
    assert rows[0].reason == "close�"
    assert len(rows[0].raw) == 1_000


async def test_nothing_to_quarantine_writes_nothing(database: Database, clock: ManualClock) -> None:
    async with database.begin() as conn:
        assert await quarantine(conn, "desk", [], at=clock.now()) == 0


async def test_a_source_with_an_open_circuit_is_not_asked(services: Services, clock: ManualClock) -> None:
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if calls <= 3:
            raise Unavailable("desk: down")
        return calls

    for _ in range(3):
        with pytest.raises(Unavailable, match="down"):
            await ask_source(services, "desk", call)
    with pytest.raises(Unavailable, match="not asked until"):
        await ask_source(services, "desk", call)
    assert calls == 3
    clock.move(timedelta(minutes=10))
    assert await ask_source(services, "desk", call) == 4


async def test_what_is_no_fault_of_the_source_is_not_held_against_it(services: Services) -> None:
    async def call() -> int:
        raise NotConfigured("no key")

    for _ in range(4):
        with pytest.raises(NotConfigured):
            await ask_source(services, "desk", call)
    assert (await stored(services.db)).failures_in_row == 0
