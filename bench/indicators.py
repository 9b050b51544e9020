"""Every indicator of 2,700 stocks over 250 days, against a plain loop over the same TA-Lib functions."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import talib

from bench.timing import alternate, p, verdict
from core.prediction.indicators import of_series

STOCKS, DAYS, ROUNDS = 2_700, 250, 15


def _market() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(7)
    closes = np.round(10_000 * np.exp(np.cumsum(random.normal(0, 0.02, (STOCKS, DAYS)), axis=1)))
    highs = np.round(closes * (1 + np.abs(random.normal(0, 0.01, closes.shape))))
    lows = np.round(closes * (1 - np.abs(random.normal(0, 0.01, closes.shape))))
    volumes = np.round(np.exp(random.normal(12, 0.5, closes.shape)))
    rows: Any = (closes, highs, lows, volumes, volumes * closes)
    return list(zip(*rows, strict=True))


async def measure() -> None:
    """Print both times and their ratio."""
    market = _market()

    async def ours() -> None:
        for stock in market:
            of_series(*stock)

    async def plain() -> None:
        for closes, highs, lows, volumes, _ in market:
            for length in (5, 20, 60, 120):
                talib.SMA(closes, length)
            for length in (12, 26):
                talib.EMA(closes, length)
            talib.RSI(closes, 14)
            talib.MACD(closes, 12, 26, 9)
            talib.BBANDS(closes, 20, 2, 2)
            talib.ATR(highs, lows, closes, 14)
            talib.STOCH(highs, lows, closes, fastk_period=14, slowk_period=3, slowd_period=3)
            talib.OBV(closes, volumes)

    own, loop = await alternate(ours, plain, rounds=ROUNDS, warm_up=2)
    print(f"indicators of {STOCKS:,} x {DAYS}   p50 {p(own, 50):6.1f} ms")
    print(f"plain TA-Lib loop           p50 {p(loop, 50):6.1f} ms")
    print(verdict("indicators to a plain TA-Lib loop, p50", p(own, 50) / p(loop, 50), 1.2))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
