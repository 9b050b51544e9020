"""A run at work: the `Run` that jobs are given, and the heartbeat that keeps its lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import psutil
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.errors import Fenced, Unavailable
from core.logs import redact
from core.runs.lease import Cost, Counts, Lease, fence, renew, save_checkpoint

MOST_WARNINGS = 100
LONGEST_WARNING = 500


class LeasedRun:
    """One attempt at a slot, under a lease."""

    def __init__(self, db: Database, lease: Lease) -> None:
        self.lease = lease
        self.counts = Counts(done=lease.done, failed=lease.failed, total=lease.total)
        self.warnings = list(lease.warnings)
        self._db = db
        self._checkpoint = lease.checkpoint
        self._started = time.monotonic()
        self._process = psutil.Process()
        self._cpu = self._cpu_seconds()
        self._peak = 0

    @property
    def slot(self) -> datetime:
        """The aware UTC time this run is for."""
        return self.lease.slot

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What was committed last for this slot; empty at first."""
        return self._checkpoint

    @asynccontextmanager
    async def begin(
        self, *, checkpoint: Mapping[str, Any] | None = None, done: int = 0
    ) -> AsyncIterator[AsyncConnection]:
        """A fenced write transaction that moves the checkpoint and the counts with it. Raises `Fenced`."""
        self._see_memory()
        async with self._db.begin() as conn:
            await fence(conn, self.lease)
            yield conn
            if checkpoint is not None:
                counts = replace(self.counts, done=self.counts.done + done)
                await save_checkpoint(conn, self.lease, checkpoint, counts, cost=self.cost())
        self.progress(done=done)
        if checkpoint is not None:
            self._checkpoint = checkpoint

    def progress(self, *, done: int = 0, failed: int = 0, total: int | None = None) -> None:
        """Count items."""
        self.counts.done += done
        self.counts.failed += failed
        if total is not None:
            self.counts.total = total

    def warn(self, message: str) -> None:
        """Note something odd, redacted and capped; at most a hundred are kept."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(redact(message)[:LONGEST_WARNING])

    def cost(self) -> Cost:
        """What this run has used by now."""
        self._see_memory()
        return Cost(seconds=self._seconds(), peak_memory=self._peak, cpu_seconds=self._cpu_seconds() - self._cpu)

    def _see_memory(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)

    def _seconds(self) -> float:
        return self.lease.seconds + time.monotonic() - self._started

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


async def beat(db: Database, run: LeasedRun) -> None:
    """Renew the run's lease at every third of its length, for ever.

    Raises `Fenced` when the lease was taken away, or when no heartbeat could be stored for its whole length:
    somebody else may have it by then. `db` is a connection of its own, so that busy work cannot starve it.
    """
    length = run.lease.length.total_seconds()
    stored = time.monotonic()
    while True:
        await asyncio.sleep(length / 3)
        run.cost()
        begun = time.monotonic()
        try:
            async with asyncio.timeout(length / 3), db.begin() as conn:
                await renew(conn, run.lease, run.counts)
            stored = begun
        except (Unavailable, TimeoutError) as error:
            if time.monotonic() - stored >= length:
                raise Fenced(f"no heartbeat of {run.lease.job} could be stored") from error
