"""The health probe of the schedule: what waits though it could run, what was missed, and what fails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.health.kept import kept_of
from core.health.note import Note, NoteKind, note
from core.health.probe import Finding, Probe
from core.health.report import Status
from core.runs.queries import list_locks, newest_runs
from core.runs.run import RunState
from core.services import Services
from jobs.due import due_slots
from jobs.scheduler import ready
from jobs.slots import slots_between
from jobs.spec import CatchUp, JobSpec

LATE: Final = timedelta(minutes=5)
"""A slot that could run and does not for so long makes the schedule degraded."""
LOOK_BACK: Final = timedelta(days=1)
"""How far back missed slots are counted."""


def scheduler_probe(specs: Sequence[JobSpec]) -> Probe:
    """How the schedule of `specs` is kept, by whichever process runs it."""

    async def look(services: Services) -> Finding:
        now, since = services.clock.now(), kept_of(services).since
        due = await due_slots(services, specs, now)
        async with services.db.read() as conn:
            held = frozenset(lock.job for lock in await list_locks(conn) if not lock.expired)
            newest = await newest_runs(conn, [spec.name for spec in specs])
            missed = await _missed(conn, services, specs, now)
        # A process that has just begun is not late for what was due before it.
        waiting = [(now - max(each.slot, since), each.spec.name) for each in ready(due, held)]
        lag, latest = max(waiting, default=(timedelta(), ""))
        failing = [name for name, run in newest.items() if run.state in {RunState.FAILED, RunState.TIMED_OUT}]
        notes: list[Note] = [note(NoteKind.JOBS, count=len(specs), seconds=round(lag.total_seconds()))]
        if failing:
            notes.append(note(NoteKind.FAILING, jobs=", ".join(failing)))
        if lag > LATE:
            notes.append(note(NoteKind.LATE, job=latest, minutes=lag // timedelta(minutes=1)))
        if missed:
            notes.append(note(NoteKind.MISSED, count=missed))
        return Finding(
            status=Status.DEGRADED if failing or lag > LATE else Status.HEALTHY,
            notes=tuple(notes),
            last_success_at=max(
                (run.finished_at for run in newest.values() if run.finished_at and run.state is RunState.SUCCEEDED),
                default=None,
            ),
        )

    return Probe(name="scheduler", look=look)


_RUN_SLOTS = text(
    "SELECT job, min(slot) AS oldest, max(slot) AS newest, count(*) FILTER (WHERE slot > :since) AS runs"
    " FROM job_run WHERE asked_by IS NULL GROUP BY job"
)


async def _missed(conn: AsyncConnection, services: Services, specs: Sequence[JobSpec], now: datetime) -> int:
    """Slots of the last day that were passed over for good; those of jobs that do the missed work later are not."""
    since = now - LOOK_BACK
    kept = {row.job: row for row in await conn.execute(_RUN_SLOTS, {"since": since})}
    missed = 0
    for spec in specs:
        if spec.catch_up in {CatchUp.BACKLOG, CatchUp.EVERY_SLOT} or (row := kept.get(spec.name)) is None:
            continue
        begin = max(since, row.oldest - timedelta.resolution)
        slots = sum(1 for _ in slots_between(spec, begin, row.newest, services.calendar))
        missed += max(slots - row.runs, 0)
    return missed
