"""Reading DART: the list of every board, the minute of each filing, the numbers of companies. All stored once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Calendar, kst_date
from core.disclosures.client import OpenDart
from core.disclosures.filing import Division, Listed, together
from core.disclosures.queries import (
    Sweep,
    judge_again,
    note_sweep,
    numbered_on,
    store_corps,
    store_filings,
    sweeps,
    without_minute,
)
from core.disclosures.site import company_feed, day_list, today_feed
from core.errors import Malformed, StockPilotError, Unavailable
from core.services import Services
from core.settings import Settings
from core.sources.service import ask_source, get_source, quarantine, record_success

log = structlog.get_logger(__name__)

LIST, FEED, COMPANY_FEEDS, DAY_LIST, CORPS = "dart", "dart_feed", "dart_company_feed", "dart_day_list", "dart_corps"
"""What the parts of DART are called among the sources."""

BOARDS: Final = (Division.KOSPI, Division.KOSDAQ, Division.KONEX)
FIRST_REACH: Final = timedelta(days=30)
"""How far back the first reading goes."""
FARTHEST_REACH: Final = timedelta(days=85)
"""How far back any reading goes: without a company DART allows three months."""
OVERLAP: Final = 2
"""Sessions before the last whole reading that are read again: filings appear under days already read."""
SWEEP_EVERY: Final = timedelta(hours=1)
"""How often the days in reach are read whole, and not only up to the first page that brings nothing new."""
CORPS_EVERY: Final = timedelta(hours=20)
_MOST_PAGES: Final = 400
_MOST_FEEDS: Final = 20
_DOCUMENT_KEPT: Final = timedelta(days=1)

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Crawled:
    """What a reading brought. `skipped` says why nothing was read at all."""

    seen: int = 0
    new: int = 0
    rejected: int = 0
    skipped: str | None = None

    def __add__(self, other: Crawled) -> Crawled:
        return Crawled(seen=self.seen + other.seen, new=self.new + other.new, rejected=self.rejected + other.rejected)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of DART: what it is called among the sources, why it is off, and how it is read."""

    key: str
    off_because: Callable[[Settings], str | None]
    crawl: Callable[[Services, Begin], Awaitable[Crawled]]


async def crawl_list(services: Services, begin: Begin) -> Crawled:
    """Read the list of every board, newest days first, each page stored in a transaction of `begin`.

    Up to the first page without anything new; once an hour, and always where it was not done yet, all of it. The order
    inside a day is not strict, so what is known is told by receipt numbers and by nothing else. A reading broken off
    anywhere and repeated ends as if undisturbed. Raises what ended it, after the rest was stored.
    """
    crawled = await ask_source(services, LIST, lambda: _read_boards(services, begin))
    at = services.clock.now()
    async with begin() as conn:
        await judge_again(conn)
        # How much was read depends on what was known; how much there is of the day does not.
        await record_success(conn, LIST, items=await numbered_on(conn, kst_date(at)), at=at, services=services)
    return crawled


async def crawl_feed(services: Services, begin: Begin) -> Crawled:
    """Read the feed of the day for the minute of each filing, and for those that the list does not have yet.

    Where it cannot be read, the feeds of followed companies whose filings have no minute stand in; raises what ended
    the reading where they cannot either.
    """
    try:
        listed = await ask_source(services, FEED, lambda: today_feed(services))
    except (Unavailable, Malformed) as error:
        log.info("feed_of_the_day_missing", error=str(error))
        return await _crawl_companies(services, begin, error)
    return await _store(services, begin, FEED, listed)


async def crawl_days(services: Services, begin: Begin) -> Crawled:
    """Read the list of today on the website, and before the market opens that of the session before too."""
    at = services.clock.now()
    days = dict.fromkeys((services.calendar.latest_session(at), kst_date(at)))

    async def read() -> Listed:
        return together([await day_list(services, day) for day in days])

    return await _store(services, begin, DAY_LIST, await ask_source(services, DAY_LIST, read))


