"""Technical indicators of daily bars, by TA-Lib, as they stood at the last bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.market.bar import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.float64]

AVERAGES = (5, 20, 60, 120)
"""Lengths of the moving averages, in sessions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicators:
    """Indicators at the last traded bar; None (or absent) where there are too few bars.

    `averages`, `macd*` and `atr` are won; `rsi` and `stochastic_*` are 0-100; `bollinger` is 0 at the lower
    and 1 at the upper band (20 sessions, 2 σ); `obv_slope` is the trend of the on-balance volume over 20
    sessions in average days' volume a session; `volume_ratio` is the last volume over the mean of the 20
    before; `sigma` is the standard deviation of up to 20 daily log returns (at least 5).
    """

    averages: Mapping[int, float] = field(default_factory=dict)
    rsi: float | None = None
    macd: float | None = None
    macd_signal: float | None = None
    bollinger: float | None = None
    atr: float | None = None
    stochastic_k: float | None = None
    stochastic_d: float | None = None
    obv_slope: float | None = None
    volume_ratio: float | None = None
    sigma: float | None = None
    support: int | None = None
    resistance: int | None = None


def indicators(bars: Sequence[Bar]) -> Indicators:
    """The indicators of adjusted bars, oldest first; days without a trade are left out."""
    traded = [bar for bar in bars if bar.traded]
    if len(traded) < 2:
        return Indicators()
    import numpy as np
    import talib

    closes, highs, lows, volumes = (
        np.array([getattr(bar, name) for bar in traded], dtype=np.float64)
        for name in ("close", "high", "low", "volume")
    )
    macd, signal, _ = talib.MACD(closes, 12, 26, 9)
    stochastic_k, stochastic_d = talib.STOCH(highs, lows, closes, fastk_period=14, slowk_period=3, slowd_period=3)
    averages = {length: _last(talib.SMA(closes, length)) for length in AVERAGES}
    recent = traded[-20:] if len(traded) >= 20 else []
    return Indicators(
        averages={length: average for length, average in averages.items() if average is not None},
        rsi=_last(talib.RSI(closes, 14)),
        macd=_last(macd),
        macd_signal=_last(signal),
        bollinger=_bollinger(talib, closes),
        atr=_last(talib.ATR(highs, lows, closes, 14)),
        stochastic_k=_last(stochastic_k),
        stochastic_d=_last(stochastic_d),
        obv_slope=_obv_slope(talib.OBV(closes, volumes), volumes),
        volume_ratio=_volume_ratio(volumes),
        sigma=_sigma(closes),
        support=min((bar.low for bar in recent), default=None),
        resistance=max((bar.high for bar in recent), default=None),
    )


def _last(series: Series) -> float | None:
    value = float(series[-1])
    return None if value != value else value


def _bollinger(talib: Any, closes: Series) -> float | None:
    upper, _, lower = (_last(band) for band in talib.BBANDS(closes, 20, 2, 2))
    if upper is None or lower is None or upper == lower:
        return None
    return (float(closes[-1]) - lower) / (upper - lower)


def _obv_slope(obv: Series, volumes: Series) -> float | None:
    import numpy as np

    if len(obv) < 20:
        return None
    slope = np.polynomial.polynomial.polyfit(np.arange(20.0), obv[-20:], 1)[1]
    return float(slope / volumes[-20:].mean())


def _volume_ratio(volumes: Series) -> float | None:
    return float(volumes[-1] / volumes[-21:-1].mean()) if len(volumes) > 20 else None


def _sigma(closes: Series) -> float | None:
    import numpy as np

    returns = np.diff(np.log(closes[-21:]))
    return float(returns.std(ddof=1)) if len(returns) >= 5 else None
