"""The state of sources in the database: failures, circuits, quarantine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from core.clock import ManualClock
from core.db import Database
from core.errors import Blocked, Malformed, NotConfigured, QuotaExceeded, Unavailable
from core.kis.rows import Rejected
from core.services import Services
from core.sources.models import QuarantineRow
from core.sources.service import (
    LONGEST_RAW,
    MOST_QUARANTINED,
    ask_source,
    get_source,
    list_sources,
    quarantine,
    record_failure,
    record_success,
    reopen,
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
    assert status.failed
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
    bad = [Rejected(reason="close\x00", raw="\ud800\x00" + "x" * 50_000)]
    bad += [Rejected(reason="r", raw=str(number)) for number in range(300)]
    async with database.begin() as conn:
        assert await quarantine(conn, "desk", bad, at=clock.now()) == 301
        rows = (await conn.execute(select(QuarantineRow.reason, QuarantineRow.raw))).all()
    assert len(rows) == MOST_QUARANTINED
    (hostile,) = [row for row in rows if row.reason == "close�"]
    assert len(hostile.raw) == LONGEST_RAW


async def test_the_same_bad_row_waits_once_however_often_it_comes(database: Database, clock: ManualClock) -> None:
    row = Rejected(reason="no title", raw="{}")
    for again in range(3):
        async with database.begin() as conn:
            await quarantine(conn, "desk", [row, row], at=clock.now() + timedelta(hours=again))
            await quarantine(conn, "other", [replace(row, reason="later")], at=clock.now())
    async with database.begin() as conn:
        kept = (await conn.execute(select(QuarantineRow).order_by(QuarantineRow.source))).all()
    assert [(each.source, each.times, each.seen_at) for each in kept] == [
        ("desk", 3, clock.now()),
        ("other", 3, clock.now()),
    ]


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


async def test_one_caller_probes_and_the_others_are_refused_meanwhile(services: Services, clock: ManualClock) -> None:
    for _ in range(3):
        await fail(services.db, Unavailable("down"), clock.now())
    clock.move(timedelta(minutes=10))
    asked, done = 0, asyncio.Event()

    async def call() -> int:
        nonlocal asked
        asked += 1
        await done.wait()
        async with services.db.begin() as conn:
            await record_success(conn, "desk", items=1, at=clock.now())
        return 1

    tasks = [asyncio.create_task(ask_source(services, "desk", call)) for _ in range(6)]
    refused, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    while len(refused) < 5:
        refused, waiting = await asyncio.wait(tasks, timeout=0.05)
    done.set()
    assert [await task for task in waiting] == [1]
    assert all(isinstance(task.exception(), Unavailable) for task in refused)
    assert asked == 1
    assert await ask_source(services, "desk", call) == 1


async def test_a_probe_that_dies_with_its_process_is_followed_by_another(
    services: Services, clock: ManualClock
) -> None:
    for _ in range(3):
        await fail(services.db, Unavailable("down"), clock.now())
    clock.move(timedelta(minutes=10))

    async def die() -> int:
        raise ValueError("the process died")

    async def answer() -> int:
        return 1

    with pytest.raises(ValueError, match="died"):
        await ask_source(services, "desk", die)
    with pytest.raises(Unavailable, match="not asked"):
        await ask_source(services, "desk", answer)
    clock.move(timedelta(minutes=1))
    assert await ask_source(services, "desk", answer) == 1


async def alerts(services: Services) -> list[str]:
    """The keys of the alerts in the outbox, oldest first."""
    async with services.db.begin() as conn:
        rows = await conn.execute(text("SELECT key FROM outbox WHERE kind LIKE 'source%' ORDER BY id"))
        return list(dict.fromkeys(rows.scalars()))


async def note(services: Services, outcome: Exception | int) -> SourceStatus:
    """Note one outcome with everybody told."""
    at = services.clock.now()
    async with services.db.begin() as conn:
        if isinstance(outcome, int):
            return await record_success(conn, "desk", items=outcome, at=at, services=services)
        return await record_failure(conn, "desk", error=outcome, at=at, services=services)


async def test_admins_are_told_once_of_a_failure_for_good_and_once_of_its_end(services: Services) -> None:
    await note(services, 20)
    for _ in range(2):
        await note(services, Unavailable("down"))
    assert await alerts(services) == []
    for _ in range(4):
        await note(services, Unavailable("down"))
    assert await alerts(services) == ["source:desk:1:failed"]
    for _ in range(3):
        await note(services, 20)
    assert await alerts(services) == ["source:desk:1:failed", "source:desk:1:recovered"]
    await note(services, Blocked("403"))
    assert (await alerts(services))[-1] == "source:desk:2:failed"


async def test_what_a_transaction_does_not_keep_is_not_told(services: Services) -> None:
    async with services.db.begin() as conn:
        await record_failure(conn, "desk", error=Blocked("403"), at=services.clock.now(), services=services)
        await conn.rollback()
    assert await alerts(services) == []
    assert not (await stored(services.db)).failed
    await note(services, Blocked("403"))
    assert await alerts(services) == ["source:desk:1:failed"]


async def test_the_usual_of_an_hour_is_learnt_and_judges_the_next_readings(
    services: Services, clock: ManualClock
) -> None:
    for items in (40, 38, 41, 44, 39, 40, 42, 40, 37, 40):
        assert (await note(services, items)).usual_items in {None, 40}
    few = await note(services, 3)
    assert (few.few, few.usual_items, few.failures_in_row) == (True, 40, 0)
    assert (await note(services, 0)).failure_kind == "empty"
    clock.move(timedelta(hours=8))
    night = await note(services, 3)
    assert (night.few, night.usual_items) == (False, None), "another hour knows nothing yet"


async def test_a_circuit_closed_by_hand_is_asked_again_and_recovers_only_by_a_success(services: Services) -> None:
    await note(services, Blocked("403"))
    async with services.db.begin() as conn:
        status = await reopen(conn, "desk")
    assert status.circuit(services.clock.now()) is Circuit.CLOSED
    assert (status.failed, status.told, status.failures_in_row) == (True, True, 0)
    await note(services, 5)
    assert await alerts(services) == ["source:desk:1:failed", "source:desk:1:recovered"]


async def test_nothing_may_be_made_the_usual_by_hand(services: Services) -> None:
    for _ in range(12):
        await note(services, 20)
    assert (await note(services, 0)).failure_kind == "empty"
    async with services.db.begin() as conn:
        await reopen(conn, "desk")
    assert (await note(services, 0)).failures_in_row == 0
