"""Minutes: longer bars of them, and the minute between two looks."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst
from core.market.bar import MinuteBar
from core.market.minute import LENGTHS, MINUTE, Sample, minute_between, resampled, volume_weighted

DAY = date(2026, 2, 20)
OPENS = kst(DAY, time(9))


def bar(minute: int, close: int = 100, volume: int = 10, **changed: int) -> MinuteBar:
    values: dict[str, Any] = {"open": close, "high": close + 2, "low": close - 2, "value": close * volume} | changed
    return MinuteBar(at=OPENS + MINUTE * minute, close=close, volume=volume, **values)


def sample(at: datetime, price: int, volume: int, **changed: int) -> Sample:
    values = {"high": 110, "low": 90, "value": volume * 100} | changed
    return Sample(code="005930", at=at, price=price, volume=volume, **values)


def test_five_minutes_become_one_bar() -> None:
    bars = resampled([bar(0, 100), bar(1, 104), bar(4, 102), bar(5, 101)], 5)
    assert [(each.at, each.open, each.high, each.low, each.close, each.volume) for each in bars] == [
        (OPENS, 100, 106, 98, 102, 30),
        (OPENS + MINUTE * 5, 101, 103, 99, 101, 10),
    ]


def test_the_auction_at_the_close_has_a_bar_of_its_own() -> None:
    assert [each.at for each in resampled([bar(389), bar(390)], 30)] == [
        kst(DAY, time(15)),
        kst(DAY, time(15, 30)),
    ]


def test_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="7 minutes"):
        resampled([], 7)


@given(st.lists(st.tuples(st.integers(0, 390), st.integers(50, 150), st.integers(1, 99)), unique_by=lambda row: row[0]))
def test_longer_bars_keep_volume_value_and_range(rows: list[tuple[int, int, int]]) -> None:
    bars = [bar(minute, close, volume) for minute, close, volume in sorted(rows)]
    for length in LENGTHS:
        longer = resampled(bars, length)
        assert sum(each.volume for each in longer) == sum(each.volume for each in bars)
        assert sum(each.value for each in longer) == sum(each.value for each in bars)
        assert max((each.high for each in longer), default=0) == max((each.high for each in bars), default=0)
        assert all(first.at + MINUTE * length <= second.at for first, second in pairwise(longer))
        assert longer == resampled(longer, length)


def test_the_average_price_is_weighted_by_volume() -> None:
    assert volume_weighted([bar(0, 100, 10), bar(1, 200, 30)]) == 175
    assert volume_weighted([]) is None


def test_a_minute_between_two_looks_is_their_difference() -> None:
    at = OPENS + MINUTE * 5
    found = minute_between(sample(at, 100, 50), sample(at + MINUTE, 104, 80), opened_with=95, at=at, opens=OPENS)
    assert found is not None
    assert (found.open, found.high, found.low, found.close) == (100, 104, 100, 104)
    assert (found.volume, found.value, found.sampled) == (30, 3_000, True)


def test_a_new_high_of_the_day_fell_into_the_minute() -> None:
    at = OPENS + MINUTE * 5
    now = sample(at + MINUTE, 104, 80, high=120, low=80)
    found = minute_between(sample(at, 100, 50), now, opened_with=95, at=at, opens=OPENS)
    assert found is not None
    assert (found.high, found.low) == (120, 80)


def test_the_first_look_of_a_day_tells_its_first_minute_if_it_comes_in_time() -> None:
    yesterday = sample(OPENS - timedelta(hours=18), 90, 5_000)
    early = minute_between(yesterday, sample(OPENS + MINUTE, 97, 40), opened_with=95, at=OPENS, opens=OPENS)
    assert early is not None
    assert (early.open, early.close, early.volume) == (95, 97, 40)
    late = sample(OPENS + MINUTE * 3, 97, 40)
    assert minute_between(yesterday, late, opened_with=95, at=OPENS, opens=OPENS) is None
    assert minute_between(None, late, opened_with=95, at=OPENS, opens=OPENS) is None


def test_without_a_trade_there_is_no_minute() -> None:
    before = sample(OPENS + MINUTE, 100, 50)
    for volume in (50, 40):
        now = sample(OPENS + MINUTE * 2, 100, volume)
        assert minute_between(before, now, opened_with=95, at=OPENS + MINUTE, opens=OPENS) is None
