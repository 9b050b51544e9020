"""A run killed at any moment and started again ends as an undisturbed one, with nothing done twice."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.db import Database
from core.runs.queries import recent_runs
from core.settings import Settings
from tests.acceptance.counting import COUNT, STEPS
from tests.acceptance.crash import Crasher, crasher, expire_leases, spread
from tests.conftest import NOW

RUN: Any = {"slot": NOW, "at": NOW}


@pytest.fixture(scope="module")
async def crashes() -> AsyncIterator[Crasher]:
    """The parent of the processes to kill."""
    async with crasher() as parent:
        yield parent


async def state(db: Database) -> tuple[list[Any], int, int, list[Any]]:
    """All the job has left behind, counted rows and run row alike, and nothing that may differ between runs."""
    async with db.begin() as conn:
        rows = (await conn.execute(text("SELECT reason, raw FROM quarantine ORDER BY id"))).all()
        total = (await conn.execute(text("SELECT id FROM chat"))).scalar_one()
        locks = (await conn.execute(text("SELECT count(*) FROM job_lease"))).scalar_one()
        runs = [(run.job, run.slot, run.state, run.done, run.checkpoint) for run in await recent_runs(conn)]
    return [tuple(row) for row in rows], total, locks, runs


async def reset(db: Database) -> None:
    """The state before the first run."""
    async with db.begin() as conn:
        await conn.execute(text("TRUNCATE job_run, job_lease, job_lock, quarantine, chat"))
        await conn.execute(text("INSERT INTO chat VALUES (0, 'private', true, now())"))


@pytest.mark.timeout(300)
async def test_kill_at_every_moment_changes_nothing(
    crashes: Crasher, database: Database, test_settings: Callable[..., Settings]
) -> None:
    settings = test_settings()
    await reset(database)
    whole = await crashes.run(COUNT, settings=settings, **RUN)
    assert (whole.killed, whole.outcome) == (False, "succeeded")
    undisturbed = await state(database)
    assert undisturbed[1] == STEPS * (STEPS + 1) // 2

    moments = spread(whole.moments, 24)
    assert len(moments) >= 20
    for moment in moments:
        await reset(database)
        assert await crashes.run_through(COUNT, settings=settings, kills=[moment], **RUN) == 1
        assert await state(database) == undisturbed, f"killed at {moment} of {whole.moments}"


async def test_killed_again_and_again_it_still_gets_there(
    crashes: Crasher, database: Database, test_settings: Callable[..., Settings]
) -> None:
    settings = test_settings()
    await reset(database)
    moments = (random.Random(5).randint(1, 30) for _ in range(12))
    assert await crashes.run_through(COUNT, settings=settings, kills=moments, **RUN) >= 3
    rows, total, locks, runs = await state(database)
    assert rows == [(str(step), str(step - 1)) for step in range(1, STEPS + 1)]
    assert (total, locks) == (STEPS * (STEPS + 1) // 2, 0)
    assert [run[2:] for run in runs] == [("succeeded", STEPS, {"step": STEPS})]


async def test_slot_killed_and_not_wanted_any_more_is_kept_as_interrupted(
    crashes: Crasher, database: Database, test_settings: Callable[..., Settings]
) -> None:
    settings = test_settings()
    await reset(database)
    next_slot = NOW + timedelta(minutes=10)
    assert (await crashes.run(COUNT, settings=settings, kill_at=20, **RUN)).killed
    await expire_leases(settings)
    assert (await crashes.run(COUNT, settings=settings, slot=next_slot, at=next_slot)).outcome == "succeeded"
    async with database.begin() as conn:
        assert [(run.slot, run.state) for run in await recent_runs(conn)] == [
            (next_slot, "succeeded"),
            (NOW, "interrupted"),
        ]
