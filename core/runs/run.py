"""The handle a job works through, and what a run is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class RunState(StrEnum):
    """Where a run stands.

    `INTERRUPTED` lost its process and is taken up again; `FENCED` was stopped by an admin and waits for one.
    """

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    FENCED = "fenced"


class Run(Protocol):
    """What a job is given: its slot, its checkpoint, fenced transactions, and a place to report progress."""

    @property
    def slot(self) -> datetime:
        """The aware UTC time this run is for."""
        ...

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What an earlier, interrupted attempt at this slot committed last; empty at first."""
        ...

    def begin(
        self, *, checkpoint: Mapping[str, Any] | None = None, done: int = 0
    ) -> AbstractAsyncContextManager[AsyncConnection]:
        """A write transaction that first proves the run still owns its job, raising `Fenced` if not.

        `checkpoint` is stored in the same transaction, and `done` items are counted with it. Keep the
        transaction short: one that idles longer than the lease is ended.
        """
        ...

    def progress(self, *, done: int = 0, failed: int = 0, total: int | None = None) -> None:
        """Count items. Counts add up over the attempts at a slot that go on from a checkpoint."""
        ...

    def warn(self, message: str) -> None:
        """Note something odd that does not fail the run; at most a hundred are kept."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """One run as history keeps it. Times are aware UTC of the product's clock; memory is bytes of the process.

    `seconds` add up over the attempts; `peak_memory` and `cpu_seconds` are those of the whole process during
    the last attempt, other work in it included. `asked_by` is the admin a run was made for, None for the schedule.
    """

    id: int
    job: str
    slot: datetime
    epoch: int
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    attempts: int
    done: int
    failed: int
    total: int | None
    seconds: float | None
    peak_memory: int | None
    cpu_seconds: float | None
    warnings: tuple[str, ...]
    checkpoint: Mapping[str, Any]
    error: str | None
    asked_by: int | None

    @property
    def open(self) -> bool:
        """Whether it ended without success and may be taken up again."""
        return self.state not in (RunState.RUNNING, RunState.SUCCEEDED)

    @property
    def duration(self) -> timedelta | None:
        """Wall time over all attempts; of a run that lost its process, from its start to when that was found."""
        if self.seconds is not None:
            return timedelta(seconds=self.seconds)
        return self.finished_at - self.started_at if self.finished_at else None

    @property
    def throughput(self) -> float | None:
        """Items done a second, or None while that is not known."""
        return self.done / self.seconds if self.seconds else None
