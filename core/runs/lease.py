"""The lease of a job: taken, renewed, proven, given back and taken away. One writer at a time, by the database.

Time here is the database's clock, so that machines need not agree. Every transaction locks rows in the order
lease, lock, run; a fenced write transaction holds the lock row shared and touches no lease, so a heartbeat,
which touches only the lease, never waits for one. Whoever takes a job over waits for such a transaction, and the
database ends one that idles longer than the lease: a process frozen in the middle of a write cannot hold the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from core.errors import Conflict, Fenced
from core.runs.run import RunState

LONGEST = timedelta(hours=24)
"""A lease older than this is expired however alive its owner is."""

EXPIRED = (
    "(held.lease_until < clock_timestamp()"
    f" OR held.acquired_at < clock_timestamp() - INTERVAL '{LONGEST.total_seconds():.0f}s')"
)
"""SQL: the row `held` of `job_lease` has expired."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right of `owner` to run `job` for `slot`, good while the job's epoch is `epoch`.

    The rest is what earlier attempts at the slot left; without a checkpoint the work starts over and counts are 0.
    """

    job: str
    slot: datetime
    owner: str
    epoch: int
    length: timedelta
    run_id: int
    attempts: int
    checkpoint: Mapping[str, Any]
    done: int
    failed: int
    total: int | None
    seconds: float
    warnings: tuple[str, ...]


@dataclass(kw_only=True, slots=True)
class Counts:
    """Items a run has dealt with so far."""

    done: int = 0
    failed: int = 0
    total: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a run has used so far: wall seconds over all attempts, peak bytes and CPU seconds of the process."""

    seconds: float
    peak_memory: int
    cpu_seconds: float


_LOCK_NOT_AVAILABLE = "55P03"
_TAKE = text(
    f"""
    INSERT INTO job_lease AS held (job, owner, epoch, acquired_at, heartbeat_at, lease_until)
    VALUES (:job, :owner, 0, clock_timestamp(), clock_timestamp(), clock_timestamp() + :length)
    ON CONFLICT (job) DO UPDATE SET owner = excluded.owner, acquired_at = excluded.acquired_at,
        heartbeat_at = excluded.heartbeat_at, lease_until = excluded.lease_until, done = 0, failed = 0, total = NULL
    WHERE {EXPIRED}
    RETURNING job
    """
)
_NEXT_EPOCH = text(
    """
    INSERT INTO job_lock AS l (job, epoch) VALUES (:job, 1)
    ON CONFLICT (job) DO UPDATE SET epoch = l.epoch + 1
    RETURNING epoch
    """
)
_LIMIT_IDLING = text("SELECT set_config('idle_in_transaction_session_timeout', :limit, true)")
_OPEN = text(
    """
    INSERT INTO job_run AS r (job, slot, epoch, state, started_at, asked_by)
    VALUES (:job, :slot, :epoch, 'running', :at, :asked_by)
    ON CONFLICT (job, slot) DO UPDATE SET
        epoch = excluded.epoch, state = 'running', started_at = excluded.started_at, finished_at = NULL, error = NULL,
        attempts = r.attempts + 1,
        done = CASE WHEN r.checkpoint = '{}' THEN 0 ELSE r.done END,
        failed = CASE WHEN r.checkpoint = '{}' THEN 0 ELSE r.failed END
    WHERE r.state <> 'succeeded'
    RETURNING id AS run_id, attempts, checkpoint, done, failed, total, coalesce(seconds, 0) AS seconds, warnings
    """
)


