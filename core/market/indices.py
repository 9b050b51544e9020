"""Indices and sectors: now, and session by session."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.errors import Malformed
from core.kis.index import IndexBar, IndexChart, IndexQuote
from core.market.asking import Answers, ask_each
from core.market.coverage import first_session
from core.market.models import IndexDailyPriceRow, IndexQuoteRow
from core.services import Services
from core.sources.chain import Found, Link, first_of
from core.sources.service import quarantine, record_success
from core.stocks.stock import Market

NOW: Final = "kis_index"
DAILY: Final = "kis_index_daily"
"""The sources, as `/health` names them."""

MAIN: Final = ("0001", "1001", "2001")
"""KOSPI, KOSDAQ and KOSPI 200."""

SECTORS: Final = tuple(f"{number:04d}" for number in (*range(2, 28), *range(1002, 1030)))
"""Sizes and sectors of both boards; a number the exchange does not use is answered with nothing."""

OF_MARKET: Final = {Market.KOSPI: "0001", Market.KOSDAQ: "1001"}
"""The index that a stock of a board is compared with."""

CHART: Final = "KIS 차트"
LIST: Final = "KIS 일자별"
"""The services that tell an index day by day, as they are stored with its rows."""

_AGAIN: Final = 45
"""Sessions that are asked again each time, a page of the chart: what could not be read then or was corrected since is
mended by it, and no call is added."""

_BACKFILL: Final = timedelta(days=400)
_QUOTE: Final = tuple(IndexQuote.__slots__)
_BAR: Final = tuple(IndexBar.__slots__)


async def ask_now(services: Services, codes: Sequence[str]) -> Answers[IndexQuote]:
    """These indices now."""
    return await ask_each(services, NOW, codes, services.kis.index)


async def store_now(services: Services, conn: AsyncConnection, answers: Answers[IndexQuote]) -> None:
    """Keep these as the newest, standing at the close outside a session."""
    now = services.clock.now()
    stands = min(now, services.calendar.closes(services.calendar.latest_session(now)))
    rows = [
        tuple(min(quote.at, stands) if name == "at" else getattr(quote, name) for name in _QUOTE)
        for quote in answers.found.values()
    ]
    if rows:
        await copy_upsert(conn, IndexQuoteRow, _QUOTE, rows, key=("code",), unless="t.at > excluded.at")
    await record_success(conn, NOW, items=len(rows), at=now, services=services)


async def known_indices(conn: AsyncConnection, codes: Sequence[str]) -> dict[str, IndexQuote]:
    """The kept state of these indices."""
    columns = [getattr(IndexQuoteRow, name) for name in _QUOTE]
    rows = await conn.execute(select(*columns).where(IndexQuoteRow.code.in_(codes)))
    return {row.code: IndexQuote(**row._mapping) for row in rows}


async def ask_daily(services: Services, codes: Sequence[str]) -> Answers[Found[IndexChart]]:
    """The last closed sessions of each index; a year and more of one that has none.

    The chart is asked, which serves every key and names its range; where it fails, the daily list.
    """
    calendar = services.calendar
    last = calendar.last_closed_session(services.clock.now())
    again = first_session(calendar, last, _AGAIN)
    newest = select(IndexDailyPriceRow.code, func.max(IndexDailyPriceRow.day).label("day"))
    async with services.db.read() as conn:
        have = {row.code: row.day for row in await conn.execute(newest.group_by(IndexDailyPriceRow.code))}

    async def ask(code: str) -> Found[IndexChart]:
        since = min(again, have.get(code, last - _BACKFILL))
        links = [Link(source=CHART, ask=lambda: _read(services.kis.index_chart(code, since, last)))]
        if not services.settings.kis.paper:
            links.append(Link(source=LIST, ask=lambda: _read(services.kis.index_list(code, since, last))))
        return await first_of(links, at=services.clock.now())

    return await ask_each(services, DAILY, codes, ask)


async def _read(asked: Awaitable[IndexChart]) -> IndexChart:
    chart = await asked
    if chart.rejected and not chart.bars:
        raise Malformed(f"KIS: no readable session of an index: {chart.rejected[0].reason}")
    return chart


async def store_daily(services: Services, conn: AsyncConnection, answers: Answers[Found[IndexChart]]) -> int:
    """Keep these sessions; returns how many were new or changed."""
    at = services.clock.now()
    charts = [found.value for found in answers.found.values()]
    rows = [
        (code, *(getattr(bar, name) for name in _BAR), found.source, at)
        for code, found in answers.found.items()
        for bar in found.value.bars
    ]
    columns = ("code", *_BAR, "source", "fetched_at")
    written = await copy_upsert(conn, IndexDailyPriceRow, columns, rows, key=("code", "day")) if rows else 0
    await quarantine(conn, DAILY, (row for chart in charts for row in chart.rejected), at=at)
    await record_success(conn, DAILY, items=sum(1 for chart in charts if chart.bars), at=at, services=services)
    return written


async def index_bars_until(conn: AsyncConnection, code: str, *, day: date, limit: int) -> list[IndexBar]:
    """The newest `limit` sessions of an index up to and including `day`, oldest first."""
    columns = [getattr(IndexDailyPriceRow, name) for name in _BAR]
    query = select(*columns).where(IndexDailyPriceRow.code == code, IndexDailyPriceRow.day <= day)
    rows = await conn.execute(query.order_by(IndexDailyPriceRow.day.desc()).limit(limit))
    return [IndexBar(**row._mapping) for row in rows][::-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Breadth:
    """How many stocks rose, stood and fell, over the boards whose indices are known."""

    rising: int
    unchanged: int
    falling: int


def breadth_of(quotes: Sequence[IndexQuote]) -> Breadth:
    """The breadth of the boards together."""
    return Breadth(
        rising=sum(quote.rising for quote in quotes),
        unchanged=sum(quote.unchanged for quote in quotes),
        falling=sum(quote.falling for quote in quotes),
    )
