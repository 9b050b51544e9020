"""What a job is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from core.runs.run import Run
from core.services import Services


class CatchUp(StrEnum):
    """What becomes of slots that passed while nothing ran.

    `LATEST`: the newest is run, the rest is lost and counted. `BACKLOG`: the newest is run and does the work of
    the rest. `EVERY_SLOT`: each is run, oldest first.
    """

    LATEST = "latest"
    BACKLOG = "backlog"
    EVERY_SLOT = "every_slot"


@dataclass(frozen=True, slots=True)
class TodayIfWithin:
    """The newest slot is run on its own day in Seoul and less than `late` after its time; the rest is lost."""

    late: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """A job: one function and when it runs.

    `schedule` is five cron fields in Seoul time with weekdays by name ("0 1 * * sun"), or a tuple of times of the
    day in Seoul. With `sessions_only` it has slots on KRX sessions alone, and times of a tuple move with a late
    open or close. `run` gets a handle whose transactions are fenced. `after` names jobs that go first when both
    are due.
    """

    name: str
    summary: str
    schedule: str | tuple[time, ...]
    run: Callable[[Services, Run], Awaitable[None]]
    timeout: timedelta
    catch_up: CatchUp | TodayIfWithin
    sessions_only: bool = False
    after: tuple[str, ...] = ()
