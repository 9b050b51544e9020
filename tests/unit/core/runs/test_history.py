"""The history of runs, and what an admin does with locks."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from core.db import Database
from core.runs.lease import fence
from core.runs.queries import edge_slots, prune_runs, recent_runs, runs_at
from core.runs.run import RunState
from core.runs.service import clean_expired, release
from core.services import Services
from tests.conftest import NOW
from tests.unit.core.runs.leases import LONG, end, pass_time, runs, take

TEN = timedelta(minutes=10)


async def test_runs_are_found_by_job_and_slot(database: Database) -> None:
    await end(database, await take(database))
    await take(database, job="other")
    async with database.begin() as conn:
        found = await runs_at(conn, [("tidy", NOW), ("tidy", NOW + TEN), ("other", NOW), ("none", NOW)])
        assert {tick: run.state for tick, run in found.items()} == {
            ("tidy", NOW): RunState.SUCCEEDED,
            ("other", NOW): RunState.RUNNING,
        }
        assert await runs_at(conn, []) == {}


async def test_edges_of_the_history(database: Database) -> None:
    async with database.begin() as conn:
        assert await edge_slots(conn, "tidy") is None
    for slot in (NOW, NOW + TEN, NOW + 2 * TEN):
        await end(database, await take(database, slot=slot))
    async with database.begin() as conn:
        assert await edge_slots(conn, "tidy") == (NOW, NOW + 2 * TEN)


async def test_a_thousand_runs_of_each_job_are_kept(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO job_run (job, slot, epoch, state, started_at)"
                " SELECT job, at, row_number() OVER (PARTITION BY job ORDER BY at), 'succeeded', at"
                " FROM generate_series(CAST(:now AS timestamptz), :now + INTERVAL '1009 min', '1 min') at,"
                " (VALUES ('tidy'), ('other')) jobs(job)"
            ),
            {"now": NOW},
        )
        await prune_runs(conn, "tidy")
        tidy = await recent_runs(conn, job="tidy", limit=2_000)
        assert (len(tidy), tidy[0].epoch, tidy[-1].epoch) == (1_000, 1_010, 11)
        assert len(await recent_runs(conn, job="other", limit=2_000)) == 1_010


async def test_expired_leases_are_cleaned_and_their_runs_stay_open(services: Services) -> None:
    await take(services.db, job="dead")
    await pass_time(services.db, LONG)
    await take(services.db, job="alive")
    assert await clean_expired(services) == ["dead"]
    assert await clean_expired(services) == []
    assert {run.job: run.state for run in await runs(services.db)} == {
        "dead": RunState.INTERRUPTED,
        "alive": RunState.RUNNING,
    }


async def test_expired_lease_of_one_who_is_writing_is_left_and_the_others_are_cleaned(services: Services) -> None:
    busy = await take(services.db, job="busy")
    await take(services.db, job="dead")
    await pass_time(services.db, LONG)
    async with services.db.begin() as writing:
        await fence(writing, busy)
        assert await clean_expired(services) == ["dead"]
    assert await clean_expired(services) == ["busy"]


async def test_release_of_an_epoch_spares_a_later_one(services: Services) -> None:
    first = await take(services.db)
    await pass_time(services.db, LONG)
    second = await take(services.db, "b")
    assert not await release(services, "tidy", by=1, epoch=first.epoch)
    assert await release(services, "tidy", by=1, epoch=second.epoch)


async def test_run_that_was_taken_away_says_when_it_ended(services: Services) -> None:
    await take(services.db)
    await release(services, "tidy", by=1)
    (run,) = await runs(services.db)
    assert (run.state, run.finished_at, run.duration) == (RunState.FENCED, NOW, timedelta())


async def test_release_tells_whether_anybody_held_it(services: Services) -> None:
    await take(services.db)
    assert await release(services, "tidy", by=1)
    assert not await release(services, "tidy", by=1)
    assert not await release(services, "never ran", by=1)
