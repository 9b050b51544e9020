"""One holder, one writer: taking, renewing, fencing, finishing and taking away a lease on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.db import Database
from core.errors import Conflict, Fenced, Unavailable
from core.runs.handle import LeasedRun, beat
from core.runs.lease import Counts, fence, interrupt, renew, take_away
from core.runs.queries import Lock, list_locks
from core.runs.run import RunState
from tests.conftest import NOW
from tests.unit.core.runs.leases import JOB, LONG, end, pass_time, runs, take


async def test_one_of_ten_gets_the_slot(database: Database) -> None:
    results = await asyncio.gather(*(take(database, str(number)) for number in range(10)), return_exceptions=True)
    assert [type(result) for result in results].count(Conflict) == 9
    assert [run.attempts for run in await runs(database)] == [1]


async def test_held_job_refuses_another_slot(database: Database) -> None:
    await take(database)
    with pytest.raises(Conflict):
        await take(database, "b", slot=NOW + timedelta(minutes=10))
    assert len(await runs(database)) == 1


async def test_jobs_do_not_hinder_each_other(database: Database) -> None:
    await take(database)
    assert (await take(database, job="other")).epoch == 1


async def test_succeeded_slot_is_refused_and_leaves_no_lease(database: Database) -> None:
    await end(database, await take(database))
    with pytest.raises(Conflict):
        await take(database)
    async with database.begin() as conn:
        assert await list_locks(conn) == []


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.TIMED_OUT, RunState.FENCED])
async def test_slot_that_did_not_succeed_can_be_opened_again(database: Database, state: RunState) -> None:
    first = await take(database)
    await end(database, first, state)
    again = await take(database, "b")
    assert (again.attempts, again.run_id) == (2, first.run_id)
    assert again.epoch > first.epoch


async def test_expired_lease_is_taken_over_with_its_checkpoint(database: Database) -> None:
    dead = LeasedRun(database, await take(database))
    async with dead.begin(checkpoint={"after": "005930"}, done=2):
        pass
    await pass_time(database, LONG)
    heir = await take(database, "b")
    assert (heir.checkpoint, heir.done, heir.attempts) == ({"after": "005930"}, 2, 2)


async def test_lease_that_never_had_a_heartbeat_expires_too(database: Database) -> None:
    await take(database)
    await pass_time(database, LONG + timedelta(seconds=1))
    async with database.begin() as conn:
        assert [lock.expired for lock in await list_locks(conn)] == [True]
    await take(database, "b", slot=NOW + timedelta(minutes=10))


async def test_lease_older_than_a_day_is_expired_despite_heartbeats(database: Database) -> None:
    lease = await take(database)
    await pass_time(database, timedelta(hours=24))
    async with database.begin() as conn:
        await renew(conn, lease, Counts())
    await take(database, "b")


async def test_takeover_for_another_slot_leaves_the_old_one_interrupted(database: Database) -> None:
    await take(database)
    await pass_time(database, LONG)
    await take(database, "b", slot=NOW + timedelta(minutes=10))
    assert {run.slot: run.state for run in await runs(database)} == {
        NOW: RunState.INTERRUPTED,
        NOW + timedelta(minutes=10): RunState.RUNNING,
    }


async def test_renewal_prolongs_and_shows_the_counts(database: Database) -> None:
    lease = await take(database)
    await pass_time(database, LONG / 2)
    async with database.begin() as conn:
        before = (await list_locks(conn))[0]
    async with database.begin() as conn:
        await renew(conn, lease, Counts(done=3, failed=1, total=9))
    async with database.begin() as conn:
        after = (await list_locks(conn))[0]
    assert after.lease_until - before.lease_until >= LONG / 2
    assert (after.done, after.failed, after.total, after.slot, after.owner) == (3, 1, 9, NOW, "a")


async def test_late_renewal_keeps_a_lease_nobody_took(database: Database) -> None:
    lease = await take(database)
    await pass_time(database, LONG * 2)
    async with database.begin() as conn:
        await renew(conn, lease, Counts())
    with pytest.raises(Conflict):
        await take(database, "b")


async def test_lost_lease_can_neither_renew_nor_write_nor_finish(database: Database) -> None:
    zombie = await take(database)
    await pass_time(database, LONG)
    heir = await take(database, "b")
    with pytest.raises(Fenced):
        async with database.begin() as conn:
            await renew(conn, zombie, Counts())
    with pytest.raises(Fenced):
        await end(database, zombie)
    run = LeasedRun(database, zombie)
    with pytest.raises(Fenced):
        async with run.begin(checkpoint={"stolen": True}):
            pytest.fail("the zombie got in")
    await end(database, heir)
    assert [(run.state, run.checkpoint) for run in await runs(database)] == [(RunState.SUCCEEDED, {})]


async def test_same_owner_taking_again_fences_its_own_past(database: Database) -> None:
    past = await take(database)
    await pass_time(database, LONG)
    await take(database)
    async with database.begin() as conn:
        with pytest.raises(Fenced):
            await renew(conn, past, Counts())


async def test_write_that_fails_stores_neither_rows_nor_checkpoint_nor_counts(database: Database) -> None:
    run = LeasedRun(database, await take(database))
    with suppress(ZeroDivisionError):
        async with run.begin(checkpoint={"after": "x"}, done=1) as conn:
            await conn.execute(text("INSERT INTO chat VALUES (1, 'private', true, now())"))
            raise ZeroDivisionError
    assert (run.checkpoint, run.counts.done) == ({}, 0)
    assert (await runs(database))[0].checkpoint == {}
    async with database.begin() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM chat"))).scalar_one() == 0


async def test_release_waits_for_a_write_under_way_and_then_shuts_the_door(database: Database) -> None:
    lease = await take(database)
    order: list[str] = []
    async with database.begin() as writing:
        await fence(writing, lease)
        releasing = asyncio.create_task(_take_away(database, order))
        await asyncio.sleep(0.05)
        order.append("written")
    assert await releasing
    assert order == ["written", "released"]
    with pytest.raises(Fenced):
        async with database.begin() as conn:
            await fence(conn, lease)


async def test_process_frozen_in_a_write_loses_it_and_the_job(database: Database) -> None:
    frozen = await take(database, length=timedelta(milliseconds=200))

    async def write_and_freeze() -> None:
        async with database.begin() as writing:
            await fence(writing, frozen)
            await writing.execute(text("INSERT INTO chat VALUES (1, 'private', true, now())"))
            await pass_time(database, LONG)
            await end(database, await take(database, "b"))
            await writing.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await write_and_freeze()
    async with database.begin() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM chat"))).scalar_one() == 0
    assert [run.state for run in await runs(database)] == [RunState.SUCCEEDED]


async def test_released_twice_is_released_once(database: Database) -> None:
    await take(database)
    assert await _take_away(database, [])
    assert not await _take_away(database, [])
    assert [run.state for run in await runs(database)] == [RunState.FENCED]


async def test_given_back_slot_is_open_at_once(database: Database) -> None:
    lease = await take(database)
    async with database.begin() as conn:
        await interrupt(conn, lease, at=NOW)
    assert [run.state for run in await runs(database)] == [RunState.INTERRUPTED]
    assert (await take(database, "b")).attempts == 2


async def test_failures_in_a_row_are_counted_until_a_success(database: Database) -> None:
    states = [RunState.FAILED, RunState.TIMED_OUT, RunState.SUCCEEDED, RunState.SUCCEEDED, RunState.FAILED]
    counted = [
        await end(database, await take(database, slot=NOW + timedelta(minutes=minute)), state)
        for minute, state in enumerate(states)
    ]
    assert counted == [1, 2, 2, 0, 1]


async def test_heartbeat_prolongs_a_lease_about_to_end(database: Database) -> None:
    run = LeasedRun(database, await take(database, length=timedelta(milliseconds=300)))
    run.progress(done=7)
    beating = asyncio.create_task(beat(database, run))
    async with asyncio.timeout(10):
        while (lock := await _lock(database)).done != 7:  # noqa: ASYNC110 - a row has no event to wait for
            await asyncio.sleep(0.02)
    beating.cancel()
    assert lock.lease_until - lock.heartbeat_at >= timedelta(milliseconds=299)
    assert lock.heartbeat_at > lock.acquired_at


async def test_heartbeat_ends_when_the_lease_is_gone(database: Database) -> None:
    run = LeasedRun(database, await take(database, length=timedelta(milliseconds=60)))
    await _take_away(database, [])
    with pytest.raises(Fenced):
        await asyncio.wait_for(beat(database, run), 5)


async def test_heartbeat_gives_up_when_the_database_is_gone_for_a_lease_length(database: Database) -> None:
    run = LeasedRun(database, await take(database, length=timedelta(milliseconds=60)))
    unreachable = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    with pytest.raises(Fenced, match="no heartbeat"):
        await asyncio.wait_for(beat(unreachable, run), 5)
    await unreachable.close()


async def _take_away(db: Database, order: list[str]) -> bool:
    async with db.begin() as conn:
        taken = await take_away(conn, JOB, RunState.FENCED, at=NOW)
    order.append("released")
    return taken


async def _lock(db: Database) -> Lock:
    async with db.begin() as conn:
        return (await list_locks(conn))[0]
