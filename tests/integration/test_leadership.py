"""One of many leads: who, until when, and what becomes of the work, by steps driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from core.db import Database
from core.errors import Unavailable
from core.runs.leadership import LENGTH, TAKEOVER, TRY_EVERY, Leadership, current_leader, lead

NOBODY = "postgresql://someone@127.0.0.1:1/nothing"


class Process:
    """A process that strives for leadership, and a log of what its work went through."""

    def __init__(self, db: Database, owner: str, *, alone: bool = False) -> None:
        self.seconds = 0.0
        self.went: list[str] = []
        self.fails: Exception | None = None
        self.part = Leadership(db, owner, self.work, alone=alone, monotonic=lambda: self.seconds)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """What the leader does."""
        if self.fails:
            raise self.fails
        self.went.append("began")
        yield
        self.went.append("ended")

    async def step(self) -> bool:
        """One step; whether it leads after it."""
        await self.part.step()
        return self.part.leading


@pytest.fixture
def first(database: Database) -> Process:
    """A process."""
    return Process(database, "first")


@pytest.fixture
def second(database: Database) -> Process:
    """Another one."""
    return Process(database, "second")


async def pass_time(db: Database, seconds: float) -> None:
    """Move the lease as if this time had passed on the database's clock."""
    async with db.begin() as conn:
        await conn.execute(text(f"UPDATE leader SET lease_until = lease_until - INTERVAL '{seconds}s'"))


async def leader(db: Database) -> tuple[str, int, bool] | None:
    """Whom the database names, for the how-manieth time, and whether the lease is over."""
    async with db.read() as conn:
        found = await current_leader(conn)
    return (found.owner, found.epoch, found.expired) if found else None


async def test_one_of_two_leads_and_the_other_waits(database: Database, first: Process, second: Process) -> None:
    assert [await first.step(), await second.step(), await first.step(), await second.step()] == [True, False] * 2
    assert (first.went, second.went) == (["began"], [])
    assert await leader(database) == ("first", 1, False)


async def test_of_many_who_start_at_once_one_leads(database: Database) -> None:
    many = [Process(database, f"process {number}") for number in range(8)]
    assert sorted(await asyncio.gather(*(each.step() for each in many))) == [False] * 7 + [True]


async def test_dead_leader_is_followed_when_its_lease_has_ended_and_not_before(
    database: Database, first: Process, second: Process
) -> None:
    await first.step()
    await pass_time(database, LENGTH.total_seconds() - 1)
    assert not await second.step()
    await pass_time(database, 1)
    assert await second.step()
    assert await leader(database) == ("second", 2, False)
    assert TAKEOVER == LENGTH + TRY_EVERY
    assert second.part.next_step == TRY_EVERY.total_seconds()


async def test_leader_that_renews_stays_however_long(database: Database, first: Process, second: Process) -> None:
    for _ in range(10):
        assert await first.step()
        await pass_time(database, TRY_EVERY.total_seconds())
        first.seconds += TRY_EVERY.total_seconds()
        assert not await second.step()
    assert first.went == ["began"]
    assert await leader(database) == ("first", 1, False)


async def test_leader_whose_lease_was_taken_stops_at_its_next_step_and_may_lead_again(
    database: Database, first: Process, second: Process
) -> None:
    await first.step()
    await pass_time(database, LENGTH.total_seconds())
    await second.step()
    assert not await first.step()
    assert first.went == ["began", "ended"]
    await second.part.resign()
    assert await first.step()
    assert first.went == ["began", "ended", "began"]


async def test_frozen_leader_stops_before_it_asks_anybody(database: Database, first: Process) -> None:
    await first.step()
    first.seconds += LENGTH.total_seconds()
    assert first.part.next_step == 0
    assert await first.step(), "nobody took the lease meanwhile"
    assert first.went == ["began", "ended", "began"]


async def test_leader_that_cannot_renew_stops_at_the_end_of_its_lease_and_not_before(first: Process) -> None:
    await first.step()
    unreachable = Database(NOBODY, pool_size=1)
    first.part._db = unreachable
    first.seconds = LENGTH.total_seconds() - 1
    assert await first.step()
    assert first.part.next_step == 1
    first.seconds = LENGTH.total_seconds()
    assert not await first.step()
    assert first.went == ["began", "ended"]
    await unreachable.close()


async def test_leader_that_resigns_is_followed_at_the_next_try(
    database: Database, first: Process, second: Process
) -> None:
    await first.step()
    await first.part.resign()
    assert first.went == ["began", "ended"]
    assert await leader(database) is None
    assert await second.step()
    assert await leader(database) == ("second", 2, False)


async def test_one_that_does_not_lead_gives_nothing_up(database: Database, first: Process, second: Process) -> None:
    await first.step()
    await second.step()
    await second.part.resign()
    assert await leader(database) == ("first", 1, False)


async def test_one_that_cannot_begin_lets_another_lead(database: Database, first: Process, second: Process) -> None:
    first.fails = Unavailable("telegram: no answer")
    assert not await first.step()
    assert await second.step()


async def test_one_that_is_alone_does_not_wait_for_its_dead_predecessor(database: Database, first: Process) -> None:
    await first.step()
    alone = Process(database, "restarted", alone=True)
    assert await alone.step()
    assert not await first.step()
    assert await alone.step()


async def test_block_begins_after_the_first_step_and_resigns_at_its_end(database: Database, first: Process) -> None:
    waits: list[float] = []
    renewed = asyncio.Event()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > 3:
            renewed.set()
            await asyncio.Event().wait()

    async with lead(first.part, wait=wait):
        assert first.went == ["began"]
        await renewed.wait()
    assert waits == [TRY_EVERY.total_seconds()] * 4
    assert first.went == ["began", "ended"]
    assert await leader(database) is None


async def test_unknown_failure_ends_the_block_and_the_lease(database: Database, first: Process) -> None:
    turns = asyncio.Queue[None]()

    async def wait(_seconds: float) -> None:
        await turns.get()

    other = Process(database, "other")
    await other.step()
    first.fails = ValueError("a fault of ours")

    async def block() -> None:
        async with lead(first.part, wait=wait):
            await other.part.resign()
            turns.put_nowait(None)
            await asyncio.Event().wait()

    with pytest.raises(ValueError, match="a fault of ours"):
        await asyncio.wait_for(block(), 10)
