"""The envelope: what every run of every job goes through.

Lease, heartbeat, fencing, timeout, run row, cost, alerts. A job inside it is one function and knows none of them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.errors import Conflict, Fenced, StockPilotError
from core.logs import redact
from core.runs.alerts import BatchAlertHook, LogAlerts, RunFailed, RunRecovered
from core.runs.handle import LeasedRun, beat
from core.runs.lease import acquire, finish, interrupt
from core.runs.queries import prune_runs
from core.runs.run import RunState
from core.services import Services
from jobs.due import Due
from jobs.spec import JobSpec

LEASE = timedelta(seconds=30)
CANCEL_WAIT = 5.0
"""Seconds a stopped job gets to unwind; after that it is left behind, fenced."""
LONGEST_ERROR = 2_000

log = structlog.get_logger(__name__)


async def run_job(
    services: Services,
    spec: JobSpec,
    slot: datetime,
    *,
    owner: str,
    alerts: BatchAlertHook | None = None,
    missed: int = 0,
    lease: timedelta = LEASE,
) -> RunState:
    """Run a job for a slot, from taking its lease to closing its row, and return how it ended.

    `owner` names this process, `missed` says how many slots were lost before this one. Whatever the job raises
    becomes the state of its row. Raises `Conflict` when the job is held elsewhere or the slot is done, and
    `Unavailable` when the database fails: the run then stands open and is taken up again when its lease has ended.
    A cancelled call leaves the run open too, and gives the lease back.
    """
    async with services.db.begin() as conn:
        held = await acquire(conn, spec.name, slot, owner=owner, length=lease, at=services.clock.now())
    run = LeasedRun(services.db, held)
    if missed:
        run.warn(f"{missed} slots before this one were missed")
    return await conduct(services, spec, run, alerts=alerts)


async def conduct(
    services: Services, spec: JobSpec, run: LeasedRun, *, alerts: BatchAlertHook | None = None
) -> RunState:
    """Run a job whose lease is taken to the closing of its row; what is said of `run_job` holds from there on."""
    held = run.lease
    with structlog.contextvars.bound_contextvars(job=held.job, slot=held.slot.isoformat(), attempt=held.attempts):
        log.info("job_started", resumed=bool(run.checkpoint), warnings=len(run.warnings))
        try:
            state, error = await _supervise(services, spec, run)
        except asyncio.CancelledError:
            await _give_back(services, run)
            raise
        return await _close(services, run, state, error, alerts or LogAlerts())


async def attempt(services: Services, due: Due, *, owner: str, alerts: BatchAlertHook | None = None) -> RunState | None:
    """Run a due slot and log what the envelope itself could not do; None when it was not this process that ran it."""
    try:
        return await run_job(services, due.spec, due.slot, owner=owner, alerts=alerts, missed=due.missed)
    except Conflict as conflict:
        log.debug("job_elsewhere", job=due.spec.name, slot=due.slot.isoformat(), reason=str(conflict))
    except StockPilotError as error:
        log.warning("job_left_open", job=due.spec.name, slot=due.slot.isoformat(), error=redact(str(error)))
    return None


async def _supervise(services: Services, spec: JobSpec, run: LeasedRun) -> tuple[RunState, str | None]:
    heartbeats = Database(services.db.url, pool_size=1)
    work = asyncio.ensure_future(spec.run(services, run))
    beating = asyncio.ensure_future(beat(heartbeats, run))
    try:
        await asyncio.wait({work, beating}, timeout=spec.timeout.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return _outcome(work, run)
        if beating.done():
            return _failure(beating.exception())
        return RunState.TIMED_OUT, f"not done within {spec.timeout}"
    finally:
        await _stop(work, beating)
        await heartbeats.close()


def _outcome(work: asyncio.Future[None], run: LeasedRun) -> tuple[RunState, str | None]:
    if work.cancelled():
        return RunState.FAILED, "the job cancelled itself"
    if (error := work.exception()) is not None:
        return _failure(error)
    if run.counts.failed and not run.counts.done:
        return RunState.FAILED, f"all {run.counts.failed} items failed"
    return RunState.SUCCEEDED, None


def _failure(error: BaseException | None) -> tuple[RunState, str]:
    if isinstance(error, Fenced):
        return RunState.FENCED, str(error)
    log.warning("job_raised", exc_info=error)
    return RunState.FAILED, redact(f"{type(error).__name__}: {error}")[:LONGEST_ERROR]


async def _stop(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    _, left = await asyncio.wait(tasks, timeout=CANCEL_WAIT)
    if left:
        log.error("job_does_not_stop", seconds=CANCEL_WAIT)


async def _give_back(services: Services, run: LeasedRun) -> None:
    with suppress(StockPilotError):
        async with services.db.begin() as conn:
            await interrupt(conn, run.lease, at=services.clock.now())
    log.info("job_interrupted", done=run.counts.done)


async def _close(
    services: Services, run: LeasedRun, state: RunState, error: str | None, alerts: BatchAlertHook
) -> RunState:
    cost = run.cost()
    if state is not RunState.FENCED:
        try:
            async with services.db.begin() as conn:
                failures = await finish(
                    conn,
                    run.lease,
                    state,
                    counts=run.counts,
                    cost=cost,
                    warnings=tuple(run.warnings),
                    error=error,
                    at=services.clock.now(),
                )
                await prune_runs(conn, run.lease.job)
                await _tell(alerts, conn, run, state, error, failures)
        except Fenced as fenced:
            state, error = RunState.FENCED, str(fenced)
    log.info(
        f"job_{state}", done=run.counts.done, failed=run.counts.failed, seconds=round(cost.seconds, 3), error=error
    )
    return state


async def _tell(
    alerts: BatchAlertHook, conn: AsyncConnection, run: LeasedRun, state: RunState, error: str | None, failures: int
) -> None:
    succeeded, lease = state is RunState.SUCCEEDED, run.lease
    if not failures or (not succeeded and failures > 1):
        return
    about: dict[str, Any] = {"job": lease.job, "slot": lease.slot, "run_id": lease.run_id}
    try:
        async with conn.begin_nested():
            if succeeded:
                await alerts.recovered(conn, RunRecovered(**about, failures=failures))
            else:
                await alerts.failed(conn, RunFailed(**about, state=state, error=error or ""))
    except Exception:
        # A hook that fails must not change how the run ended; the run row and the log still tell it.
        log.exception("job_alert_lost")