async def refresh_corps(services: Services, begin: Begin) -> Crawled:
    """Read the numbers of all companies once a day."""
    at = services.clock.now()
    async with services.db.read() as conn:
        last = (await get_source(conn, CORPS)).last_success_at
    if last is not None and at - last < CORPS_EVERY:
        return Crawled(skipped="read today")
    corps = await ask_source(services, CORPS, OpenDart(services).corps)
    async with begin() as conn:
        new = await store_corps(conn, corps)
        await record_success(conn, CORPS, items=len(corps), at=services.clock.now(), services=services)
    return Crawled(seen=len(corps), new=new)


async def document_of(services: Services, receipt: str) -> str:
    """The text of a filing, kept for a day; raises what `OpenDart.document` raises."""

    async def read() -> bytes:
        return (await OpenDart(services).document(receipt)).encode()

    return (await services.cache.shared(f"dart:document:{receipt}", _DOCUMENT_KEPT, read)).decode()


def first_day(last: Sweep | None, today: date, calendar: Calendar) -> date:
    """The first day to read: two sessions before the last whole reading, a month ago for the first, never further back
    than DART allows."""
    if last is None:
        return today - FIRST_REACH
    day = min(last.day, today)
    for _ in range(OVERLAP):
        day = calendar.previous_session(day)
    return max(day, today - FARTHEST_REACH)


def _no_key(settings: Settings) -> str | None:
    return None if settings.dart.api_key is not None else "not set: DART_API_KEY"


def _no_feed(settings: Settings) -> str | None:
    return None if settings.dart.rss_url else "not set: DART_RSS_URL"


def _no_day_list(settings: Settings) -> str | None:
    return None if settings.dart.day_list_url else "not set: DART_DAY_LIST_URL"


PARTS: Final = (
    Part(key=CORPS, off_because=_no_key, crawl=refresh_corps),
    Part(key=LIST, off_because=_no_key, crawl=crawl_list),
    Part(key=FEED, off_because=_no_feed, crawl=crawl_feed),
    Part(key=DAY_LIST, off_because=_no_day_list, crawl=crawl_days),
)
"""The parts of DART, in the order they are read. Without a key the feed alone is."""


async def _read_boards(services: Services, begin: Begin) -> Crawled:
    """Every board, page by page."""
    dart, at = OpenDart(services), services.clock.now()
    today = kst_date(at)
    async with services.db.read() as conn:
        known = await sweeps(conn)
    crawled = Crawled()
    for board in BOARDS:
        last = known.get(board)
        whole = last is None or at - last.at >= SWEEP_EVERY or last.day != today
        start = first_day(last, today, services.calendar)
        for page in range(1, _MOST_PAGES + 1):
            listed = await dart.filings(board, start=start, end=today, page=page)
            one = await _keep(services, begin, LIST, listed)
            crawled += one
            if page >= listed.pages or not (whole or one.new):
                break
        if whole:
            async with begin() as conn:
                await note_sweep(conn, board, Sweep(day=today, at=at))
    return crawled


async def _crawl_companies(services: Services, begin: Begin, error: StockPilotError) -> Crawled:
    since = kst_date(services.clock.now()) - timedelta(days=3)
    async with services.db.read() as conn:
        numbers = await without_minute(conn, since=since, limit=_MOST_FEEDS)
    if not numbers:
        raise error

    async def read() -> Listed:
        return together([await company_feed(services, number) for number in numbers])

    return await _store(services, begin, COMPANY_FEEDS, await ask_source(services, COMPANY_FEEDS, read))


async def _store(services: Services, begin: Begin, source: str, listed: Listed) -> Crawled:
    crawled = await _keep(services, begin, source, listed)
    async with begin() as conn:
        await record_success(conn, source, items=crawled.seen, at=services.clock.now(), services=services)
    return crawled


async def _keep(services: Services, begin: Begin, source: str, listed: Listed) -> Crawled:
    at = services.clock.now()
    async with begin() as conn:
        new = await store_filings(conn, listed.filings, at=at)
        await quarantine(conn, source, listed.rejected, at=at)
    return Crawled(seen=len(listed.filings), new=new, rejected=len(listed.rejected))
