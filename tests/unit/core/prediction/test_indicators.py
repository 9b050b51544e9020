from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from core.prediction.indicators import AVERAGES, Indicators, indicators
from tests.sheets import make_bar, make_bars, sessions_until
from tests.unit.core.prediction.reference import rsi_by_hand


def test_averages_and_levels_are_those_of_the_last_sessions() -> None:
    bars = make_bars(150)
    found = indicators(bars)
    for length in AVERAGES:
        assert found.averages[length] == pytest.approx(sum(bar.close for bar in bars[-length:]) / length)
    assert found.support == min(bar.low for bar in bars[-20:])
    assert found.resistance == max(bar.high for bar in bars[-20:])
    assert found.volume_ratio == pytest.approx(bars[-1].volume / (sum(bar.volume for bar in bars[-21:-1]) / 20))


def test_rsi_is_wilders() -> None:
    bars = make_bars(100)
    assert indicators(bars).rsi == pytest.approx(rsi_by_hand([bar.close for bar in bars], 14))


def test_bands_averages_and_the_trend_of_volume_are_those_of_the_library() -> None:
    bars = make_bars(150)
    closes = np.array([bar.close for bar in bars], dtype=np.float64)
    upper, middle, lower = (band[-1] for band in talib.BBANDS(closes, 20, 2, 2))
    found = indicators(bars)
    assert found.bollinger == pytest.approx((closes[-1] - lower) / (upper - lower))
    assert found.averages[20] == pytest.approx(middle)
    volumes = np.array([bar.volume for bar in bars], dtype=np.float64)
    slope = talib.LINEARREG_SLOPE(talib.OBV(closes, volumes), 20)[-1]
    assert found.obv_slope == pytest.approx(slope / volumes[-20:].mean())


def test_the_true_range_counts_the_gap_from_the_close_before() -> None:
    days = sessions_until(make_bars(1)[0].day, 30)
    bars = [make_bar(day, 1000, high=1010, low=990) for day in days[:-1]]
    jump = make_bar(days[-1], 1100, high=1110, low=1090)
    assert indicators([*bars, jump]).atr == pytest.approx((20 * 13 + 110) / 14)


def test_a_flat_price_has_no_place_between_its_bands_and_no_spread() -> None:
    found = indicators([make_bar(day, 1000) for day in sessions_until(make_bars(1)[0].day, 60)])
    assert found.bollinger is None
    assert found.sigma == 0.0


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_move_there_are_no_indicators(count: int) -> None:
    assert indicators(make_bars(count) if count else []) == Indicators()


def test_three_bars_give_what_three_bars_can() -> None:
    found = indicators(make_bars(3))
    assert found.averages == {}
    assert (found.rsi, found.macd, found.atr, found.sigma, found.support) == (None, None, None, None, None)


def test_days_without_a_trade_do_not_count() -> None:
    bars = make_bars(80)
    halted = replace(bars[-1], open=0, high=0, low=0, volume=0, value=0)
    assert indicators([*bars, halted]) == indicators(bars)


@given(st.integers(2, 130), st.integers(0, 50))
def test_oscillators_stay_in_their_range(count: int, seed: int) -> None:
    found = indicators(make_bars(count, seed=seed))
    for value in (found.rsi, found.stochastic_k, found.stochastic_d):
        assert value is None or -1e-9 <= value <= 100 + 1e-9
    assert found.sigma is None or found.sigma > 0
