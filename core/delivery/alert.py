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

    # Told to those who watch a stock: each carries code, name and at (ISO, when it was so) as well.
    REPORT_MADE = "report_made"  # verdict, before (the verdict before), confidence, price, target
    STORY = "story"  # article (its number), title, press, url, published_at, more (stories passed over)
    FILING = "filing"  # filing (number), title, kind, weight, url, day, filed_at, correction, original, …_day, …_url
    PRICE_MOVED = "price_moved"  # step (signed percent), price, change, change_percent
    VOLUME_SURGED = "volume_surged"  # ratio (to the usual by that time of day), volume, price, change_percent
    FLOW_UNUSUAL = "flow_unusual"  # day, streak (signed), streak_net, net, foreigners, institutions, ratio (to usual)
    HIGH_LOW = "high_low"  # day, side ("high"|"low"), extreme, before, price, change_percent
    SIGNAL_SEEN = "signal_seen"  # strategy, day, direction, and the figures that made it
    CONDITION_MET = "condition_met"  # rule (its number), condition, threshold, price, change_percent, volume, ratio

    BRIEF = "brief"  # slot, day, brief (of `core.briefs.brief`, as JSON)


PERSONAL: Final = frozenset(
    {
        AlertKind.REPORT_MADE,
        AlertKind.STORY,
        AlertKind.FILING,
        AlertKind.PRICE_MOVED,
        AlertKind.VOLUME_SURGED,
        AlertKind.FLOW_UNUSUAL,
        AlertKind.HIGH_LOW,
        AlertKind.SIGNAL_SEEN,
        AlertKind.CONDITION_MET,
        AlertKind.BRIEF,
    }
)
"""Kinds that people are told of because they asked for it; the others are for admins."""

LIFETIMES: Final[Mapping[AlertKind, timedelta]] = {
    AlertKind.SIGNAL: timedelta(hours=1),
    AlertKind.MEMBER_WAITS: timedelta(days=7),
    AlertKind.REPORT_MADE: timedelta(hours=6),
    AlertKind.STORY: timedelta(hours=6),
    AlertKind.FILING: timedelta(hours=24),
    AlertKind.PRICE_MOVED: timedelta(minutes=15),
    AlertKind.VOLUME_SURGED: timedelta(hours=1),
    AlertKind.FLOW_UNUSUAL: timedelta(hours=16),
    AlertKind.HIGH_LOW: timedelta(hours=2),
    AlertKind.SIGNAL_SEEN: timedelta(hours=16),
    AlertKind.CONDITION_MET: timedelta(minutes=15),
    AlertKind.BRIEF: timedelta(hours=4),
}
"""How long an alert is worth telling; after that it would mislead, so it is dropped and counted."""

LIFETIME: Final = timedelta(days=1)
"""How long any other alert is worth telling."""

_URGENT: Final = timedelta(minutes=15)
"""What people are told of and is worth telling no longer than this cannot wait for briefs of ten thousand."""


def rank_of(kind: AlertKind) -> int:
    """Whose turn it is where many letters wait, 0 before all: the admins', what is urgent, other alerts, briefs.

    It decides between chats alone: inside one everything is told in the order it was written.
    """
    if kind not in PERSONAL:
        return 0
    if kind is AlertKind.BRIEF:
        return 3
    return 1 if LIFETIMES[kind] <= _URGENT else 2


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
