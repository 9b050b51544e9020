"""Which daily bars have to be asked for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from core.clock import Calendar
from core.market.queries import Coverage

_SETTLES: Final = timedelta(minutes=10)
"""From the regular close to the trade at the closing price, which no longer moves it."""


def first_session(calendar: Calendar, last: date, sessions: int) -> date:
    """The first of `sessions` sessions that end with the session `last`."""
    for _ in range(sessions - 1):
        last = calendar.previous_session(last)
    return last


def settled_at(calendar: Calendar, day: date) -> datetime:
    """When the bar of session `day` holds its closing auction for certain: a bar read earlier has to be read again."""
    return calendar.closes(day) + _SETTLES


def missing_days(covered: Coverage | None, *, first: date, last: date) -> tuple[date, date] | None:
    """The days to ask for so that [first, last] is covered without a hole; None when it is.

    Asking for what came since begins at the newest bar, so that a right answer is never empty and figures that were
    corrected after the close replace the first ones.
    """
    if covered is None:
        return first, last
    older, newer = first < covered.since, last > covered.until
    if older:
        return first, last if newer else covered.since - timedelta(days=1)
    if newer:
        return min(covered.newest or covered.until, covered.until), last
    return None
