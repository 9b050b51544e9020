"""Leases for tests: taken on a real database, and moved in time by moving the database's rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from core.db import Database
from core.runs.lease import Cost, Counts, Lease, acquire, finish
from core.runs.queries import recent_runs
from core.runs.run import RunRecord, RunState
from tests.conftest import NOW

JOB = "tidy"
LONG = timedelta(minutes=10)
COST = Cost(seconds=1.0, peak_memory=1, cpu_seconds=0.1)


async def take(
    db: Database, owner: str = "a", *, slot: datetime = NOW, job: str = JOB, length: timedelta = LONG
) -> Lease:
    """Acquire in a transaction of its own."""
    async with db.begin() as conn:
        return await acquire(conn, job, slot, owner=owner, length=length, at=NOW)


async def end(db: Database, lease: Lease, state: RunState = RunState.SUCCEEDED) -> int:
    """Finish in a transaction of its own."""
    async with db.begin() as conn:
        return await finish(conn, lease, state, counts=Counts(), cost=COST, warnings=(), error=None, at=NOW)


async def pass_time(db: Database, by: timedelta) -> None:
    """Let time pass for every lease."""
    async with db.begin() as conn:
        await conn.execute(
            text(
                "UPDATE job_lease SET lease_until = lease_until - past, acquired_at = acquired_at - past,"
                " heartbeat_at = heartbeat_at - past FROM (SELECT CAST(:by AS interval)) AS time(past)"
            ),
            {"by": by},
        )


async def runs(db: Database) -> list[RunRecord]:
    """All runs, newest first."""
    async with db.begin() as conn:
        return await recent_runs(conn, limit=5_000)
