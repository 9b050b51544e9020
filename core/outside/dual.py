"""The same day told by two sources: compared after the close, the differences kept and told, nothing stored twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.alert import Alert, AlertKind, Facts
from core.delivery.service import tell_admins
from core.market.service import DAILY
from core.services import Services
from core.sources.compare import EXACT, Compared, Tolerance, compare, store_comparison

KIND: Final = "daily_bars"
MULTI: Final = "kis_multi"
TOLERANCES: Final[Mapping[str, Tolerance]] = MappingProxyType(
    {"open": EXACT, "high": EXACT, "low": EXACT, "close": EXACT, "volume": Tolerance(share=0.02)}
)
"""Prices of a session are what they are; its volume goes on growing a little by trades at the closing price."""

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

_BARS: Final = "SELECT code, open, high, low, close, volume FROM daily_price WHERE day = :day"
_QUOTES: Final = (
    "SELECT code, open, high, low, price AS close, volume FROM quote q WHERE at >= :closes AND at < :ends "
    "AND EXISTS (SELECT FROM daily_price d WHERE d.code = q.code AND d.day >= :before AND d.day <= :day)"
)
"""Of the quotes after the close those of stocks whose bars are collected: the others have nothing to be compared to."""


async def compare_bars(services: Services, begin: Begin) -> Compared | None:
    """Compare the bars of the last closed session with the prices that stood after its close, once all are in.

    Admins are told once a day where they differ. None where one of the two is not there at all.
    """
    at = services.clock.now()
    day = services.calendar.last_closed_session(at)
    asked = {
        "day": day,
        "before": services.calendar.previous_session(day),
        "closes": services.calendar.closes(day),
        "ends": services.calendar.opens(services.calendar.next_session(day)),
    }
    async with services.db.read() as conn:
        bars, quotes = await _rows(conn, _BARS, {"day": day}), await _rows(conn, _QUOTES, asked)
    if not bars or not quotes:
        return None
    # A bar of a stock without a quote after the close is no difference: the sweep may have missed it.
    found = compare({code: bars[code] for code in bars.keys() & quotes.keys()}, quotes, tolerances=TOLERANCES)
    async with begin() as conn:
        await store_comparison(conn, KIND, day, DAILY, MULTI, found, at=at)
        if not found.same:
            await tell_admins(services, conn, alert_of(day, found))
    return found


def alert_of(day: date, found: Compared) -> Alert:
    """What admins are told of a day on which two sources differ."""
    first = found.differences[0]
    said = f"{first.key} {first.field} {first.first} / {first.second}" if first.field else first.key
    facts: Facts = {
        "what": KIND,
        "day": day.isoformat(),
        "first": DAILY,
        "second": MULTI,
        "compared": found.compared,
        "differing": found.differing,
        "missing": found.only_first + found.only_second,
        "example": said[:200],
    }
    return Alert(kind=AlertKind.SOURCES_DIFFER, key=f"compared:{KIND}:{day}", facts=facts)


async def _rows(conn: AsyncConnection, query: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = (await conn.execute(text(query), values)).mappings()
    return {row["code"]: {name: row[name] for name in TOLERANCES} for row in found}
