"""The state of an outside source, and how each outcome of asking it changes that state. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from core.errors import Blocked, Malformed, QuotaExceeded, Unavailable
from core.sources.chain import Stale
from core.sources.rule import Rule
from core.sources.usual import Usual

FAILURES_KEPT: Final = 5
"""The newest failures that are kept with their time, kind and message."""
PROBE_PATIENCE: Final = timedelta(minutes=1)
"""How long the one who probes has the source to itself."""
_LONGEST_OPEN: Final = timedelta(hours=24)


class Circuit(StrEnum):
    """Whether a source may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    """Half-open: it was open and nothing has succeeded since, so the next call tells."""


class Notice(StrEnum):
    """What admins are to be told of a source."""

    FAILED = "failed"
    RECOVERED = "recovered"


class NoItems(Malformed):
    """A source that normally has some items has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceStatus:
    """One source. Times are aware UTC.

    `last_items` counts what the last success brought and `usual_items` what such an hour usually brings; `few` says
    that it was far less. `failure_kind` is one of blocked, quota, unavailable, stale, malformed, empty or the name of
    another error, `failures` the newest failures, newest first. `openings` counts how often in a row the circuit
    opened. `failed` says that it has failed for good by its rule, the `episode`-th time, and `told` that admins know.
    """

    source: str
    last_success_at: datetime | None = None
    last_items: int | None = None
    usual_items: int | None = None
    few: bool = False
    last_failure_at: datetime | None = None
    failure_kind: str | None = None
    failure_message: str | None = None
    failures: Sequence[Mapping[str, Any]] = ()
    failures_in_row: int = 0
    failing_since: datetime | None = None
    openings: int = 0
    open_until: datetime | None = None
    failed: bool = False
    episode: int = 0
    told: bool = False

    def circuit(self, at: datetime) -> Circuit:
        """The circuit at the instant `at`."""
        if self.open_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if at < self.open_until else Circuit.PROBING


def succeeded(before: SourceStatus, *, items: int, at: datetime, usual: Usual | None, few: bool) -> SourceStatus:
    """The state after an answer with `items` items: the circuit is closed, and what failed is remembered."""
    return replace(
        before,
        last_success_at=at,
        last_items=items,
        usual_items=usual.items if usual else None,
        few=few,
        failures_in_row=0,
        failing_since=None,
        openings=0,
        open_until=None,
        failed=False,
    )


def failed(before: SourceStatus, error: Exception, *, message: str, at: datetime, rule: Rule) -> SourceStatus:
    """The state after a failure whose storable words are `message`; it may open the circuit, or be one for good."""
    kind, in_row = failure_kind(error), before.failures_in_row + 1
    until = open_until(error, failures_in_row=in_row, openings=before.openings, at=at, rule=rule)
    for_good = before.failed or rule.is_enough(kind, in_row)
    newest = {"at": at.isoformat(), "kind": kind, "message": message}
    return replace(
        before,
        last_failure_at=at,
        failure_kind=kind,
        failure_message=message,
        failures=[newest, *before.failures][:FAILURES_KEPT],
        failures_in_row=in_row,
        failing_since=before.failing_since or at,
        openings=before.openings + (until is not None),
        open_until=until,
        failed=for_good,
        episode=before.episode + (for_good and not before.failed),
    )


def notice(status: SourceStatus, rule: Rule) -> Notice | None:
    """What admins are to be told now, None where they know or somebody else tells them."""
    if status.failed and not status.told:
        return None if status.failure_kind in rule.probed else Notice.FAILED
    return Notice.RECOVERED if status.told and not status.failed else None


def failure_kind(error: Exception) -> str:
    """One word for a failure."""
    match error:
        case Blocked():
            return "blocked"
        case QuotaExceeded():
            return "quota"
        case Stale():
            return "stale"
        case Unavailable():
            return "unavailable"
        case NoItems():
            return "empty"
        case Malformed():
            return "malformed"
    return type(error).__name__.lower()


def open_until(error: Exception, *, failures_in_row: int, openings: int, at: datetime, rule: Rule) -> datetime | None:
    """Until when a source is left alone after its n-th failure in a row, None to go on asking.

    A refusal counts at once. An allowance used up counts until it is renewed, at most a day; anything else from the
    rule's number of failures on. Each further opening is twice as long, up to the rule's longest or a day.
    """
    doubled = 1 << min(openings, 10)
    if isinstance(error, Blocked):
        return at + min(rule.blocked * doubled, _LONGEST_OPEN)
    if isinstance(error, QuotaExceeded) and error.retry_at is not None:
        return min(max(error.retry_at, at), at + _LONGEST_OPEN)
    return at + min(rule.first * doubled, rule.longest) if failures_in_row >= rule.failures else None
