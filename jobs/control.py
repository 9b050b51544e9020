"""Jobs run because an admin asks, beside the schedule and whether or not this process keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

import structlog

from core.audit.trail import note
from core.errors import StockPilotError, Unavailable
from core.logs import redact
from core.runs.alerts import BatchAlertHook
from core.runs.control import Job, Missed, Started, Timetable
from core.runs.handle import LeasedRun
from core.runs.lease import acquire
from core.runs.queries import find_run, runs_at
from core.runs.run import RunRecord
from core.services import Services
from jobs.registry import JOBS
from jobs.run import LEASE, conduct
from jobs.scheduler import process_name
from jobs.slots import cron_fields, next_slot
from jobs.spec import JobSpec, TodayIfWithin

log = structlog.get_logger(__name__)

_MINUTES, _DAYS, _WEEKDAYS = 60, 31, 7


class Control:
    """The `JobControl` of this process."""

    def __init__(
        self,
        services: Services,
        specs: Sequence[JobSpec] = tuple(JOBS.values()),
        *,
        alerts: BatchAlertHook | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._services, self._alerts, self._lease = services, alerts, lease
        self._specs = {spec.name: spec for spec in specs}
        self._jobs = {spec.name: described(spec) for spec in specs}
        self._owner = process_name()
        self._running: set[asyncio.Task[RunRecord]] = set()
        self._stopping = False

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Every job by name, in the order of the table."""
        return self._jobs

    def next_slot(self, job: str, at: datetime) -> datetime | None:
        """The first slot of the schedule after `at`."""
        return next_slot(self._specs[job], at, self._services.calendar)

    async def start(self, job: str, *, by: int, slot: datetime | None = None) -> Started:
        """Hold the job and run it behind; see `JobControl`."""
        if self._stopping:
            raise Unavailable("jobs: this process is stopping")
        services, spec = self._services, self._specs[job]
        at = services.clock.now()
        asked = slot or at.replace(microsecond=0)
        async with services.db.begin() as conn:
            before = (await runs_at(conn, [(job, asked)])).get((job, asked))
            held = await acquire(conn, job, asked, owner=self._owner, length=self._lease, at=at, asked_by=by)
            action = "run" if before is None else "run_again"
            await note(conn, actor_id=by, action=action, target=job, at=at, slot=asked.isoformat(), run=held.run_id)
            opened = await find_run(conn, held.run_id)
        assert opened is not None
        task = asyncio.create_task(self._work(spec, LeasedRun(services.db, held)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return Started(run=opened, taken_up=before, ended=task)

    async def stop(self) -> None:
        """Start nothing more and cancel what runs; it gives its lease back, and whoever keeps the schedule goes on."""
        self._stopping = True
        running = set(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _work(self, spec: JobSpec, run: LeasedRun) -> RunRecord:
        try:
            await conduct(self._services, spec, run, alerts=self._alerts)
        except asyncio.CancelledError:
            log.info("asked_run_cancelled", job=spec.name)
        except StockPilotError as error:
            log.warning("job_left_open", job=spec.name, slot=run.slot.isoformat(), error=redact(str(error)))
        async with self._services.db.read() as conn:
            ended = await find_run(conn, run.lease.run_id)
        assert ended is not None
        return ended


def described(spec: JobSpec) -> Job:
    """The job without its function, as a reader needs it."""
    today = isinstance(spec.catch_up, TodayIfWithin)
    return Job(
        name=spec.name,
        summary=spec.summary,
        timetable=timetable(spec),
        missed=Missed.TODAY if today else Missed(str(spec.catch_up)),
        late=spec.catch_up.late if isinstance(spec.catch_up, TodayIfWithin) else None,
        timeout=spec.timeout,
        after=spec.after,
    )


def timetable(spec: JobSpec) -> Timetable:
    """The schedule of a job as hours, times and days; cron fields with an even step of minutes become `every`."""
    if not isinstance(spec.schedule, str):
        return Timetable(times=tuple(sorted(spec.schedule)), sessions_only=spec.sessions_only)
    minutes, hours, days, _, weekdays = cron_fields(spec.schedule)
    step = _MINUTES // len(minutes)
    even = len(minutes) > 1 and minutes == tuple(range(0, _MINUTES, step))
    solid = hours == tuple(range(hours[0], hours[-1] + 1))
    return Timetable(
        every=timedelta(minutes=step) if even and solid else None,
        hours=(hours[0], hours[-1]),
        times=() if even and solid else tuple(time(hour, minute) for hour in hours for minute in minutes),
        weekdays=weekdays if len(weekdays) < _WEEKDAYS else (),
        days=days if len(days) < _DAYS else (),
        sessions_only=spec.sessions_only,
    )
