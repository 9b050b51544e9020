"""The envelope between real processes: one of them frozen past its lease, several of them at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import text

from core.db import Database
from core.embedded import Addresses
from core.runs.queries import recent_runs
from core.settings import Settings
from tests.acceptance.counting import COUNT, STEPS
from tests.acceptance.crash import crasher, expire_leases
from tests.conftest import NOW
from tests.integration.bot_stage import open_stage

RUN: Any = {"slot": NOW, "at": NOW}
TOTAL = STEPS * (STEPS + 1) // 2
THIRD_STEP = 20
"""The moment before the transaction of the third step: taking the lease has seven moments, a step has six."""


async def counted(db: Database) -> tuple[list[str], int]:
    """The steps done, in order, and their sum."""
    async with db.begin() as conn:
        return await steps(db), (await conn.execute(text("SELECT id FROM chat"))).scalar_one()


async def steps(db: Database) -> list[str]:
    """The steps done, in order."""
    async with db.begin() as conn:
        return list((await conn.execute(text("SELECT reason FROM quarantine ORDER BY id"))).scalars())


async def prepare(db: Database) -> None:
    """The row the job adds to."""
    async with db.begin() as conn:
        await conn.execute(text("INSERT INTO chat VALUES (0, 'private', true, now())"))


async def test_process_frozen_past_its_lease_writes_nothing_when_it_wakes(
    database: Database, test_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    first, second = (test_settings(app={"data_dir": tmp_path / name}) for name in ("first", "second"))
    await prepare(database)
    async with crasher() as one, crasher() as other:
        zombie = asyncio.create_task(one.run(COUNT, settings=first, kill_at=THIRD_STEP, by=signal.SIGSTOP, **RUN))
        process = await one.frozen()
        half = await counted(database)
        await expire_leases(first)
        assert (await other.run(COUNT, settings=second, **RUN)).outcome == "succeeded"
        process.resume()
        assert (await zombie).outcome == "fenced"
    assert half == (["1", "2"], 3)
    assert await counted(database) == ([str(step) for step in range(1, STEPS + 1)], TOTAL)
    async with database.begin() as conn:
        assert [(run.state, run.attempts, run.done) for run in await recent_runs(conn)] == [("succeeded", 2, STEPS)]


async def test_process_frozen_while_an_admin_unlocks_its_job_writes_nothing_when_it_wakes(
    servers: Addresses, template: str, test_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    async with open_stage(servers, template, tmp_path / "bot") as stage, crasher() as one, crasher() as other:
        db = stage.services.db
        database = stage.services.settings.database.model_dump()
        first, second = (test_settings(app={"data_dir": tmp_path / name}, database=database) for name in ("a", "b"))
        await prepare(db)
        zombie = asyncio.create_task(one.run(COUNT, settings=first, kill_at=THIRD_STEP, by=signal.SIGSTOP, **RUN))
        process = await one.frozen()
        question = (await stage.messages("/unlock count", stage.admin))[-1]
        await stage.press(question, "🔓 예, 강제로 해제합니다", stage.admin)
        process.resume()
        assert (await zombie).outcome == "fenced"
        assert await steps(db) == ["1", "2"]
        async with db.begin() as conn:
            assert [(run.state, run.attempts, run.done) for run in await recent_runs(conn, job="count")] == [
                ("fenced", 1, 2)
            ]
        assert (await other.run(COUNT, settings=second, **RUN)).outcome == "succeeded"
        assert await steps(db) == [str(step) for step in range(1, STEPS + 1)]


async def test_three_processes_at_once_run_a_slot_once(
    database: Database, test_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    await prepare(database)
    async with AsyncExitStack() as stack:
        parents = [await stack.enter_async_context(crasher()) for _ in range(3)]
        endings = await asyncio.gather(
            *(
                parent.run(COUNT, settings=test_settings(app={"data_dir": tmp_path / str(number)}), **RUN)
                for number, parent in enumerate(parents)
            )
        )
    assert sorted(ending.outcome for ending in endings) == ["Conflict", "Conflict", "succeeded"]
    assert await counted(database) == ([str(step) for step in range(1, STEPS + 1)], TOTAL)
