"""Which bars are asked for."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.clock import Calendar
from core.market.coverage import first_session, missing_days
from core.market.queries import Coverage

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))


def covered(since: date, until: date, newest: date | None = None) -> Coverage:
    return Coverage(since=since, until=until, newest=newest or until)


def test_a_year_is_250_sessions() -> None:
    calendar = Calendar()
    first = first_session(calendar, date(2026, 2, 20), 250)
    assert calendar.session_after(first, 249) == date(2026, 2, 20)


def test_the_first_ask_takes_everything() -> None:
    first, last = date(2025, 2, 1), date(2026, 2, 20)
    assert missing_days(None, first=first, last=last) == (first, last)


def test_what_is_covered_is_not_asked_again() -> None:
    assert (
        missing_days(covered(date(2025, 1, 1), date(2026, 2, 20)), first=date(2025, 2, 1), last=date(2026, 2, 20))
        is None
    )


def test_a_stock_listed_three_sessions_ago_is_covered_without_older_bars() -> None:
    young = Coverage(since=date(2025, 2, 1), until=date(2026, 2, 20), newest=date(2026, 2, 20))
    assert missing_days(young, first=date(2025, 2, 1), last=date(2026, 2, 20)) is None


def test_what_came_since_is_asked_from_the_newest_bar_on() -> None:
    halted = Coverage(since=date(2025, 1, 1), until=date(2026, 2, 19), newest=date(2026, 2, 13))
    assert missing_days(halted, first=date(2025, 2, 1), last=date(2026, 2, 20)) == (
        date(2026, 2, 13),
        date(2026, 2, 20),
    )


def test_older_ones_are_asked_up_to_the_first_covered() -> None:
    gap = missing_days(covered(date(2025, 1, 1), date(2026, 2, 20)), first=date(2024, 1, 1), last=date(2026, 2, 20))
    assert gap == (date(2024, 1, 1), date(2024, 12, 31))


@given(DAYS, DAYS, DAYS, DAYS)
def test_after_asking_the_cover_has_no_hole_and_holds_what_was_wanted(a: date, b: date, c: date, d: date) -> None:
    (since, until), (first, last) = sorted((a, b)), sorted((c, d))
    gap = missing_days(covered(since, until), first=first, last=last)
    if gap is None:
        assert since <= first <= last <= until
        return
    assert gap[0] <= gap[1]
    assert gap[0] <= until + timedelta(days=1)
    assert gap[1] >= since - timedelta(days=1)
    assert min(since, gap[0]) <= first
    assert max(until, gap[1]) >= last
