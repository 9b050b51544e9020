"""SQL over daily bars and quotes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.market.bar import Bar, Quote
from core.market.models import DailyCoverageRow, DailyPriceRow, QuoteRow

_BAR = tuple(Bar.__slots__)
_BAR_COLUMNS = [getattr(DailyPriceRow, name) for name in _BAR]
_QUOTE = tuple(Quote.__slots__)
_DETAILS = ("high_52w", "low_52w", "market_cap", "per", "pbr")
_SWEPT = tuple(name for name in _QUOTE if name not in _DETAILS)
_QUOTE_COLUMNS = [getattr(QuoteRow, name) for name in _QUOTE]


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """The days [since, until] of one stock that were asked for and answered, and the newest bar that came."""

    since: date
    until: date
    newest: date | None


async def store_bars(conn: AsyncConnection, code: str, bars: Iterable[Bar], *, source: str, at: datetime) -> int:
    """Write the raw bars of a known stock, replacing those of the same days; returns how many were written.

    `at` is when they were read from `source`.
    """
    columns = ("code", *_BAR, "source", "fetched_at")
    rows = [(code, *(getattr(bar, name) for name in _BAR), source, at) for bar in bars]
    return await copy_upsert(conn, DailyPriceRow, columns, rows, key=("code", "day")) if rows else 0


async def bars_until(conn: AsyncConnection, code: str, *, day: date, limit: int) -> list[Bar]:
    """The newest `limit` bars up to and including `day`, oldest first."""
    query = select(*_BAR_COLUMNS).where(DailyPriceRow.code == code, DailyPriceRow.day <= day)
    rows = await conn.execute(query.order_by(DailyPriceRow.day.desc()).limit(limit))
    return [_bar(row) for row in rows][::-1]


async def get_coverage(conn: AsyncConnection, code: str) -> Coverage | None:
    """The days covered, None if the stock was never asked about."""
    newest = select(func.max(DailyPriceRow.day)).where(DailyPriceRow.code == code).scalar_subquery()
    query = select(DailyCoverageRow.since, DailyCoverageRow.until, newest.label("newest"))
    row = (await conn.execute(query.where(DailyCoverageRow.code == code))).one_or_none()
    return Coverage(since=row.since, until=row.until, newest=row.newest) if row else None


async def cover(conn: AsyncConnection, code: str, *, since: date, until: date) -> None:
    """Note that [since, until], which touches what was covered before, is covered too."""
    statement = insert(DailyCoverageRow).values(code=code, since=since, until=until)
    widened = {
        "since": func.least(DailyCoverageRow.since, statement.excluded.since),
        "until": func.greatest(DailyCoverageRow.until, statement.excluded.until),
    }
    await conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_=widened))


async def store_quote(conn: AsyncConnection, quote: Quote) -> None:
    """Keep the quote of a known stock, with all that belongs to it, unless a newer one is kept."""
    values = {name: getattr(quote, name) for name in _QUOTE} | {"details_at": quote.at}
    statement = insert(QuoteRow).values(**values)
    newer = QuoteRow.at <= statement.excluded.at
    await conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_=values, where=newer))


async def store_swept(conn: AsyncConnection, quotes: Iterable[Quote]) -> None:
    """Keep prices that came without ranges, value and ratios, which stay as they are kept; newer prices stay too."""
    rows = [tuple(getattr(quote, name) for name in _SWEPT) for quote in quotes]
    if rows:
        await copy_upsert(conn, QuoteRow, _SWEPT, rows, key=("code",), unless="t.at > excluded.at")


async def whole_quote(conn: AsyncConnection, code: str, *, since: datetime, details_since: datetime) -> Quote | None:
    """The kept quote if its price stood at `since` or later and the rest of it was told at `details_since` or later."""
    known = QuoteRow.code == code, QuoteRow.at >= since, QuoteRow.details_at >= details_since
    row = (await conn.execute(select(*_QUOTE_COLUMNS).where(*known))).one_or_none()
    return Quote(**row._mapping) if row else None


async def stored_quotes(conn: AsyncConnection, codes: Sequence[str]) -> dict[str, Quote]:
    """The kept quotes of these codes."""
    rows = await conn.execute(select(*_QUOTE_COLUMNS).where(QuoteRow.code.in_(codes)))
    return {row.code: Quote(**row._mapping) for row in rows}


async def last_bars(conn: AsyncConnection, codes: Sequence[str], *, count: int) -> dict[str, list[Bar]]:
    """The newest `count` bars of each of these codes, oldest first; codes without a bar are left out."""
    rows = await conn.execute(
        text(
            f"SELECT asked.code, {', '.join(f'bar.{name}' for name in _BAR)} FROM unnest(CAST(:codes AS text[])) "
            "AS asked(code) CROSS JOIN LATERAL (SELECT * FROM daily_price WHERE code = asked.code "
            "ORDER BY day DESC LIMIT :count) AS bar ORDER BY bar.day"
        ),
        {"codes": list(codes), "count": count},
    )
    found: dict[str, list[Bar]] = {}
    for row in rows:
        found.setdefault(row.code, []).append(_bar(row))
    return found


def _bar(row: Row[Any]) -> Bar:
    return Bar(**{name: getattr(row, name) for name in _BAR})
