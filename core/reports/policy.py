"""When a report is renewed. Pure: the facts of the moment in, the reason out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Phase
from core.reports.report import UpdateReason

LIMITS = {
    Phase.OPENING_HOUR: timedelta(hours=1),
    Phase.SESSION: timedelta(hours=2),
    Phase.PRE_OPEN: timedelta(hours=6),
    Phase.CLOSING_PRICE: timedelta(hours=6),
    Phase.AFTER_HOURS: timedelta(hours=6),
    Phase.AFTER_CLOSE: timedelta(hours=6),
    Phase.CLOSED_DAY: timedelta(hours=24),
}
"""The oldest a report may be in each phase."""

MOVED_PERCENT = 3
"""The move from the base price that renews a report."""

ASK_AGAIN_AFTER = timedelta(minutes=5)
"""How long after a report a user may have it renewed by asking."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known at the moment of asking. `price` is None where no price can be had.

    `new_articles`, `new_predictions` and `new_disclosures` (material ones) count what came since the newest report.
    """

    now: datetime
    phase: Phase
    price: int | None
    new_articles: int
    new_predictions: int
    asked: bool
    new_disclosures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Last:
    """The newest report."""

    made_at: datetime
    base_price: int


def reason_to_update(last: Last | None, standing: Standing) -> UpdateReason | None:
    """Why the report should be renewed now, or None to show the one there is."""
    if last is None:
        return UpdateReason.FIRST
    age = standing.now - last.made_at
    if standing.asked and age >= ASK_AGAIN_AFTER:
        return UpdateReason.ASKED
    if standing.price is not None and moved(last.base_price, standing.price):
        return UpdateReason.PRICE_MOVED
    if standing.new_disclosures:
        return UpdateReason.DISCLOSURE
    if age > LIMITS[standing.phase]:
        return UpdateReason.TOO_OLD
    if standing.phase is Phase.PRE_OPEN and standing.new_articles:
        return UpdateReason.NEWS_BEFORE_OPEN
    return UpdateReason.NEW_PREDICTION if standing.new_predictions else None


def moved(base_price: int, price: int) -> bool:
    """Whether a price is `MOVED_PERCENT` or more away from the base price, exactly."""
    return abs(price - base_price) * 100 >= MOVED_PERCENT * base_price
