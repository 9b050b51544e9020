"""Reading the history of runs and the leases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.runs.lease import EXPIRED
from core.runs.models import JobLockRow, JobRunRow
from core.runs.run import RunRecord, RunState

KEPT_RUNS = 1_000
"""Runs kept of each job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A held job: by whom, since when, the last heartbeat, and the counts of its run. Times by the database's clock."""

    job: str
    owner: str
    epoch: int
    slot: datetime | None
    acquired_at: datetime
    heartbeat_at: datetime
    lease_until: datetime
    expired: bool
    done: int
    failed: int
    total: int | None


async def runs_at(
    conn: AsyncConnection, slots: Iterable[tuple[str, datetime]]
) -> dict[tuple[str, datetime], RunRecord]:
    """The runs of these (job, slot) pairs, those that exist."""
    asked = list(slots)
    if not asked:
        return {}
    rows = await conn.execute(select(JobRunRow).where(tuple_(JobRunRow.job, JobRunRow.slot).in_(asked)))
    return {(run.job, run.slot): run for run in map(_record, rows.mappings())}


async def recent_runs(conn: AsyncConnection, *, job: str | None = None, limit: int = 20) -> list[RunRecord]:
    """The runs started last, newest first, of one job or of all."""
    query = select(JobRunRow).order_by(JobRunRow.started_at.desc(), JobRunRow.id.desc()).limit(limit)
    if job is not None:
        query = query.where(JobRunRow.job == job)
    return [_record(row) for row in (await conn.execute(query)).mappings()]


async def edge_slots(conn: AsyncConnection, job: str) -> tuple[datetime, datetime] | None:
    """The oldest and the newest slot of the kept runs of a job, or None if it never ran."""
    oldest, newest = (
        await conn.execute(text("SELECT min(slot), max(slot) FROM job_run WHERE job = :job"), {"job": job})
    ).one()
    return (oldest, newest) if oldest else None


async def list_locks(conn: AsyncConnection) -> list[Lock]:
    """Every held job by name, expired leases included."""
    rows = await conn.execute(
        text(
            f"SELECT job, owner, epoch, slot, acquired_at, heartbeat_at, lease_until, {EXPIRED} AS expired,"
            " held.done, held.failed, held.total FROM job_lease held"
            " LEFT JOIN (SELECT job, slot FROM job_run WHERE state = 'running') run USING (job) ORDER BY job"
        )
    )
    return [Lock(**row) for row in rows.mappings()]


async def paused_jobs(conn: AsyncConnection) -> frozenset[str]:
    """The names of the jobs the schedule leaves out."""
    return frozenset((await conn.execute(select(JobLockRow.job).where(JobLockRow.paused))).scalars())


async def set_paused(conn: AsyncConnection, job: str, *, paused: bool) -> None:
    """Leave a job out of the schedule, or take it in again; a run under way goes on."""
    row = insert(JobLockRow).values(job=job, epoch=0, paused=paused)
    await conn.execute(row.on_conflict_do_update(index_elements=["job"], set_={"paused": paused}))


async def prune_runs(conn: AsyncConnection, job: str, *, keep: int = KEPT_RUNS) -> None:
    """Forget all but the `keep` newest runs of a job."""
    edge = (
        select(JobRunRow.id)
        .where(JobRunRow.job == job)
        .order_by(JobRunRow.started_at.desc(), JobRunRow.id.desc())
        .offset(keep)
    )
    await conn.execute(delete(JobRunRow).where(JobRunRow.id.in_(edge), JobRunRow.state != RunState.RUNNING))


def _record(row: RowMapping) -> RunRecord:
    values: dict[str, Any] = dict(row)
    return RunRecord(**values | {"state": RunState(row["state"]), "warnings": tuple(row["warnings"])})
