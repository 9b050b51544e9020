"""SQL over minutes: bars by COPY, the last look at each stock, and how far true minutes reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Text, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst_date
from core.db import copy_new, copy_upsert
from core.market.bar import MinuteBar
from core.market.minute import Sample
from core.market.models import MinuteCoverageRow, MinutePriceRow, MinuteSampleRow
from core.market.partitions import ensure_months

_BAR: Final = tuple(MinuteBar.__slots__)
_KEY: Final = ("code", "at")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrueMinutes:
    """The true minutes of a stock from `since` until those that began before `until`: all of them."""

    code: str
    bars: tuple[MinuteBar, ...]
    since: datetime
    until: datetime


async def store_minutes(conn: AsyncConnection, bars: Iterable[tuple[str, MinuteBar]]) -> int:
    """Write minutes by (code, bar), replacing those of the same minute, but never a true one by a sampled one.

    Returns how many were new or changed. Makes the month where it lacks.
    """
    rows: list[tuple[Any, ...]] = [
        (code, bar.at, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value, bar.sampled) for code, bar in bars
    ]
    if not rows:
        return 0
    first, last = min(row[1] for row in rows), max(row[1] for row in rows)
    await ensure_months(conn, {kst_date(moment).replace(day=1) for moment in (first, last)})
    columns = ("code", *_BAR)
    there = await _any_between(conn, {row[0] for row in rows}, first, last)
    # Where nothing is, as on a backfill, there is nothing to compare with: three times as fast.
    if not there and await copy_new(conn, MinutePriceRow, columns, rows):
        return len(rows)
    kept = "excluded.sampled AND NOT t.sampled"
    return await copy_upsert(conn, MinutePriceRow, columns, rows, key=_KEY, unless=kept)


async def _any_between(conn: AsyncConnection, codes: Collection[str], first: datetime, last: datetime) -> bool:
    here = MinutePriceRow.code == any_(literal(list(codes), ARRAY(Text)))
    query = select(MinutePriceRow.at).where(here, MinutePriceRow.at >= first, MinutePriceRow.at <= last)
    return (await conn.execute(query.limit(1))).first() is not None


async def store_true(conn: AsyncConnection, charts: Sequence[TrueMinutes]) -> int:
    """Write true minutes; sampled ones of the same time go, where nothing was traded too."""
    spans = {"codes": [], "sinces": [], "untils": []}  # type: dict[str, list[Any]]
    for chart in charts:
        spans["codes"].append(chart.code)
        spans["sinces"].append(chart.since)
        spans["untils"].append(chart.until)
    await conn.execute(
        text(
            "DELETE FROM minute_price AS bar USING unnest(CAST(:codes AS text[]), CAST(:sinces AS timestamptz[]), "
            "CAST(:untils AS timestamptz[])) AS span(code, since, until) WHERE bar.sampled AND bar.code = span.code "
            "AND bar.at >= span.since AND bar.at < span.until"
        ),
        spans,
    )
    return await store_minutes(conn, ((chart.code, bar) for chart in charts for bar in chart.bars))


async def minutes_between(conn: AsyncConnection, code: str, *, since: datetime, until: datetime) -> list[MinuteBar]:
    """The stored minutes that began in [since, until), oldest first."""
    columns = [getattr(MinutePriceRow, name) for name in _BAR]
    query = select(*columns).where(MinutePriceRow.code == code, MinutePriceRow.at >= since, MinutePriceRow.at < until)
    rows = await conn.execute(query.order_by(MinutePriceRow.at))
    return [MinuteBar(**row._mapping) for row in rows]


async def last_samples(conn: AsyncConnection) -> dict[str, Sample]:
    """The last look at every stock."""
    columns = [getattr(MinuteSampleRow, name) for name in Sample.__slots__]
    return {row.code: Sample(**row._mapping) for row in await conn.execute(select(*columns))}


async def store_samples(conn: AsyncConnection, samples: Iterable[Sample]) -> None:
    """Keep these looks as the last ones."""
    names = tuple(Sample.__slots__)
    rows = [tuple(getattr(sample, name) for name in names) for sample in samples]
    if rows:
        await copy_upsert(conn, MinuteSampleRow, names, rows, key=("code",))


async def covered_until(conn: AsyncConnection, day: date) -> dict[str, datetime]:
    """How far the true minutes of session `day` reach from its open, by code."""
    query = select(MinuteCoverageRow.code, MinuteCoverageRow.until).where(MinuteCoverageRow.day == day)
    return {row.code: row.until for row in await conn.execute(query)}


async def cover_minutes(conn: AsyncConnection, day: date, untils: Mapping[str, datetime]) -> None:
    """Note how far the true minutes of `day` reach now; never less far than before."""
    rows = [(code, day, until) for code, until in untils.items()]
    if rows:
        key = ("code", "day")
        await copy_upsert(
            conn, MinuteCoverageRow, ("code", "day", "until"), rows, key=key, unless="t.until >= excluded.until"
        )


async def forget_coverage(conn: AsyncConnection, *, before: date) -> None:
    """Forget how far minutes of old sessions reached."""
    await conn.execute(text("DELETE FROM minute_coverage WHERE day < :before"), {"before": before})
