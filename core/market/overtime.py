"""What was traded after the close.

Until 2026-09-11 that was the single-price session, which KIS tells day by day. Since then the after-market trades
through the regular price: what the day's volume has grown by since the regular close was traded after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import hours_on
from core.db import copy_upsert
from core.kis.overtime import OvertimeDay
from core.kis.rows import Rejected
from core.market.asking import Answers, ask_each
from core.market.models import DailyPriceRow, OvertimePriceRow
from core.services import Services
from core.sources.service import quarantine, record_success

SOURCE: Final = "kis_overtime"
"""The source, as `/health` names it."""

SINGLE_PRICE: Final = "single_price"
Days = tuple[tuple[OvertimeDay, ...], tuple[Rejected, ...]]


async def ask(services: Services, codes: Sequence[str], *, day: date) -> Answers[Days]:
    """What was traded after hours, by the session in force on `day`: thirty days, or that day alone."""
    if hours_on(day).after_hours_kind == SINGLE_PRICE:
        return await ask_each(services, SOURCE, codes, services.kis.overtime)
    async with services.db.read() as conn:
        closes = await _regular(conn, codes, day)

    async def since_close(code: str) -> Days:
        return (await _after_market(services, code, day, *closes[code])), ()

    return await ask_each(services, SOURCE, [code for code in codes if code in closes], since_close)


async def store(services: Services, conn: AsyncConnection, answers: Answers[Days]) -> None:
    """Keep what was traded, each day under the kind of session it was."""
    at = services.clock.now()
    names = tuple(OvertimeDay.__slots__)
    rows = [
        (code, hours_on(day.day).after_hours_kind, *(getattr(day, name) for name in names), "KIS", at)
        for code, (days, _) in answers.found.items()
        for day in days
    ]
    columns = ("code", "kind", *names, "source", "fetched_at")
    if rows:
        await copy_upsert(conn, OvertimePriceRow, columns, rows, key=("code", "day"))
    await quarantine(conn, SOURCE, (row for _, bad in answers.found.values() for row in bad), at=at)
    await record_success(conn, SOURCE, items=len(answers.found), at=at, services=services)


async def known_overtime(conn: AsyncConnection, code: str, *, day: date) -> OvertimeDay | None:
    """What was traded of a stock after the close of session `day`, if that is known."""
    names = tuple(OvertimeDay.__slots__)
    columns = [getattr(OvertimePriceRow, name) for name in names]
    query = select(*columns).where(OvertimePriceRow.code == code, OvertimePriceRow.day == day)
    row = (await conn.execute(query)).one_or_none()
    return OvertimeDay(**row._mapping) if row else None


async def _regular(conn: AsyncConnection, codes: Sequence[str], day: date) -> dict[str, tuple[int, int, int]]:
    """Close, volume and value of the regular session of `day`, of the stocks whose bar is known."""
    columns = (DailyPriceRow.code, DailyPriceRow.close, DailyPriceRow.volume, DailyPriceRow.value)
    rows = await conn.execute(select(*columns).where(DailyPriceRow.day == day, DailyPriceRow.code.in_(codes)))
    return {row.code: (row.close, row.volume, row.value) for row in rows}


async def _after_market(
    services: Services, code: str, day: date, close: int, volume: int, value: int
) -> tuple[OvertimeDay, ...]:
    quote = await services.kis.quote(code)
    traded, worth = quote.volume - volume, quote.value - value
    if traded <= 0 or worth <= 0:
        return ()
    change = quote.price - close
    return (OvertimeDay(day=day, price=quote.price, change=change, volume=traded, value=worth, close=close),)
