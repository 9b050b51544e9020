"""What was traded after the close.

Until 2026-09-11 that was the single-price session, which KIS tells day by day. Since then the after-market trades
through the regular price: what the day's volume has grown by since the regular close was traded after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Calendar, hours_on
from core.db import copy_upsert
from core.kis.overtime import OvertimeDay
from core.kis.rows import Rejected
from core.market.asking import Answers, ask_each
from core.market.bar import Quote
from core.market.coverage import settled_at
from core.market.models import DailyPriceRow, OvertimePriceRow
from core.market.queries import last_bars
from core.services import Services
from core.sources.service import quarantine, record_success

SOURCE: Final = "kis_overtime"
"""The source, as `/health` names it."""

SINGLE_PRICE: Final = "single_price"
_DAY: Final = tuple(OvertimeDay.__slots__)
_OF_NO_ACCOUNT: Final = 10_000
"""A growth of the volume by less than this part of it, at the same price, is none."""

Days = tuple[tuple[OvertimeDay, ...], tuple[Rejected, ...]]


async def ask(services: Services, codes: Sequence[str], *, day: date) -> Answers[Days]:
    """What was traded after hours, by the session in force on `day`: thirty days, or that day alone."""
    if hours_on(day).after_hours_kind == SINGLE_PRICE:
        return await ask_each(services, SOURCE, codes, services.kis.overtime)
    async with services.db.read() as conn:
        closes = await _regular(conn, codes, day, settled=settled_at(services.calendar, day))

    async def since_close(code: str) -> Days:
        return (await _after_market(services, code, day, *closes[code])), ()

    return await ask_each(services, SOURCE, [code for code in codes if code in closes], since_close)


async def store(services: Services, conn: AsyncConnection, answers: Answers[Days]) -> None:
    """Keep what was traded, each day under the kind of session it was."""
    at = services.clock.now()
    await _store(conn, [(code, day) for code, (days, _) in answers.found.items() for day in days], at=at)
    await quarantine(conn, SOURCE, (row for _, bad in answers.found.values() for row in bad), at=at)
    await record_success(conn, SOURCE, items=len(answers.found), at=at, services=services)


async def _store(conn: AsyncConnection, days: Sequence[tuple[str, OvertimeDay]], *, at: datetime) -> None:
    rows = [
        (code, hours_on(day.day).after_hours_kind, *(getattr(day, name) for name in _DAY), "KIS", at)
        for code, day in days
    ]
    if rows:
        columns = ("code", "kind", *_DAY, "source", "fetched_at")
        await copy_upsert(conn, OvertimePriceRow, columns, rows, key=("code", "day"))


async def known_overtime(conn: AsyncConnection, code: str, *, day: date) -> OvertimeDay | None:
    """What was traded of a stock after the close of session `day`, if that is known."""
    columns = [getattr(OvertimePriceRow, name) for name in _DAY]
    query = select(*columns).where(OvertimePriceRow.code == code, OvertimePriceRow.day == day)
    row = (await conn.execute(query)).one_or_none()
    return OvertimeDay(**row._mapping) if row else None


async def _regular(
    conn: AsyncConnection, codes: Sequence[str], day: date, *, settled: datetime
) -> dict[str, tuple[int, int, int]]:
    """Close, volume and value of the regular session of `day`, of the stocks whose bar was read once it was settled."""
    columns = (DailyPriceRow.code, DailyPriceRow.close, DailyPriceRow.volume, DailyPriceRow.value)
    known = DailyPriceRow.day == day, DailyPriceRow.code.in_(codes), DailyPriceRow.fetched_at >= settled
    rows = await conn.execute(select(*columns).where(*known))
    return {row.code: (row.close, row.volume, row.value) for row in rows}


async def _after_market(
    services: Services, code: str, day: date, close: int, volume: int, value: int
) -> tuple[OvertimeDay, ...]:
    traded = traded_since(await services.kis.quote(code), day=day, close=close, volume=volume, value=value)
    return (traded,) if traded else ()


def traded_since(quote: Quote, *, day: date, close: int, volume: int, value: int) -> OvertimeDay | None:
    """What was traded after the regular close of `day`, by a quote taken after it and the regular session's figures.

    KIS's two services differ by a few shares at times, which are no trade.
    """
    traded, worth, change = quote.volume - volume, quote.value - value, quote.price - close
    if traded <= 0 or worth <= 0 or (not change and traded * _OF_NO_ACCOUNT < volume):
        return None
    return OvertimeDay(day=day, price=quote.price, change=change, volume=traded, value=worth, close=close)


async def regular_quote(conn: AsyncConnection, quote: Quote, calendar: Calendar, *, day: date, at: datetime) -> Quote:
    """A quote taken after the close of `day` as it stood at that close; what was traded since is kept apart.

    Unchanged for a day without an after-market that trades through the regular price, or whose bar is not known.
    """
    if hours_on(day).after_hours_kind == SINGLE_PRICE:
        return quote
    regular = (await _regular(conn, [quote.code], day, settled=settled_at(calendar, day))).get(quote.code)
    if regular is None:
        return quote
    close, volume, value = regular
    traded = traded_since(quote, day=day, close=close, volume=volume, value=value)
    if traded is None:
        return quote
    await _store(conn, [(quote.code, traded)], at=at)
    base, change = quote.price - quote.change, quote.change - traded.change
    bar = (await last_bars(conn, [quote.code], count=1))[quote.code][-1]
    return replace(
        quote,
        price=close,
        change=change,
        change_percent=round(change / base * 100, 2) if base else 0.0,
        volume=volume,
        value=value,
        open=bar.open or None,
        high=bar.high or None,
        low=bar.low or None,
    )