async def acquire(
    conn: AsyncConnection,
    job: str,
    slot: datetime,
    *,
    owner: str,
    length: timedelta,
    at: datetime,
    asked_by: int | None = None,
) -> Lease:
    """Take the job for its slot, in one transaction: free or expired lease, next epoch, run row opened.

    A run that was left unfinished by another attempt is opened again with its checkpoint. `at` is the time written
    as its start, `asked_by` the admin whose wish a new slot is. Raises `Conflict` when somebody holds the job or is
    just writing, or the slot has succeeded.
    """
    await _wait_briefly(conn)
    if (await conn.execute(_TAKE, {"job": job, "owner": owner, "length": length})).first() is None:
        raise Conflict(f"{job} is held by another process")
    epoch = await _next_epoch(conn, job)
    await conn.execute(text("UPDATE job_lease SET epoch = :epoch WHERE job = :job"), {"job": job, "epoch": epoch})
    await _close_running(conn, job, RunState.INTERRUPTED, at=at)
    values = {"job": job, "slot": slot, "epoch": epoch, "at": at, "asked_by": asked_by}
    opened = (await conn.execute(_OPEN, values)).mappings().first()
    if opened is None:
        raise Conflict(f"{job} has done {slot.isoformat()}")
    left = dict(opened) | {"warnings": tuple(opened["warnings"])}
    return Lease(job=job, slot=slot, owner=owner, epoch=epoch, length=length, **left)


async def renew(conn: AsyncConnection, lease: Lease, counts: Counts) -> None:
    """Prolong the lease by its length from now and show the counts; raises `Fenced` if it is ours no more."""
    renewed = await conn.execute(
        text(
            "UPDATE job_lease SET heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + :length,"
            " done = :done, failed = :failed, total = :total"
            " WHERE job = :job AND owner = :owner AND epoch = :epoch RETURNING job"
        ),
        {"length": lease.length, "done": counts.done, "failed": counts.failed, "total": counts.total} | _mine(lease),
    )
    if renewed.first() is None:
        raise Fenced(f"the lease of {lease.job} was taken away")


async def fence(conn: AsyncConnection, lease: Lease) -> None:
    """Prove that the lease's epoch stands, and hold it until the transaction ends; raises `Fenced` if not."""
    await conn.execute(_LIMIT_IDLING, {"limit": f"{lease.length / timedelta(milliseconds=1):.0f}ms"})
    stands = await conn.execute(
        text("SELECT 1 FROM job_lock WHERE job = :job AND epoch = :epoch FOR SHARE"),
        {"job": lease.job, "epoch": lease.epoch},
    )
    if stands.first() is None:
        raise Fenced(f"{lease.job} has a newer epoch than {lease.epoch}")


async def save_checkpoint(
    conn: AsyncConnection, lease: Lease, checkpoint: Mapping[str, Any], counts: Counts, *, cost: Cost
) -> None:
    """Store how far the run has come and what that cost, in the fenced transaction of the work itself."""
    await conn.execute(
        text(
            "UPDATE job_run SET checkpoint = :checkpoint, done = :done, failed = :failed, total = :total,"
            " seconds = :seconds, peak_memory = :peak_memory, cpu_seconds = :cpu_seconds WHERE id = :run_id"
        ).bindparams(bindparam("checkpoint", type_=JSONB)),
        {
            "checkpoint": dict(checkpoint),
            "done": counts.done,
            "failed": counts.failed,
            "total": counts.total,
            "seconds": cost.seconds,
            "peak_memory": cost.peak_memory,
            "cpu_seconds": cost.cpu_seconds,
            "run_id": lease.run_id,
        },
    )


