"""Which slots are to be run now: what the schedule asks for, less what the history of runs has settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Calendar, kst_date
from core.runs.queries import asked_for, edge_slots, paused_jobs, runs_at
from core.runs.run import RunRecord, RunState
from core.services import Services
from jobs.slots import latest_slot, slots_between
from jobs.spec import CatchUp, JobSpec, TodayIfWithin

MOST_ATTEMPTS = 3
RETRY_AFTER = timedelta(minutes=2)
"""A failed attempt is repeated after this time, and after twice this the second time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A slot to be run now, and how many slots before it were missed for good."""

    spec: JobSpec
    slot: datetime
    missed: int = 0


async def due_slots(services: Services, specs: Iterable[JobSpec], at: datetime) -> list[Due]:
    """The slots to be run at the instant `at`, in the order of `specs`, oldest first within a job.

    A slot is due when the policy of its job still wants it and no run of it has succeeded, was stopped by an admin,
    or has failed for good. A run that is under way elsewhere is listed too: only its lease tells whether it lives.
    A run an admin asked for is due again when its process was lost.
    """
    async with services.db.begin() as conn:
        paused, asked = await paused_jobs(conn), await asked_for(conn)
        wanted = [
            (spec, slot)
            for spec in specs
            if spec.name not in paused
            for slot in sorted(
                {*wanted_slots(spec, at, services.calendar, oldest=await _oldest_slot(conn, spec))}
                | {slot for job, slot in asked if job == spec.name}
            )
        ]
        runs = await runs_at(conn, [(spec.name, slot) for spec, slot in wanted])
        return [
            Due(spec=spec, slot=slot, missed=await _missed(conn, spec, slot, services.calendar, run))
            for spec, slot in wanted
            if is_open(run := runs.get((spec.name, slot)), at)
        ]


def wanted_slots(spec: JobSpec, at: datetime, calendar: Calendar, *, oldest: datetime | None) -> Sequence[datetime]:
    """The slots the job's policy wants run by `at`; `oldest` is the slot its history begins with."""
    latest = latest_slot(spec, at, calendar)
    if latest is None:
        return ()
    match spec.catch_up:
        case CatchUp.EVERY_SLOT if oldest is not None:
            return tuple(slots_between(spec, oldest - timedelta.resolution, at, calendar))
        case TodayIfWithin(late) if at - latest >= late or kst_date(at) != kst_date(latest):
            return ()
    return (latest,)


def is_open(run: RunRecord | None, at: datetime) -> bool:
    """Whether the slot of `run` may be run at `at`."""
    if run is None or run.state in (RunState.RUNNING, RunState.INTERRUPTED):
        return True
    if run.state not in (RunState.FAILED, RunState.TIMED_OUT) or run.finished_at is None:
        return False
    return run.attempts < MOST_ATTEMPTS and at >= run.finished_at + run.attempts * RETRY_AFTER


async def _oldest_slot(conn: AsyncConnection, spec: JobSpec) -> datetime | None:
    edges = await edge_slots(conn, spec.name) if spec.catch_up is CatchUp.EVERY_SLOT else None
    return edges[0] if edges else None


async def _missed(
    conn: AsyncConnection, spec: JobSpec, slot: datetime, calendar: Calendar, run: RunRecord | None
) -> int:
    loses = spec.catch_up is CatchUp.LATEST or isinstance(spec.catch_up, TodayIfWithin)
    edges = await edge_slots(conn, spec.name) if loses and run is None else None
    if edges is None or edges[1] >= slot:
        return 0
    return sum(1 for _ in slots_between(spec, edges[1], slot - timedelta.resolution, calendar))
