"""The state of an outside source: how it did last, and whether it may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.errors import Blocked, Malformed, QuotaExceeded, Unavailable

FAILURES_TO_OPEN: Final = 3
OPEN_AFTER_FAILURES: Final = timedelta(minutes=10)
OPEN_AFTER_BLOCK: Final = timedelta(hours=1)
_LONGEST_OPEN: Final = timedelta(hours=24)


class Circuit(StrEnum):
    """Whether a source may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    """It was open and nothing has succeeded since: the next call tells."""


class NoItems(Malformed):
    """A source that normally has some items has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceStatus:
    """One source. Aware UTC times; `last_items` counts what the last success brought; `failure_kind` is one of
    blocked, quota, unavailable, malformed, empty or the name of another error."""

    source: str
    last_success_at: datetime | None = None
    last_items: int | None = None
    last_failure_at: datetime | None = None
    failure_kind: str | None = None
    failure_message: str | None = None
    failures_in_row: int = 0
    open_until: datetime | None = None

    def circuit(self, at: datetime) -> Circuit:
        """The circuit at the instant `at`."""
        if self.open_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if at < self.open_until else Circuit.PROBING


def failure_kind(error: Exception) -> str:
    """One word for a failure."""
    match error:
        case Blocked():
            return "blocked"
        case QuotaExceeded():
            return "quota"
        case Unavailable():
            return "unavailable"
        case NoItems():
            return "empty"
        case Malformed():
            return "malformed"
    return type(error).__name__.lower()


def open_until(error: Exception, *, failures_in_row: int, at: datetime) -> datetime | None:
    """Until when a source is left alone after its n-th failure in a row, None to go on asking.

    A block counts at once: an hour, doubling with every further failure up to a day. An allowance used up counts
    until it is renewed; anything else from the third failure on, for ten minutes.
    """
    if isinstance(error, Blocked):
        return at + min(OPEN_AFTER_BLOCK * (1 << min(failures_in_row - 1, 10)), _LONGEST_OPEN)
    if isinstance(error, QuotaExceeded) and error.retry_at is not None:
        return min(error.retry_at, at + _LONGEST_OPEN)
    return at + OPEN_AFTER_FAILURES if failures_in_row >= FAILURES_TO_OPEN else None
