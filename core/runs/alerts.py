"""What is told when scheduled work fails and when it works again: what happened, never text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.runs.run import RunState

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFailed:
    """The first failed attempt of a row of them. `error` is redacted."""

    job: str
    slot: datetime
    run_id: int
    state: RunState
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecovered:
    """A success after `failures` failed attempts in a row."""

    job: str
    slot: datetime
    run_id: int
    failures: int


class BatchAlertHook(Protocol):
    """Where failures of scheduled work are told: once when they begin, once when they end.

    `conn` is the transaction that closes the run, so that what is written there is told if and only if the run ended
    so. A hook that raises loses what it wrote, and nothing else.
    """

    async def failed(self, conn: AsyncConnection, event: RunFailed) -> None:
        """A job that worked before has failed."""
        ...

    async def recovered(self, conn: AsyncConnection, event: RunRecovered) -> None:
        """A job that had failed works again."""
        ...


class LogAlerts:
    """Tells the log."""

    async def failed(self, _conn: AsyncConnection, event: RunFailed) -> None:
        """One error line."""
        log.error("job_alert_failed", job=event.job, slot=event.slot.isoformat(), state=event.state, error=event.error)

    async def recovered(self, _conn: AsyncConnection, event: RunRecovered) -> None:
        """One info line."""
        log.info("job_alert_recovered", job=event.job, slot=event.slot.isoformat(), failures=event.failures)
