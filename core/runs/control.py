"""The port through which an admin's chat meets the scheduled work: what jobs there are, and running one now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Protocol

from core.runs.run import RunRecord


class Missed(StrEnum):
    """What becomes of slots that passed while nothing ran."""

    LATEST = "latest"
    BACKLOG = "backlog"
    EVERY_SLOT = "every_slot"
    TODAY = "today"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """When a job runs, by the wall clock in Seoul: every so often within some hours, or at `times` of the day.

    Weekdays count from Monday, 0; no `weekdays` or `days` of the month mean every one.
    """

    every: timedelta | None = None
    hours: tuple[int, int] = (0, 23)
    times: tuple[time, ...] = ()
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    sessions_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as the table of jobs has it. `summary` is Korean; `late` goes with `Missed.TODAY`."""

    name: str
    summary: str
    timetable: Timetable
    missed: Missed
    late: timedelta | None
    timeout: timedelta
    after: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A run under way in this process: as it was opened, and as it will have ended.

    `taken_up` is how the slot stood before, None for a new one.
    """

    run: RunRecord
    taken_up: RunRecord | None
    ended: asyncio.Future[RunRecord]


class JobControl(Protocol):
    """The table of jobs, and the envelope around each."""

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Every job by name, in the order of the table."""
        ...

    def next_slot(self, job: str, at: datetime) -> datetime | None:
        """The first slot of the schedule after `at`, aware UTC."""
        ...

    async def start(self, job: str, *, by: int, slot: datetime | None = None) -> Started:
        """Run a job for the present second, or take up its unfinished `slot`, in this process; `by` is who asks.

        Returns as soon as the job is held. Raises `Conflict` when it is held already or the slot is done,
        and `Unavailable` when this process is about to end.
        """
        ...
