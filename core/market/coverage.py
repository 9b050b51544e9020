"""Which daily bars have to be asked for."""

from __future__ import annotations

from datetime import date, timedelta

from core.clock import Calendar
from core.market.queries import Coverage


def first_session(calendar: Calendar, last: date, sessions: int) -> date:
    """The first of `sessions` sessions that end with the session `last`."""
    for _ in range(sessions - 1):
        last = calendar.previous_session(last)
    return last


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
