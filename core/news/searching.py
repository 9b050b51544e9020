"""Searching for news by stock within a day's allowance, the followed stocks first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst, kst_date
from core.errors import QuotaExceeded, StockPilotError
from core.news.service import Begin, Crawled, crawl
from core.news.sources import Source
from core.services import Services
from core.sources.service import record_success

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=10)
MOST_AT_ONCE: Final = 400
"""Searches in one run, whatever the allowance: at two a second some three minutes."""
_BATCH: Final = 20
_TELLING: Final = 20
"""Searches from which on what they found together says how the service does."""
_SOON: Final = timedelta(minutes=1)
_TRIES: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """What a run brought. `asked` counts stocks searched for, `found` results; `left` calls that remain today."""

    asked: int = 0
    found: int = 0
    new: int = 0
    left: int = 0
    skipped: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A stock whose turn it is."""

    code: str
    name: str


def share_of(left: int, at: datetime) -> int:
    """How many calls a run at `at` may make so that `left` last until midnight in Seoul."""
    ends = kst(kst_date(at) + timedelta(days=1))
    return min(max(left, 0) // max((ends - at) // EVERY, 1), MOST_AT_ONCE)


async def search_stocks(services: Services, source: Source, *, begin: Begin | None = None) -> Searched:
    """Search for as many stocks as the allowance of the moment lets: watched ones every time, then those with
    priority, then the rest by turns, whoever waited longest first.

    Calls are counted before they are made, so that a crash cannot make more than a day allows. A key told that its day
    is spent is not used again before the next. Raises what `crawl` raises.
    """
    begin, at = begin or services.db.begin, services.clock.now()
    if off := source.off_because(services.settings):
        return Searched(skipped=off)
    async with services.db.read() as conn:
        left = services.settings.news.naver_daily_calls - await calls_today(conn, at=at)
        turns = await whose_turn(conn, limit=share_of(left, at))
    asked = new = found = 0
    for start in range(0, len(turns), _BATCH):
        batch = turns[start : start + _BATCH]
        crawled = await _patiently(services, source, batch, begin)
        if crawled.skipped:
            return Searched(asked=asked, found=found, new=new, left=left - asked, skipped=crawled.skipped)
        asked, new, found = asked + len(batch), new + crawled.new, found + crawled.new + crawled.seen
    await _judge(services, source, begin, asked=asked, found=found)
    return Searched(asked=asked, found=found, new=new, left=left - asked)


async def _judge(services: Services, source: Source, begin: Begin, *, asked: int, found: int) -> None:
    """Note what a whole run found: one search may well find nothing, so many together do not while all is well."""
    if found or asked >= _TELLING:
        async with begin() as conn:
            await record_success(
                conn,
                source.key,
                items=found,
                at=services.clock.now(),
                services=services,
                counted=asked >= _TELLING,
            )


async def _patiently(services: Services, source: Source, batch: list[Turn], begin: Begin) -> Crawled:
    """Search for a batch; told that it goes too fast, wait and try again."""
    for tried in range(1, _TRIES + 1):
        async with begin() as conn:
            await spend(conn, [turn.code for turn in batch], at=services.clock.now())
        try:
            return await crawl(services, source, asked=[turn.name for turn in batch], begin=begin, whole=False)
        except QuotaExceeded as error:
            wait = (error.retry_at or services.clock.now() + _SOON) - services.clock.now()
            if wait > _SOON:
                async with begin() as conn:
                    await spend_all(conn, services.settings.news.naver_daily_calls, at=services.clock.now())
            if wait > _SOON or tried == _TRIES:
                raise
            log.info("search_too_fast", wait=wait.total_seconds())
            await services.clock.sleep(max(wait.total_seconds(), 0.0))
    raise StockPilotError("unreachable")


async def whose_turn(conn: AsyncConnection, *, limit: int) -> list[Turn]:
    """The next stocks to search for: watched, with priority, others; in each those that waited longest."""
    query = text(
        "SELECT s.code, s.name FROM stock s LEFT JOIN news_search n USING (code) "
        "WHERE s.active AND s.kind = 'common' ORDER BY "
        "EXISTS (SELECT FROM watch_item w WHERE w.code = s.code) DESC, s.priority > 0 DESC, "
        "n.asked_at NULLS FIRST, s.market_cap DESC NULLS LAST, s.code LIMIT :limit"
    )
    return [Turn(code=row.code, name=row.name) for row in await conn.execute(query, {"limit": limit})]


async def calls_today(conn: AsyncConnection, *, at: datetime) -> int:
    """Calls made or about to be made on the day of `at` in Seoul."""
    query = text("SELECT coalesce(sum(calls), 0) FROM news_search_day WHERE day = :day")
    return int((await conn.execute(query, {"day": kst_date(at)})).scalar_one())


async def spend(conn: AsyncConnection, codes: list[str], *, at: datetime) -> None:
    """Count a call for each of these stocks, and let them wait for their next turn."""
    await conn.execute(
        text(
            "INSERT INTO news_search_day (day, calls) VALUES (:day, :calls) "
            "ON CONFLICT (day) DO UPDATE SET calls = news_search_day.calls + excluded.calls"
        ),
        {"day": kst_date(at), "calls": len(codes)},
    )
    await conn.execute(
        text(
            "INSERT INTO news_search (code, asked_at) SELECT code, :at FROM unnest(CAST(:codes AS text[])) AS a(code) "
            "ON CONFLICT (code) DO UPDATE SET asked_at = excluded.asked_at"
        ),
        {"codes": codes, "at": at},
    )


async def spend_all(conn: AsyncConnection, allowance: int, *, at: datetime) -> None:
    """Count the whole day as spent: the service says so, whatever was counted here."""
    query = text(
        "INSERT INTO news_search_day (day, calls) VALUES (:day, :calls) "
        "ON CONFLICT (day) DO UPDATE SET calls = greatest(news_search_day.calls, excluded.calls)"
    )
    await conn.execute(query, {"day": kst_date(at), "calls": allowance})
