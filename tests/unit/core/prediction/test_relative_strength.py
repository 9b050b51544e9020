"""The averages that weigh days and volume, and the strength of a price beside its index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.kis.index import IndexBar
from core.market.bar import Bar
from core.prediction.indicators import EMAS, indicators, relative_strength
from tests.sheets import make_bars


def level(bar: Bar, close: float) -> IndexBar:
    return IndexBar(day=bar.day, open=close, high=close, low=close, close=close, volume=1, turnover=1)


def test_an_exponential_average_begins_with_the_plain_one() -> None:
    bars = make_bars(120)
    for length in EMAS:
        average = sum(bar.close for bar in bars[:length]) / length
        for bar in bars[length:]:
            average += (bar.close - average) * 2 / (length + 1)
        assert indicators(bars).exponential[length] == pytest.approx(average)


def test_the_average_price_of_the_last_day_is_its_turnover_a_share() -> None:
    bars = make_bars(30)
    last = replace(bars[-1], value=bars[-1].close * bars[-1].volume)
    assert indicators([*bars[:-1], last]).vwap == pytest.approx(last.close)
    assert indicators([*bars[:-1], replace(last, value=last.high * last.volume * 2)]).vwap is None


def test_strength_is_what_the_price_gained_beyond_the_index() -> None:
    bars = make_bars(30)
    bars = [*bars[:-21], *(replace(bar, close=1_000) for bar in bars[-21:-1]), replace(bars[-1], close=1_100)]
    index = [*(level(bar, 2_000.0) for bar in bars[:-1]), level(bars[-1], 2_100.0)]
    assert relative_strength(bars, index, 20) == pytest.approx(10 - 5)
    assert relative_strength(bars, index[:-1], 20) is None
    assert relative_strength(bars[:20], index[:20], 20) is None
