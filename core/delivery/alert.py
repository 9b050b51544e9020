"""What is told, and to whom: facts, never text. Each hook finds its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

Facts = Mapping[str, str | int | float | None]


class AlertKind(StrEnum):
    """What happened. The facts each kind carries stand behind it."""

    JOB_FAILED = "job_failed"  # job, slot, state, error
    JOB_RECOVERED = "job_recovered"  # job, slot, failures
    STATUS_CHANGED = "status_changed"  # component, before, after, message, notes (the same as JSON)
    RESOURCE_FULL = "resource_full"  # component, percent
    RESOURCE_FREED = "resource_freed"  # component, percent
    BUDGET = "budget"  # period ("day"|"month"), percent (80|100), spent_usd, limit_usd
    ERROR_RATE = "error_rate"  # provider, failed, calls, percent
    STRATEGY_RESTARTED = "strategy_restarted"  # strategy, reason, attempt
    STRATEGY_STOPPED = "strategy_stopped"  # strategy, reason
    STRATEGY_RECOVERED = "strategy_recovered"  # strategy
    SIGNAL = "signal"  # strategy, code, name, and the figures that made it
    MEMBER_WAITS = "member_waits"  # user_id, name
    SOURCE_FAILED = "source_failed"  # source, failure (its kind), failures (in a row), error
    SOURCES_DIFFER = "sources_differ"  # what, day, first, second, compared, differing, missing, example
    SOURCE_RECOVERED = "source_recovered"  # source, since (of the first failure), items


LIFETIMES: Final[Mapping[AlertKind, timedelta]] = {
    AlertKind.SIGNAL: timedelta(hours=1),
    AlertKind.MEMBER_WAITS: timedelta(days=7),
}
"""How long an alert is worth telling; after that it would mislead, so it is dropped and counted."""

LIFETIME: Final = timedelta(days=1)
"""How long any other alert is worth telling."""

NEVER_TWICE: Final = frozenset({AlertKind.SIGNAL})
"""Kinds of which a second telling would be taken for a second event: where Telegram does not say whether one has
arrived, it is parked for the admins to see instead of sent again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One thing that happened. `key` names it: whatever has been told under a key is not told again.

    `facts` are plain JSON values, already redacted. `part` tells apart several messages under one key.
    """

    kind: AlertKind
    key: str
    facts: Facts = field(default_factory=dict)
    part: int = 1

    @property
    def lifetime(self) -> timedelta:
        """How long it is worth telling."""
        return LIFETIMES.get(self.kind, LIFETIME)
