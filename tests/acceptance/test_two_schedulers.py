"""A simulated day with two schedulers over one database: every slot that falls due is run, and once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.runs.run import Run
from core.services import Services
from jobs.due import wanted_slots
from jobs.registry import JOBS
from jobs.scheduler import run_due
from tests.conftest import OpenServices

BEGIN = datetime(2026, 2, 19, 15, 0, tzinfo=UTC)
"""Midnight in Seoul before a Friday session."""
STEP = timedelta(minutes=10)
STEPS = 144


async def count(services: Services, run: Run) -> None:
    """Leave one row a run, with who ran it."""
    async with run.begin(checkpoint={"done": True}, done=1) as conn:
        await conn.execute(
            text("INSERT INTO quarantine (source, reason, raw, seen_at) VALUES (:who, 'count', :slot, now())"),
            {"who": str(services.settings.app.data_dir.name), "slot": run.slot.isoformat()},
        )


@pytest.mark.timeout(300)
async def test_day_of_two_schedulers_runs_every_due_slot_once(
    open_test_services: OpenServices, clock: ManualClock, tmp_path: Path
) -> None:
    clock.move(BEGIN - clock.now())
    specs = [replace(spec, run=count, after=()) for spec in JOBS.values()]
    wanted: set[tuple[str, datetime]] = set()
    async with (
        open_test_services(app={"data_dir": tmp_path / "one"}) as one,
        open_test_services(app={"data_dir": tmp_path / "two"}) as two,
    ):
        for _ in range(STEPS):
            wanted |= {
                (spec.name, slot)
                for spec in specs
                for slot in wanted_slots(spec, clock.now(), one.calendar, oldest=None)
            }
            await asyncio.gather(run_due(one, specs=specs), run_due(two, specs=specs))
            clock.move(STEP)
        async with one.db.read() as conn:
            runs = (await conn.execute(text("SELECT job, slot, state, attempts FROM job_run"))).all()
            counted = (await conn.execute(text("SELECT source, raw FROM quarantine"))).all()
    assert {run.state for run in runs} == {"succeeded"}
    assert {run.attempts for run in runs} == {1}
    assert {(run.job, run.slot) for run in runs} == wanted
    assert Counter(row.raw for row in counted) == Counter(run.slot.isoformat() for run in runs)
    assert set(Counter(row.source for row in counted)) == {"one", "two"}, "both had a share"
