"""What of a stock's figures is worth telling. Pure; prices are won, volumes shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from statistics import fmean
from typing import Final

from core.kis.investors import NetTrading
from core.market.bar import Bar, Quote
from core.prediction.signals import LEAST_OF_A_YEAR, STREAK, SURGE, YEAR, streak_of

STEPS: Final = (3, 5, 10)
"""Percent from the previous close at which a price is told, up and down."""

EARLY: Final = 0.25
"""The least part of a usual day's volume that is expected: trade is heavy after the open, which is no surge."""

UNUSUAL: Final = 3.0
"""Net buying or selling this many times the mean size of the `USUAL_OVER` sessions before is unusual."""
USUAL_OVER: Final = 20


def steps_of(price: int, change: int) -> tuple[int, ...]:
    """The steps a price has reached from the previous close, the smallest first; negative below it. Exact."""
    before = price - change
    if before <= 0:
        return ()
    sign = 1 if change > 0 else -1
    return tuple(sign * step for step in STEPS if abs(change) * 100 >= step * before)


def surge_of(volume: int, mean: float | None, part: float) -> float | None:
    """How many times the usual volume by now this is, where it is a surge.

    `mean` is that of whole sessions, `part` the part of the session that has passed, 0 to 1.
    """
    if not mean:
        return None
    ratio = volume / (mean * min(max(part, EARLY), 1.0))
    return round(ratio, 1) if ratio >= SURGE else None


def part_passed(at: datetime, opens: datetime, closes: datetime) -> float:
    """The part of a session that has passed at `at`, 0 to 1."""
    return min(max((at - opens) / (closes - opens), 0.0), 1.0)


def rebased(quote: Quote, last_close: int) -> bool:
    """Whether today's prices are on another scale than the bars, by a split or a merger, or a bar is missing."""
    return quote.price - quote.change != last_close


def might_be_extreme(quote: Quote) -> bool:
    """Whether the price may have left its range of 52 weeks, as far as a quote tells; the bars decide."""
    high, low = quote.high or quote.price, quote.low or quote.price
    return quote.high_52w is None or quote.low_52w is None or high >= quote.high_52w or low <= quote.low_52w


def extreme_of(quote: Quote, bars: Sequence[Bar], today: date) -> tuple[str, int, int] | None:
    """The side ("high", "low") on which today's price has left the range of the 52 weeks before, how far it went and
    what stood before; None while it has not, or where the bars are too few to say. `bars` are adjusted, without today.
    """
    year = [bar for bar in bars if bar.traded and bar.day >= today - YEAR]
    if len(year) < LEAST_OF_A_YEAR:
        return None
    highest, lowest = max(bar.high for bar in year), min(bar.low for bar in year)
    high, low = max(quote.high or 0, quote.price), min(quote.low or quote.price, quote.price)
    if high > highest:
        return "high", high, highest
    return ("low", low, lowest) if 0 < low < lowest else None


def flow_of(days: Sequence[NetTrading]) -> tuple[int, float | None] | None:
    """What is worth telling of the last session's net buying by foreigners and institutions together: the signed
    length of a streak complete with it, else 0, and how many times the usual size it was, where that is unusual.

    `days` are oldest first. None where it is neither.
    """
    net = [day.foreign_value + day.institution_value for day in days]
    if not net:
        return None
    streak = length if abs(length := streak_of(net)) == STREAK else 0
    before = net[-1 - USUAL_OVER : -1]
    usual = fmean(map(abs, before)) if len(before) == USUAL_OVER else 0.0
    ratio = abs(net[-1]) / usual if usual else 0.0
    unusual = round(ratio, 1) if ratio >= UNUSUAL else None
    return (streak, unusual) if streak or unusual else None
