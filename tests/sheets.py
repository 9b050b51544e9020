"""Builders of bars, quotes and fact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from random import Random
from typing import Any

from core.clock import Calendar, Phase
from core.market.bar import Bar, Quote
from core.prediction.fact import Evidence, Fact, FactSheet, numbered
from core.prediction.price_facts import price_facts, prices_of
from core.stocks.stock import Market, Stock

CALENDAR = Calendar()
LAST_DAY = date(2026, 2, 20)
SAMSUNG = Stock(code="005930", name="삼성전자", market=Market.KOSPI, shares=5_919_637_922)


def sessions_until(day: date, count: int) -> list[date]:
    """The `count` sessions that end with the session `day`, oldest first."""
    days = [day]
    while len(days) < count:
        days.append(CALENDAR.previous_session(days[-1]))
    return days[::-1]


def make_bar(day: date, close: int, **changes: Any) -> Bar:
    """A traded bar around `close`."""
    values: dict[str, Any] = {
        "open": close,
        "high": close + close // 100,
        "low": close - close // 100,
        "volume": 1_000_000,
        "value": close * 1_000_000,
    }
    return Bar(day=day, close=close, **values | changes)


def make_bars(count: int, *, last: date = LAST_DAY, seed: int = 1, start: int = 70_000) -> list[Bar]:
    """`count` bars of a random walk that end on `last`."""
    chance, close, bars = Random(seed), start, []
    for day in sessions_until(last, count):
        close = max(round(close * (1 + chance.gauss(0, 0.02))), 100)
        bars.append(make_bar(day, close, volume=chance.randrange(500_000, 2_000_000)))
    return bars


def make_quote(at: datetime, price: int = 70_000, **changes: Any) -> Quote:
    """A live quote."""
    values: dict[str, Any] = {
        "code": SAMSUNG.code,
        "change": 700,
        "change_percent": 1.01,
        "volume": 12_345_678,
        "value": 864_197_460_000,
        "source": "KIS",
    }
    return Quote(price=price, at=at, **values | changes)


def make_sheet(
    bars: Sequence[Bar] | None = None, *, extra: Sequence[Fact] = (), evidence: Sequence[Evidence] = (), **changes: Any
) -> FactSheet:
    """The sheet of daily bars alone, just after the close of the last one."""
    prices = prices_of(make_bars(150) if bars is None else bars, None, CALENDAR)
    assert prices is not None
    values: dict[str, Any] = {
        "stock": SAMSUNG,
        "as_of": prices.base_at,
        "phase": Phase.AFTER_CLOSE,
        "base_price": prices.base_price,
        "base_at": prices.base_at,
        "band": prices.band,
        "facts": numbered([*price_facts(prices, live_shares=None), *extra]),
        "evidence": tuple(evidence),
        "bars": prices.bars,
    }
    return FactSheet(**values | changes)
