"""Minutes: longer bars made of them, and the minute that lies between two looks at a price. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from core.market.bar import MinuteBar, Quote

LENGTHS: Final = (5, 15, 30, 60)
"""Minutes of the longer bars that are made."""

MINUTE: Final = timedelta(minutes=1)
_FIRST_LOOK: Final = timedelta(minutes=2)
"""How long after the open a first look of the day still tells its first minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A look at a stock: price and the day's range in won, shares and won of the day until `at`."""

    code: str
    at: datetime
    price: int
    high: int
    low: int
    volume: int
    value: int


def resampled(bars: Sequence[MinuteBar], minutes: int) -> list[MinuteBar]:
    """Bars of `minutes` minutes (one of `LENGTHS`), oldest first as they come, each at the start of its time.

    A bar is there where a trade was; the auction at the close stands in a bar of its own. A longer bar is sampled
    when one of its minutes is. Raises `ValueError` for another length.
    """
    if minutes not in LENGTHS:
        raise ValueError(f"bars of {minutes} minutes: one of {LENGTHS} is expected")
    length = minutes * 60

    def start(bar: MinuteBar) -> datetime:
        # Seoul is whole hours away from UTC, so both count the same fives and hours.
        return bar.at - timedelta(seconds=bar.at.timestamp() % length)

    return [_merged(at, tuple(group)) for at, group in groupby(bars, key=start)]


def _merged(at: datetime, bars: Sequence[MinuteBar]) -> MinuteBar:
    return MinuteBar(
        at=at,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum(bar.volume for bar in bars),
        value=sum(bar.value for bar in bars),
        sampled=any(bar.sampled for bar in bars),
    )


def sample_of(quote: Quote) -> Sample | None:
    """The look that a quote is; None before the first trade of the day."""
    if not quote.volume or not quote.high or not quote.low:
        return None
    return Sample(
        code=quote.code,
        at=quote.at,
        price=quote.price,
        high=quote.high,
        low=quote.low,
        volume=quote.volume,
        value=quote.value,
    )


def minute_between(
    before: Sample | None, now: Sample, *, opened_with: int, at: datetime, opens: datetime
) -> MinuteBar | None:
    """The minute that began at `at`, told by two looks; None without a trade, or where the first look came too late.

    `before` is None, or of an earlier day, at the first look after the open (`opens`); the day then began with
    `opened_with`. A new high or low of the day fell into this minute.
    """
    first = before is None or before.at < opens
    if first and now.at - opens > _FIRST_LOOK:
        return None
    if before is None or first:
        before = Sample(
            code=now.code, at=opens, price=opened_with, high=opened_with, low=opened_with, volume=0, value=0
        )
    volume, value = now.volume - before.volume, now.value - before.value
    if volume <= 0 or value <= 0:
        return None
    high = now.high if now.high > before.high else max(before.price, now.price)
    low = now.low if now.low < before.low else min(before.price, now.price)
    return MinuteBar(
        at=at, open=before.price, high=high, low=low, close=now.price, volume=volume, value=value, sampled=True
    )


def volume_weighted(bars: Iterable[MinuteBar]) -> float | None:
    """The average price in won of everything traded in these minutes (VWAP); None where nothing was."""
    volume = value = 0
    for bar in bars:
        volume, value = volume + bar.volume, value + bar.value
    return value / volume if volume else None
