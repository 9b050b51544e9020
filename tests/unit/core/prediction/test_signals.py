"""Signals on bars made to have them, on random ones, and on recorded ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import fmean

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.market.bar import Bar
from core.prediction.forecast import Direction
from core.prediction.signals import (
    STREAK,
    NetBuying,
    Signal,
    Watch,
    flow_streak,
    golden_cross,
    new_high,
    rsi,
    signal_on,
    streak_of,
    volume_surge,
)
from tests.samples import sample
from tests.sheets import LAST_DAY, make_bar, make_bars, sessions_until

WATCHES: tuple[Watch, ...] = (golden_cross, rsi, volume_surge, new_high)


def bars_of(closes: Sequence[int], **changes: object) -> list[Bar]:
    days = sessions_until(LAST_DAY, len(closes))
    return [make_bar(day, close, **changes) for day, close in zip(days, closes, strict=True)]


def days_with(watch: Watch, bars: Sequence[Bar]) -> list[tuple[int, Direction]]:
    """The places in `bars` that have a signal."""
    found = ((place, watch(bars[: place + 1])) for place in range(len(bars)))
    return [(place, signal.direction) for place, signal in found if signal is not None]


def test_a_golden_and_a_dead_cross_are_found_on_their_day_alone() -> None:
    falling = [20_000 - 50 * step for step in range(80)]
    rising = [falling[-1] + 100 * step for step in range(1, 60)]
    bars = bars_of(falling + rising)
    closes = [bar.close for bar in bars]
    above = [fmean(closes[n - 19 : n + 1]) > fmean(closes[n - 59 : n + 1]) for n in range(60, len(closes))]
    ((place, direction),) = days_with(golden_cross, bars)
    assert (place, direction) == (60 + above.index(True), Direction.UP)
    mirrored = bars_of([40_000 - close for close in closes])
    assert days_with(golden_cross, mirrored) == [(place, Direction.DOWN)]


def test_averages_that_lie_on_each_other_cross_only_when_they_part() -> None:
    bars = bars_of([10_000] * 100 + [10_100])
    assert days_with(golden_cross, bars) == [(100, Direction.UP)]


def test_rsi_signals_when_a_zone_is_left_and_not_while_it_lasts() -> None:
    down = [30_000 - 300 * step for step in range(40)]
    bars = bars_of(down + [down[-1] + 600 * step for step in range(1, 5)])
    found = days_with(rsi, bars)
    assert [direction for _, direction in found] == [Direction.UP]
    signal = rsi(bars[: found[0][0] + 1])
    assert signal is not None
    assert signal.figures["rsi_before"] < 30 <= signal.figures["rsi"]
    mirrored = bars_of([60_000 - bar.close for bar in bars])
    assert [direction for _, direction in days_with(rsi, mirrored)] == [Direction.DOWN]


def test_a_volume_surge_points_where_the_price_went() -> None:
    quiet = bars_of([10_000] * 30)
    surge = replace(quiet[-1], volume=3_000_000)
    assert volume_surge([*quiet[:-1], surge]) is None, "the price did not move"
    for close, direction in ((10_200, Direction.UP), (9_900, Direction.DOWN)):
        signal = volume_surge([*quiet[:-1], replace(surge, close=close)])
        assert signal is not None
        assert (signal.direction, signal.figures["volume_ratio"]) == (direction, 3.0)
    assert volume_surge([*quiet[:-1], replace(surge, close=10_200, volume=2_999_999)]) is None


def test_a_new_high_is_above_every_one_of_a_full_year() -> None:
    bars = bars_of([10_000] * 250)
    higher = replace(bars[-1], high=bars[-2].high + 1)
    signal = new_high([*bars[:-1], higher])
    assert signal is not None
    assert (signal.direction, signal.figures["high_before"]) == (Direction.UP, bars[-2].high)
    assert new_high(bars) is None, "as high as before is not higher"
    assert new_high([*bars[-200:-1], higher]) is None, "too young"


def test_a_streak_of_flows_is_found_when_it_is_complete() -> None:
    days = sessions_until(LAST_DAY, 8)
    flows = [NetBuying(day=day, foreigners=30, institutions=-10) for day in days]
    assert flow_streak(flows[: STREAK - 1]) is None
    found = flow_streak(flows[:STREAK])
    assert found == Signal(day=days[STREAK - 1], direction=Direction.UP, figures={"net_buying": 100})
    assert flow_streak(flows[: STREAK + 1]) is None
    sold = [replace(flow, foreigners=-30) for flow in flows]
    assert flow_streak([flows[0], *sold[1 : STREAK + 1]]) is not None
    assert flow_streak([]) is None


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_a_streak_is_the_tail_of_one_sign(net: list[int]) -> None:
    length = streak_of(net)
    tail = net[len(net) - abs(length) :]
    assert all((amount > 0) == (length > 0) and amount for amount in tail)
    if abs(length) < len(net):
        before = net[len(net) - abs(length) - 1]
        assert before == 0 or (length and (before > 0) != (length > 0))


@pytest.mark.parametrize("watch", WATCHES)
def test_a_day_without_a_trade_has_no_signal_and_hides_none(watch: Watch) -> None:
    bars = make_bars(300, seed=5)
    still = replace(make_bar(LAST_DAY, bars[-2].close), open=0, high=0, low=0, volume=0, value=0)
    assert watch([*bars[:-1], still]) is None
    assert watch([*bars[:-2], replace(still, day=bars[-2].day), bars[-1]]) == watch([*bars[:-2], bars[-1]])


@pytest.mark.parametrize("watch", WATCHES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_what_comes_later_changes_no_signal(watch: Watch, seed: int, data: st.DataObject) -> None:
    bars = lively_bars(seed)
    places = [place for place in range(len(bars)) if signal_on(watch, bars[: place + 1], bars[place].day)]
    place = data.draw(st.sampled_from(places or [len(bars) - 1]) | st.integers(0, len(bars) - 1))
    known, day = signal_on(watch, bars[: place + 1], bars[place].day), bars[place].day
    later = [replace(bar, close=bar.close * 3, high=bar.high * 3, volume=1, split_ratio=0.5) for bar in bars]
    assert signal_on(watch, bars, day) == known
    assert signal_on(watch, [*bars[: place + 1], *later[place + 1 :]], day) == known
    assert known is None or known.day == day


@pytest.mark.parametrize("watch", WATCHES)
def test_lively_bars_have_signals_of_every_kind(watch: Watch) -> None:
    """Or the test above would compare nothing with nothing."""
    bars = lively_bars(1)
    assert sum(signal_on(watch, bars, bar.day) is not None for bar in bars) >= 2


def lively_bars(seed: int) -> list[Bar]:
    """300 bars that rise and fall in waves, with a split among them and volumes of every size."""
    chance = Random(seed)
    bars = []
    for step, bar in enumerate(make_bars(300, seed=seed)):
        price = round(
            20_000 * (1 + 0.3 * math.sin(step / 17 + seed)) * (1 + max(step - 230, 0) / 50)
        ) + chance.randrange(50)
        bars.append(make_bar(bar.day, price, volume=int(10 ** chance.uniform(5, 7))))
    bars[200] = replace(bars[200], split_ratio=0.5)
    return bars


@pytest.mark.parametrize("watch", WATCHES)
def test_too_few_bars_have_no_signal(watch: Watch) -> None:
    for count in range(1, 15):
        assert watch(make_bars(count)) is None
    assert watch([]) is None
    assert signal_on(watch, make_bars(300), sessions_until(LAST_DAY, 400)[0]) is None


def test_recorded_bars_have_the_signals_that_a_second_reckoning_finds() -> None:
    """Volume surges of every issue in 33 recorded sessions, reckoned by polars; RSI and the rest need no more."""
    frame = pl.read_parquet(sample("krx/marcap-2026_part_20260102-20260220.parquet")).sort("Code", "Date")
    frame = frame.with_columns(pl.col("Date").cast(pl.Date)).filter(pl.col("Volume") > 0, pl.col("Open") > 0)
    mean = pl.col("Volume").shift(1).rolling_mean(20).over("Code")
    before = pl.col("Close").shift(1).over("Code")
    wanted = frame.filter(pl.col("Volume") >= 3 * mean, pl.col("Close") != before)
    expected = {(code, day) for code, day in wanted.select("Code", "Date").iter_rows()}
    found = set()
    for (code,), rows in frame.group_by("Code"):
        bars = [
            Bar(
                day=row["Date"],
                open=int(row["Open"]),
                high=int(row["High"]),
                low=int(row["Low"]),
                close=int(row["Close"]),
                volume=int(row["Volume"]),
                value=int(row["Amount"]),
            )
            for row in rows.iter_rows(named=True)
        ]
        found |= {(code, bars[place].day) for place, _ in days_with(volume_surge, bars)}
    assert found == expected
    assert 100 < len(found) < frame.height / 20
