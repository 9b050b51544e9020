"""Prices: a daily bar and a quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One raw daily bar: prices and `value` in won, `volume` in shares.

    `split_ratio` is reference price / previous close where the exchange re-based the price that day.
    """

    day: date
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    split_ratio: float | None = None

    @property
    def traded(self) -> bool:
        """Whether anything was traded; a halted day repeats the last close and has no open."""
        return self.volume > 0 and self.open > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MinuteBar:
    """One minute with a trade in it: prices and `value` in won, `volume` in shares. `at` is when the minute began.

    The closing auction is the minute of the close itself. `sampled` says that the bar was made of two looks at the
    price, so that its high and low are only what those saw; a true bar takes its place when one is had.
    """

    at: datetime
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    sampled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """The price of a stock now. Prices, `value` and `market_cap` in won, `volume` in shares.

    `at` is the aware UTC time the price stood; `source` says where it is from ("KIS", "daily bar").
    """

    code: str
    price: int
    change: int
    change_percent: float
    volume: int
    value: int
    at: datetime
    source: str
    open: int | None = None
    high: int | None = None
    low: int | None = None
    high_52w: int | None = None
    low_52w: int | None = None
    market_cap: int | None = None
    per: float | None = None
    pbr: float | None = None


def adjusted(bars: Sequence[Bar]) -> list[Bar]:
    """The bars (oldest first) with prices before each re-basing put on today's scale, rounded to won."""
    factor, scaled = 1.0, []
    for bar in reversed(bars):
        scaled.append(_scale(bar, factor))
        if bar.split_ratio:
            factor *= bar.split_ratio
    return scaled[::-1]


def _scale(bar: Bar, factor: float) -> Bar:
    if factor == 1.0:
        return bar
    open_, high, low, close = (round(price * factor) for price in (bar.open, bar.high, bar.low, bar.close))
    return replace(bar, open=open_, high=high, low=low, close=close, volume=round(bar.volume / factor))
