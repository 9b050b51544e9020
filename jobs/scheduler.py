"""JOBS → Telegram's JobQueue. APScheduler only ticks; what is to run, each tick asks the database."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import structlog
from telegram.ext import Job, JobQueue

from core.errors import Unavailable
from core.runs.alerts import BatchAlertHook
from core.runs.run import RunState
from core.runs.service import clean_expired
from core.services import Services
from jobs.due import Due, due_slots
from jobs.registry import JOBS
from jobs.run import attempt
from jobs.spec import JobSpec

TICK = timedelta(seconds=5)
JOB_KWARGS = {"misfire_grace_time": None, "coalesce": True}
"""A late tick is run however late it is, and several late ones are one; the defaults lose a tick late by a second."""

log = structlog.get_logger(__name__)


def schedule(
    queue: JobQueue[Any],
    services: Services,
    *,
    specs: Sequence[JobSpec] = tuple(JOBS.values()),
    alerts: BatchAlertHook | None = None,
) -> Scheduler:
    """Run the jobs by the clock of `queue` until the returned scheduler is stopped; what was missed is caught up."""
    scheduler = Scheduler(services, specs, alerts=alerts)
    scheduler.start(queue)
    return scheduler


async def run_due(
    services: Services,
    at: datetime | None = None,
    *,
    specs: Sequence[JobSpec] = tuple(JOBS.values()),
    alerts: BatchAlertHook | None = None,
) -> list[tuple[Due, RunState | None]]:
    """Run all that is due at `at` (now, if None), one after the other, without any scheduler.

    Returns how each ended, None for one that somebody else has.
    """
    owner = process_name()
    return [
        (due, await attempt(services, due, owner=owner, alerts=alerts))
        for due in await due_slots(services, specs, at or services.clock.now())
    ]


def process_name() -> str:
    """A name for this process that no other one has, now or after a restart."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class Scheduler:
    """Runs what is due in this process, each job at most once at a time."""

    def __init__(self, services: Services, specs: Sequence[JobSpec], *, alerts: BatchAlertHook | None = None) -> None:
        self.owner = process_name()
        self._services = services
        self._specs = specs
        self._alerts = alerts
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._ticking: Job[Any] | None = None
        self._first: asyncio.Task[None] | None = None

    def start(self, queue: JobQueue[Any]) -> None:
        """Tick at once, which catches up, and then every few seconds."""

        async def tick(_context: object) -> None:
            await self.tick()

        self._ticking = queue.run_repeating(tick, TICK, name="scheduler", job_kwargs=JOB_KWARGS)
        self._first = asyncio.create_task(self.tick())  # the queue's own first tick comes one interval later

    @property
    def running(self) -> frozenset[str]:
        """The jobs this process is running now."""
        return frozenset(self._running)

    async def tick(self) -> None:
        """Clean expired leases; start every due job that is not running here and that no unfinished job goes before."""
        try:
            await clean_expired(self._services)
            due = await due_slots(self._services, self._specs, self._services.clock.now())
        except Unavailable as error:
            log.warning("scheduler_blind", error=str(error))
            return
        for next_due in ready(due, self.running):
            task = asyncio.create_task(attempt(self._services, next_due, owner=self.owner, alerts=self._alerts))
            self._running[next_due.spec.name] = task
            task.add_done_callback(partial(self._ended, next_due.spec.name))

    async def stop(self, *, grace: timedelta = timedelta(seconds=5)) -> None:
        """Start nothing more, let what runs finish within `grace`, then cancel it: it is resumed at the next start."""
        if self._ticking is not None and self._first is not None:
            self._ticking.schedule_removal()
            await self._first
        running = set(self._running.values())
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=grace.total_seconds())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, name: str, _task: asyncio.Task[Any]) -> None:
        del self._running[name]


def ready(due: Sequence[Due], running: frozenset[str]) -> list[Due]:
    """The first due slot of every job that neither runs nor has to wait for another one that runs or is due."""
    firsts: dict[str, Due] = {}
    for each in due:
        firsts.setdefault(each.spec.name, each)
    busy = running | firsts.keys()
    return [each for name, each in firsts.items() if name not in running and busy.isdisjoint(each.spec.after)]
