"""Technical indicators of daily bars, by TA-Lib, as they stood at the last bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import gt, lt, mul, truediv
from typing import TYPE_CHECKING, Any

from core.kis.index import IndexBar
from core.market.bar import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.float64]

AVERAGES = (5, 20, 60, 120)
"""Lengths of the moving averages, in sessions."""

EMAS = (12, 26)
"""Lengths of the exponential averages, in sessions."""

_CENTRED = [place - 9.5 for place in range(20)]
_SQUARES = sum(place * place for place in _CENTRED)
_SLOPES = [sum(_CENTRED[place:]) / _SQUARES for place in range(1, 20)]
"""What a step at each place but the first adds to the slope of a straight line through twenty, by least squares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicators:
    """Indicators at the last traded bar; None (or absent) where there are too few bars.

    `averages`, `exponential`, `macd*`, `atr` and `vwap` (of the last day) are won; `rsi` and `stochastic_*` are
    0-100; `bollinger` is 0 at the lower and 1 at the upper band (20 sessions, 2 σ); `obv_slope` is the trend of the
    on-balance volume over 20 sessions in average days' volume a session; `volume_ratio` is the last volume over the
    mean of the 20 before; `sigma` is the standard deviation of up to 20 daily log returns (at least 5).
    """

    averages: Mapping[int, float] = field(default_factory=dict)
    exponential: Mapping[int, float] = field(default_factory=dict)
    rsi: float | None = None
    macd: float | None = None
    macd_signal: float | None = None
    bollinger: float | None = None
    atr: float | None = None
    stochastic_k: float | None = None
    stochastic_d: float | None = None
    obv_slope: float | None = None
    volume_ratio: float | None = None
    vwap: float | None = None
    sigma: float | None = None
    support: int | None = None
    resistance: int | None = None


def indicators(bars: Sequence[Bar]) -> Indicators:
    """The indicators of adjusted bars, oldest first; days without a trade are left out."""
    traded = [bar for bar in bars if bar.traded]
    if len(traded) < 2:
        return Indicators()
    import numpy as np

    rows = np.array([(bar.close, bar.high, bar.low, bar.volume, bar.value) for bar in traded], dtype=np.float64)
    closes, highs, lows, volumes, values = np.ascontiguousarray(rows.T)
    return of_series(closes, highs, lows, volumes, values)


def of_series(closes: Series, highs: Series, lows: Series, volumes: Series, values: Series) -> Indicators:
    """The indicators of two days or more with a trade, oldest first: won and shares as contiguous floats."""
    # The functions behind talib's own, which ask first whether they were given pandas or polars. Those that look
    # back a fixed number of days are given no more, and sums of a few numbers are faster in Python than in numpy.
    from talib import _ta_lib

    talib: Any = _ta_lib

    tail, lately, count = closes[-AVERAGES[-1] :].tolist(), volumes[-21:].tolist(), len(closes)
    macd, signal, _ = talib.MACD(closes, 12, 26, 9)
    stochastic_k, stochastic_d = talib.STOCH(highs[-18:], lows[-18:], closes[-18:], 14, 3, 0, 3, 0)
    return Indicators(
        averages={length: sum(tail[-length:]) / length for length in AVERAGES if length <= count},
        exponential={length: talib.EMA(closes, length).item(-1) for length in EMAS if length <= count},
        rsi=_last(talib.RSI(closes, 14)),
        macd=_last(macd),
        macd_signal=_last(signal),
        bollinger=_bollinger(tail[-20:]),
        atr=_last(talib.ATR(highs, lows, closes, 14)),
        stochastic_k=_last(stochastic_k),
        stochastic_d=_last(stochastic_d),
        obv_slope=_obv_slope(tail[-20:], lately[-20:]),
        volume_ratio=_volume_ratio(lately),
        vwap=_vwap(highs.item(-1), lows.item(-1), lately[-1], values.item(-1)),
        sigma=_sigma(tail[-21:]),
        support=int(min(lows[-20:].tolist())) if count >= 20 else None,
        resistance=int(max(highs[-20:].tolist())) if count >= 20 else None,
    )


def relative_strength(bars: Sequence[Bar], index: Sequence[IndexBar], sessions: int) -> float | None:
    """How many percent points the price gained more than the index over the last `sessions` sessions.

    Both are oldest first, the bars adjusted; None where they do not end and begin with the same days.
    """
    if len(bars) <= sessions or len(index) <= sessions:
        return None
    now, before, index_now, index_before = bars[-1], bars[-1 - sessions], index[-1], index[-1 - sessions]
    if (now.day, before.day) != (index_now.day, index_before.day) or before.close <= 0:
        return None
    return (now.close / before.close - index_now.close / index_before.close) * 100


def _last(series: Series) -> float | None:
    value = series.item(-1)
    return None if value != value else value


def _bollinger(closes: list[float]) -> float | None:
    """Where the last of twenty stands between two standard deviations below and above their mean."""
    deviation = _root_of_squares(closes) / math.sqrt(20)
    if len(closes) < 20 or not deviation:
        return None
    return (closes[-1] - sum(closes) / 20) / (4 * deviation) + 0.5


def _root_of_squares(values: list[float]) -> float:
    """The root of the summed squares of how far values are from their mean."""
    return math.dist(values, [sum(values) / len(values)] * len(values))


def _obv_slope(closes: list[float], volumes: list[float]) -> float | None:
    """The slope of the on-balance volume over twenty: each volume is a step up where the price rose, down where it
    fell."""
    if len(volumes) < 20:
        return None
    steps = list(map(mul, _SLOPES, volumes[1:]))
    slope: float = sum(compress(steps, map(gt, closes[1:], closes))) - sum(compress(steps, map(lt, closes[1:], closes)))
    return slope * 20 / sum(volumes)


def _volume_ratio(volumes: list[float]) -> float | None:
    return volumes[-1] * 20 / sum(volumes[-21:-1]) if len(volumes) > 20 else None


def _vwap(high: float, low: float, volume: float, value: float) -> float | None:
    """The average price of the last day; None where turnover and volume do not belong to its prices."""
    average = value / volume
    return average if low <= average <= high else None


def _sigma(closes: list[float]) -> float | None:
    if len(closes) < 6:
        return None
    returns = list(map(math.log, map(truediv, closes[1:], closes)))
    return _root_of_squares(returns) / math.sqrt(len(returns) - 1)
