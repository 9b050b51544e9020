"""SQL of the history of runs, the leases and the locks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.runs.lease import EXPIRED
from core.runs.models import JobLockRow, JobRunRow
from core.runs.run import RunRecord, RunState
from core.runs.statistics import Failure, JobStats

KEPT_RUNS = 1_000
"""Runs kept of each job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A held job: by whom, since when, the last heartbeat, and the counts of its run.

    Times are by the database's clock, which says `at` when this was read.
    """

    job: str
    owner: str
    epoch: int
    slot: datetime | None
    acquired_at: datetime
    heartbeat_at: datetime
    lease_until: datetime
    at: datetime
    expired: bool
    done: int
    failed: int
    total: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is kept of a job beside its runs: its fencing epoch, whether it is paused, failed attempts in a row."""

    epoch: int = 0
    paused: bool = False
    failures: int = 0


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


async def find_run(conn: AsyncConnection, run_id: int) -> RunRecord | None:
    """The run of this id, if it is kept."""
    row = (await conn.execute(select(JobRunRow).where(JobRunRow.id == run_id))).mappings().first()
    return _record(row) if row else None


async def newest_runs(conn: AsyncConnection, jobs: Iterable[str]) -> dict[str, RunRecord]:
    """The run started last of each of these jobs, of those that ever ran."""
    rows = await conn.execute(
        text(
            "SELECT run.* FROM unnest(CAST(:jobs AS text[])) AS asked(name) CROSS JOIN LATERAL"
            " (SELECT * FROM job_run WHERE job = name ORDER BY started_at DESC, id DESC LIMIT 1) AS run"
        ),
        {"jobs": list(jobs)},
    )
    return {run.job: run for run in map(_record, rows.mappings())}


async def asked_for(conn: AsyncConnection) -> list[tuple[str, datetime]]:
    """The job and slot of every run an admin asked for whose process may be lost, oldest first."""
    unfinished = JobRunRow.state.in_((RunState.RUNNING, RunState.INTERRUPTED))
    query = select(JobRunRow.job, JobRunRow.slot).where(JobRunRow.asked_by.is_not(None), unfinished)
    return [(job, slot) for job, slot in await conn.execute(query.order_by(JobRunRow.slot))]


async def edge_slots(conn: AsyncConnection, job: str) -> tuple[datetime, datetime] | None:
    """The oldest and the newest slot of the schedule among the kept runs of a job, or None if it never ran by it."""
    query = text("SELECT min(slot), max(slot) FROM job_run WHERE job = :job AND asked_by IS NULL")
    oldest, newest = (await conn.execute(query, {"job": job})).one()
    return (oldest, newest) if oldest else None


async def job_stats(conn: AsyncConnection, *, job: str | None = None) -> list[JobStats]:
    """Figures of the kept runs that have ended, of one job or of each by name."""
    rows = await conn.execute(
        text(
            "SELECT job, count(*) AS runs, count(*) FILTER (WHERE state = 'succeeded') AS succeeded,"
            " min(started_at) AS since,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,"
            " percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,"
            " CAST(sum(done) AS bigint) AS done, CAST(sum(failed) AS bigint) AS failed,"
            " CAST(sum(done) FILTER (WHERE seconds > 0) AS float8) / nullif(sum(seconds), 0) AS throughput,"
            " max(peak_memory) AS peak_memory, avg(cpu_seconds) AS cpu_seconds"
            " FROM job_run WHERE state <> 'running' AND job = coalesce(CAST(:job AS text), job)"
            " GROUP BY job ORDER BY job"
        ),
        {"job": job},
    )
    return [JobStats(**row) for row in rows.mappings()]


async def failures(conn: AsyncConnection, *, job: str | None = None, limit: int = 5_000) -> list[Failure]:
    """The newest runs that ended without success, of one job or of all; one without an error is told by its state."""
    rows = await conn.execute(
        text(
            "SELECT job, left(coalesce(error, state), 500) AS error, coalesce(finished_at, started_at) AS at"
            " FROM job_run WHERE state NOT IN ('running', 'succeeded') AND job = coalesce(CAST(:job AS text), job)"
            " ORDER BY started_at DESC LIMIT :limit"
        ),
        {"job": job, "limit": limit},
    )
    return [Failure(**row) for row in rows.mappings()]


async def list_locks(conn: AsyncConnection) -> list[Lock]:
    """Every held job by name, expired leases included."""
    rows = await conn.execute(
        text(
            f"SELECT job, owner, epoch, slot, acquired_at, heartbeat_at, lease_until, clock_timestamp() AS at,"
            f" {EXPIRED} AS expired, held.done, held.failed, held.total FROM job_lease held"
            " LEFT JOIN (SELECT job, slot FROM job_run WHERE state = 'running') run USING (job) ORDER BY job"
        )
    )
    return [Lock(**row) for row in rows.mappings()]


async def paused_jobs(conn: AsyncConnection) -> frozenset[str]:
    """The names of the jobs the schedule leaves out."""
    return frozenset((await conn.execute(select(JobLockRow.job).where(JobLockRow.paused))).scalars())


async def standing(conn: AsyncConnection, job: str) -> Standing:
    """What is kept of a job beside its runs."""
    query = select(JobLockRow.epoch, JobLockRow.paused, JobLockRow.failures).where(JobLockRow.job == job)
    row = (await conn.execute(query)).one_or_none()
    return Standing(**row._mapping) if row else Standing()


async def set_paused(conn: AsyncConnection, job: str, *, paused: bool) -> bool:
    """Leave a job out of the schedule, or take it in again; a run under way goes on. Returns whether that is news."""
    if not paused:
        change = update(JobLockRow).where(JobLockRow.job == job, JobLockRow.paused).values(paused=False)
        return (await conn.execute(change)).rowcount == 1
    row = insert(JobLockRow).values(job=job, epoch=0, paused=True)
    row = row.on_conflict_do_update(index_elements=["job"], set_={"paused": True}, where=~JobLockRow.paused)
    return (await conn.execute(row)).rowcount == 1


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
