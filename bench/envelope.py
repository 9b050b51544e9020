"""A run of an empty job through the whole envelope, against as many bare transactions of the same PostgreSQL.

The envelope takes the lease and opens the run's row in one transaction and closes both in another, so a bare run is
two transactions that write one row each. Both keep a history as long as the one that is kept of a job.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import text

from bench.timing import alternate, p, verdict
from core.clock import SystemClock
from core.logs import configure_logs
from core.runs.queries import KEPT_RUNS
from core.runs.run import Run
from core.services import Services, open_services
from core.settings import LogSettings, given_settings
from jobs.run import run_job
from jobs.spec import CatchUp, JobSpec

ROUNDS = 1_000
FIRST_SLOT = SystemClock().now().replace(microsecond=0)


async def _nothing(_services: Services, _run: Run) -> None:
    """The work of an empty job."""


EMPTY = JobSpec(
    name="empty",
    summary="빈 작업",
    schedule="* * * * *",
    run=_nothing,
    timeout=timedelta(minutes=1),
    catch_up=CatchUp.LATEST,
)


@asynccontextmanager
async def _services() -> AsyncIterator[Services]:
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with open_services(given_settings({"app": {"data_dir": Path(folder)}})) as services:
            yield services


async def measure() -> None:
    """Print what a run costs each way, and the ratio."""
    configure_logs(LogSettings(level="ERROR", file=None))
    async with _services() as services:
        async with services.db.begin() as conn:
            await conn.execute(text("CREATE TABLE bare (id bigserial PRIMARY KEY, state text, at timestamptz)"))
            await conn.execute(
                text(
                    "INSERT INTO job_run (job, slot, epoch, state, started_at) SELECT 'empty', at, 1, 'succeeded', at"
                    " FROM generate_series(1, :kept) n,"
                    " LATERAL (SELECT CAST(:first AS timestamptz) - n * INTERVAL '1 min') AS past(at)"
                ),
                {"kept": KEPT_RUNS, "first": FIRST_SLOT},
            )
        slots = (FIRST_SLOT + timedelta(minutes=minute) for minute in count())

        async def enveloped() -> None:
            await run_job(services, EMPTY, next(slots), owner="bench")

        async def bare() -> None:
            async with services.db.begin() as conn:
                row = await conn.execute(text("INSERT INTO bare (state, at) VALUES ('running', now()) RETURNING id"))
                number = row.scalar_one()
            async with services.db.begin() as conn:
                await conn.execute(text("UPDATE bare SET state = 'succeeded' WHERE id = :id"), {"id": number})

        runs, transactions = await alternate(enveloped, bare, rounds=ROUNDS, warm_up=50)
    print(f"run of an empty job    p50 {p(runs, 50):5.2f} ms   p95 {p(runs, 95):5.2f} ms")
    print(f"two bare transactions  p50 {p(transactions, 50):5.2f} ms   p95 {p(transactions, 95):5.2f} ms")
    print(verdict("a run in the envelope to bare transactions, p50", p(runs, 50) / p(transactions, 50), 3))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
