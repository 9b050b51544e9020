"""What of a stock's figures is worth telling."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.rules import (
    EARLY,
    STEPS,
    USUAL_OVER,
    extreme_of,
    flow_of,
    might_be_extreme,
    part_passed,
    rebased,
    steps_of,
    surge_of,
)
from core.kis.investors import NetTrading
from core.market.bar import Bar, Quote
from core.prediction.signals import LEAST_OF_A_YEAR

OPENS = datetime(2026, 2, 20, 0, 0, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=6, minutes=30)
TODAY = date(2026, 2, 20)


def quote(price: int, *, change: int = 0, **more: int | None) -> Quote:
    return Quote(
        code="005930",
        price=price,
        change=change,
        change_percent=0.0,
        volume=1,
        value=1,
        at=OPENS,
        source="KIS",
        **more,
    )


@given(st.integers(1, 2_000_000), st.integers(-30, 30))
def test_a_step_is_reached_exactly_there_and_on_one_side_alone(before: int, percent: int) -> None:
    price = before + before * percent // 100
    reached = steps_of(price, price - before)
    assert reached == tuple(
        (1 if price > before else -1) * step for step in STEPS if abs(price - before) * 100 >= step * before
    )
    assert all((step > 0) == (price > before) for step in reached)


def test_steps_at_their_edge() -> None:
    assert steps_of(103_000, 3_000) == (3,)
    assert steps_of(102_999, 2_999) == ()
    assert steps_of(89_999, -10_001) == (-3, -5, -10)
    assert steps_of(1_000, 1_000) == ()


@given(st.lists(st.integers(70_000, 130_000), max_size=40))
def test_over_a_session_no_step_is_new_twice(prices: list[int]) -> None:
    seen: set[int] = set()
    for price in prices:
        reached = steps_of(price, price - 100_000)
        assert not reached or set(reached) >= {step for step in STEPS if step <= abs(reached[-1]) and reached[-1] > 0}
        seen |= set(reached)
    highest = max((price - 100_000 for price in prices), default=0)
    assert {step for step in seen if step > 0} == {step for step in STEPS if step * 1_000 <= highest}


def test_a_surge_is_measured_by_the_time_of_the_session() -> None:
    assert surge_of(1_500, 1_000.0, 0.5) == 3.0
    assert surge_of(1_499, 1_000.0, 0.5) is None
    assert surge_of(3_000, 1_000.0, 1.0) == 3.0
    assert surge_of(100, None, 0.5) is None
    assert surge_of(100, 0.0, 0.5) is None


@given(st.floats(0, 1))
def test_early_trade_alone_is_no_surge(part: float) -> None:
    """A fifth of a usual day's shares in the first minutes is how every day begins."""
    found = surge_of(200, 1_000.0, part)
    assert found is None
    assert surge_of(int(3_000 * max(part, EARLY)) + 1, 1_000.0, part) is not None


def test_the_part_of_a_session_lies_between_its_ends() -> None:
    assert part_passed(OPENS - timedelta(hours=1), OPENS, CLOSES) == 0
    assert part_passed(OPENS + (CLOSES - OPENS) / 2, OPENS, CLOSES) == pytest.approx(0.5)
    assert part_passed(CLOSES + timedelta(hours=1), OPENS, CLOSES) == 1


def year(high: int = 110, low: int = 90, *, bars: int = LEAST_OF_A_YEAR) -> list[Bar]:
    days = [TODAY - timedelta(days=back) for back in range(bars, 0, -1)]
    return [Bar(day=day, open=100, high=high, low=low, close=100, volume=1, value=1) for day in days]


def test_a_price_outside_the_range_of_the_year_is_extreme_on_that_side() -> None:
    assert extreme_of(quote(111, high=112, low=100), year(), TODAY) == ("high", 112, 110)
    assert extreme_of(quote(95, high=100, low=89), year(), TODAY) == ("low", 89, 90)
    assert extreme_of(quote(110, high=110, low=90), year(), TODAY) is None
    assert extreme_of(quote(111), year(), TODAY) == ("high", 111, 110)


def test_too_few_or_too_old_bars_tell_nothing() -> None:
    assert extreme_of(quote(200), year(bars=LEAST_OF_A_YEAR - 1), TODAY) is None
    old = [Bar(day=TODAY - timedelta(days=366), open=1, high=500, low=1, close=1, volume=1, value=1)]
    assert extreme_of(quote(200), [*old, *year()], TODAY) == ("high", 200, 110)


def test_the_range_a_quote_tells_only_spares_the_reading_of_bars() -> None:
    assert not might_be_extreme(quote(100, high=105, low=95, high_52w=110, low_52w=90))
    assert might_be_extreme(quote(100, high=110, low=95, high_52w=110, low_52w=90))
    assert might_be_extreme(quote(100, high=105, low=90, high_52w=110, low_52w=90))
    assert might_be_extreme(quote(100, high=105, low=95))


def test_a_split_is_seen_by_the_close_a_change_is_counted_from() -> None:
    assert not rebased(quote(103, change=3), 100)
    assert rebased(quote(21, change=1), 100)


def days(*net: int) -> list[NetTrading]:
    figures = {"close": 1, "foreign_shares": 0, "institution_shares": 0, "individual_shares": 0, "individual_value": 0}
    return [
        NetTrading(day=TODAY + timedelta(days=place), foreign_value=amount - 1, institution_value=1, **figures)
        for place, amount in enumerate(net)
    ]


def test_a_streak_is_told_when_it_is_complete_and_not_again() -> None:
    assert flow_of(days(-1, 5, 5, 5, 5, 5)) == (5, None)
    assert flow_of(days(1, -5, -5, -5, -5, -5)) == (-5, None)
    assert flow_of(days(5, 5, 5, 5)) is None
    assert flow_of(days(5, 5, 5, 5, 5, 5)) is None
    assert flow_of([]) is None


def test_net_buying_of_an_unusual_size_is_told_in_times_of_the_usual() -> None:
    usual = [10, -10] * (USUAL_OVER // 2)
    assert flow_of(days(*usual, 30)) == (0, 3.0)
    assert flow_of(days(*usual, -35)) == (0, 3.5)
    assert flow_of(days(*usual, 29)) is None
    assert flow_of(days(*usual[1:], 300)) is None, "too few sessions to say what is usual"
    assert flow_of(days(*[0] * USUAL_OVER, 300)) is None
