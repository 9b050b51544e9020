"""Signals: what a day's bar says together with those before it. Pure, and of the last bar alone.

A signal is found on the day it comes about and not again while it lasts, except a new high, which is new each time.
Bars are adjusted and oldest first; days without a trade are left out, and a last day without one has no signal.
Nothing after the last bar is looked at, so the signals of a day never change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Final

from core.market.bar import Bar, adjusted
from core.prediction.forecast import Direction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORT_AVERAGE: Final = 20
LONG_AVERAGE: Final = 60
"""The moving averages whose crossing is a signal, in sessions."""

RSI_LENGTH: Final = 14
OVERSOLD, OVERBOUGHT = 30.0, 70.0

SURGE: Final = 3.0
"""A volume this many times the mean of the `SURGE_OVER` sessions before is a surge."""
SURGE_OVER: Final = 20

YEAR: Final = timedelta(days=365)
LEAST_OF_A_YEAR: Final = 230
"""Fewer sessions than this cannot tell a 52-week high."""

STREAK: Final = 5
"""Sessions in a row, on the same side, that make a streak of flows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """What was found on `day`, where it points, and the figures that made it: won, RSI points, or a ratio."""

    day: date
    direction: Direction
    figures: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetBuying:
    """What foreigners and institutions bought net of one stock in one session, in won."""

    day: date
    foreigners: int
    institutions: int


Watch = Callable[[Sequence[Bar]], Signal | None]


def signal_on(watch: Watch, raw: Sequence[Bar], day: date) -> Signal | None:
    """What `watch` finds on `day` in raw bars, oldest first; later ones are not looked at. None without a bar of it."""
    known = [bar for bar in raw if bar.day <= day]
    return watch(adjusted(known)) if known and known[-1].day == day else None


def golden_cross(bars: Sequence[Bar]) -> Signal | None:
    """The short average crosses the long one: upwards (golden cross) or downwards (dead cross)."""
    traded = _traded(bars)
    if len(traded) <= LONG_AVERAGE:
        return None
    import talib

    closes = _closes(traded)
    short, long = talib.SMA(closes, SHORT_AVERAGE)[-2:], talib.SMA(closes, LONG_AVERAGE)[-2:]
    if short[0] <= long[0] and short[1] > long[1]:
        direction = Direction.UP
    elif short[0] >= long[0] and short[1] < long[1]:
        direction = Direction.DOWN
    else:
        return None
    return _signal(traded, direction, sma_20=round(float(short[1]), 1), sma_60=round(float(long[1]), 1))


def rsi(bars: Sequence[Bar]) -> Signal | None:
    """The relative strength index leaves the oversold zone upwards, or the overbought zone downwards."""
    traded = _traded(bars)
    if len(traded) <= RSI_LENGTH + 1:
        return None
    import talib

    before, now = (float(value) for value in talib.RSI(_closes(traded), RSI_LENGTH)[-2:])
    if before < OVERSOLD <= now:
        direction = Direction.UP
    elif before > OVERBOUGHT >= now:
        direction = Direction.DOWN
    else:
        return None
    return _signal(traded, direction, rsi_before=round(before, 1), rsi=round(now, 1))


def volume_surge(bars: Sequence[Bar]) -> Signal | None:
    """The volume is a multiple of the usual one, and the price has moved with it."""
    traded = _traded(bars)
    if len(traded) <= SURGE_OVER:
        return None
    last, before = traded[-1], traded[-2]
    ratio = last.volume / fmean(bar.volume for bar in traded[-1 - SURGE_OVER : -1])
    if ratio < SURGE or last.close == before.close or before.close <= 0:
        return None
    direction = Direction.UP if last.close > before.close else Direction.DOWN
    change = round((last.close / before.close - 1) * 100, 2)
    return _signal(traded, direction, volume_ratio=round(ratio, 2), change_percent=change)


def new_high(bars: Sequence[Bar]) -> Signal | None:
    """The price is higher than at any time in the 52 weeks before."""
    traded = _traded(bars)
    if not traded:
        return None
    last = traded[-1]
    highs = [bar.high for bar in traded[:-1] if bar.day >= last.day - YEAR]
    if len(highs) < LEAST_OF_A_YEAR or last.high <= max(highs):
        return None
    return _signal(traded, Direction.UP, high=last.high, high_before=max(highs))


def flow_streak(flows: Sequence[NetBuying]) -> Signal | None:
    """Foreigners and institutions together have bought, or sold, net for `STREAK` sessions; found when that is reached.

    `flows` are oldest first, one a session.
    """
    length = streak_of([flow.foreigners + flow.institutions for flow in flows])
    if abs(length) != STREAK:
        return None
    net = sum(flow.foreigners + flow.institutions for flow in flows[-STREAK:])
    direction = Direction.UP if length > 0 else Direction.DOWN
    return Signal(day=flows[-1].day, direction=direction, figures={"net_buying": net})


def streak_of(net: Sequence[int]) -> int:
    """How many sessions in a row were bought (positive) or sold (negative) up to the last one."""
    length = 0
    for amount in reversed(net):
        if not amount or (length and (amount > 0) != (length > 0)):
            break
        length += 1 if amount > 0 else -1
    return length


def _traded(bars: Sequence[Bar]) -> list[Bar]:
    """The days with a trade; none where the last day had no trade."""
    return [bar for bar in bars if bar.traded] if bars and bars[-1].traded else []


def _closes(bars: Sequence[Bar]) -> NDArray[np.float64]:
    import numpy as np

    return np.array([bar.close for bar in bars], dtype=np.float64)


def _signal(bars: Sequence[Bar], direction: Direction, **figures: float) -> Signal:
    return Signal(day=bars[-1].day, direction=direction, figures={"close": bars[-1].close} | figures)
