"""The handle a job works through, and what a run is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
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

    def begin(self, *, checkpoint: Mapping[str, Any] | None = None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A write transaction that first proves the run still owns its job, raising `Fenced` if not.

        `checkpoint` is stored in the same transaction.
        """
        ...

    def progress(self, *, done: int = 0, failed: int = 0, total: int | None = None) -> None:
        """Count items; the heartbeat stores the counts."""
        ...

    def warn(self, message: str) -> None:
        """Note something odd that does not fail the run; at most a hundred are kept."""
        ...