async def finish(
    conn: AsyncConnection,
    lease: Lease,
    state: RunState,
    *,
    counts: Counts,
    cost: Cost,
    warnings: tuple[str, ...],
    error: str | None,
    at: datetime,
) -> int:
    """Close the run in `state`, give the lease back and end its epoch; raises `Fenced` if it is ours no more.

    Returns the failed attempts in a row: including this one if it failed, else those this success ends.
    """
    await _give_up(conn, lease)
    failures = await _end_epoch(conn, lease.job, failed=state is not RunState.SUCCEEDED)
    await conn.execute(
        text(
            "UPDATE job_run SET state = :state, finished_at = :at, done = :done, failed = :failed, total = :total,"
            " seconds = :seconds, peak_memory = :peak_memory, cpu_seconds = :cpu_seconds, warnings = :warnings,"
            " error = :error WHERE id = :run_id"
        ).bindparams(bindparam("warnings", type_=JSONB)),
        {
            "state": state,
            "at": at,
            "done": counts.done,
            "failed": counts.failed,
            "total": counts.total,
            "seconds": cost.seconds,
            "peak_memory": cost.peak_memory,
            "cpu_seconds": cost.cpu_seconds,
            "warnings": list(warnings),
            "error": error,
            "run_id": lease.run_id,
        },
    )
    return failures


async def interrupt(conn: AsyncConnection, lease: Lease, *, at: datetime) -> None:
    """Give the lease back unfinished, so that the run can be taken up at once; raises `Fenced` if not ours."""
    await _give_up(conn, lease)
    await _next_epoch(conn, lease.job)
    await _close_running(conn, lease.job, RunState.INTERRUPTED, at=at)


async def take_away(
    conn: AsyncConnection,
    job: str,
    state: RunState,
    *,
    at: datetime,
    epoch: int | None = None,
    only_expired: bool = False,
) -> bool:
    """Remove the job's lease, whoever holds it, and raise the epoch so that the holder can write nothing more.

    Its run is left in `state`, ended `at`. Returns whether there was a lease: one of `epoch` if that is given, an
    expired one with `only_expired`. Raises `Conflict` when the holder is in the middle of a write that does not end.
    """
    await _wait_briefly(conn)
    condition = EXPIRED if only_expired else "true"
    removed = await conn.execute(
        text(
            f"DELETE FROM job_lease held WHERE job = :job AND {condition}"
            " AND held.epoch = coalesce(:epoch, held.epoch) RETURNING job"
        ).bindparams(bindparam("epoch", type_=BigInteger)),
        {"job": job, "epoch": epoch},
    )
    if removed.first() is None:
        return False
    await _next_epoch(conn, job)
    await _close_running(conn, job, state, at=at)
    return True


async def _wait_briefly(conn: AsyncConnection) -> None:
    await conn.execute(text("SET LOCAL lock_timeout = '3s'"))


async def _next_epoch(conn: AsyncConnection, job: str) -> int:
    try:
        epoch: int = (await conn.execute(_NEXT_EPOCH, {"job": job})).scalar_one()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise Conflict(f"{job} is in the middle of a write") from error
    return epoch


def _mine(lease: Lease) -> dict[str, Any]:
    return {"job": lease.job, "owner": lease.owner, "epoch": lease.epoch}


async def _give_up(conn: AsyncConnection, lease: Lease) -> None:
    given = await conn.execute(
        text("DELETE FROM job_lease WHERE job = :job AND owner = :owner AND epoch = :epoch RETURNING job"),
        _mine(lease),
    )
    if given.first() is None:
        raise Fenced(f"the lease of {lease.job} was taken away")


async def _close_running(conn: AsyncConnection, job: str, state: RunState, *, at: datetime) -> None:
    await conn.execute(
        text("UPDATE job_run SET state = :state, finished_at = :at WHERE job = :job AND state = 'running'"),
        {"job": job, "state": state, "at": at},
    )


async def _end_epoch(conn: AsyncConnection, job: str, *, failed: bool) -> int:
    ended = await conn.execute(
        text(
            "UPDATE job_lock AS new SET epoch = old.epoch + 1,"
            " failures = CASE WHEN :failed THEN old.failures + 1 ELSE 0 END FROM job_lock AS old"
            " WHERE new.job = :job AND old.job = :job"
            " RETURNING old.failures + CASE WHEN :failed THEN 1 ELSE 0 END"
        ),
        {"job": job, "failed": failed},
    )
    failures: int = ended.scalar_one()
    return failures
