"""Reading news sources: lists, pages of the articles that matter, matches with stocks, all stored once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.errors import Malformed, StockPilotError
from core.news.article import Headline, Parsed, Rejected
from core.news.matching import Match, Matcher
from core.news.pages import Pages, open_pages
from core.news.queries import followed_codes
from core.news.sources import Listing, Source
from core.news.store import Draft, seen_ids, store_drafts, stored_texts
from core.services import Services
from core.sources.service import get_source, quarantine, record_failure, record_success
from core.sources.status import Circuit
from core.stocks.queries import list_aliases, list_stocks, list_version

log = structlog.get_logger(__name__)

MOST_STOCKS: Final = 60
"""Stocks whose own lists are read, at most: at two calls a second half a minute."""
_BATCH: Final = 20
"""Articles written in one transaction."""

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Crawled:
    """What a crawl brought: articles new to us, rows seen before, rows that could not be used.

    `skipped` says why nothing was read at all.
    """

    new: int = 0
    seen: int = 0
    rejected: int = 0
    skipped: str | None = None


@dataclass(kw_only=True, slots=True)
class _Gathered:
    """What the lists held. `failure` is what ended the reading early, or why nothing came of it."""

    headlines: dict[str, Headline] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    failure: StockPilotError | None = None

    def add(self, parsed: Parsed, *, tag: str | None, note: str) -> None:
        for headline in parsed.headlines:
            tagged = replace(headline, tag=tag)
            self.headlines.setdefault(tagged.source_id, tagged)
        self.rejected += [replace(row, reason=f"{row.reason} ({note})") for row in parsed.rejected]


async def crawl(services: Services, source: Source, *, begin: Begin | None = None) -> Crawled:
    """Read a source once and store what is new, oldest first, in transactions of `begin` of twenty articles each.

    Articles that name a stock get their page read; one that cannot be read is kept as `partial`. What a list or a
    row has wrong is quarantined and the rest kept. A run broken off anywhere and repeated ends as if undisturbed.
    Nothing is read where the source is off or its circuit open: `skipped` tells. Raises what ended the reading
    (`Unavailable`, `Malformed`…) after the rest is stored and the failure noted.
    """
    begin = begin or services.db.begin
    listings = await _listings(services, source)
    if isinstance(listings, str):
        log.info("source_skipped", source=source.key, reason=listings)
        return Crawled(skipped=listings)
    gathered = await _gather(services, source, listings)
    async with services.db.read() as conn:
        seen = await seen_ids(conn, source.key, gathered.headlines.keys())
    fresh = [headline for key, headline in gathered.headlines.items() if key not in seen]
    new = await _store_fresh(services, source, fresh, begin)
    await _conclude(services, source, gathered, begin)
    crawled = Crawled(new=new, seen=len(gathered.headlines) - new, rejected=len(gathered.rejected))
    log.info("crawled", source=source.key, new=crawled.new, seen=crawled.seen, rejected=crawled.rejected)
    if gathered.failure is not None:
        raise gathered.failure
    return crawled


async def _listings(services: Services, source: Source) -> Sequence[Listing] | str:
    """The pages to read now, or why there are none."""
    if off := source.off_because(services.settings):
        return off
    at = services.clock.now()
    async with services.db.read() as conn:
        status = await get_source(conn, source.key)
        codes = await followed_codes(conn, limit=MOST_STOCKS)
    if status.circuit(at) is Circuit.OPEN:
        return f"not asked until {status.open_until} after {status.failure_message}"
    return source.listings(services.settings.news, at, codes) or "no stock is followed"


async def _gather(services: Services, source: Source, listings: Sequence[Listing]) -> _Gathered:
    gathered, unusable = _Gathered(), None
    for listing in listings:
        note = f"{listing}, parser {source.version}"
        body = b""
        try:
            body = await services.fetcher.get(listing.url, params=listing.params, headers=source.headers)
            parsed = await asyncio.to_thread(source.parse, body, at=services.clock.now())
        except Malformed as error:
            unusable = unusable or error
            gathered.rejected.append(Rejected(reason=f"{error} ({note})", raw=body[:1_000].decode(errors="replace")))
        except StockPilotError as error:
            gathered.failure = error
            break
        else:
            gathered.add(parsed, tag=listing.tag, note=note)
    if not gathered.headlines:
        gathered.failure = gathered.failure or unusable
    return gathered


async def _conclude(services: Services, source: Source, gathered: _Gathered, begin: Begin) -> None:
    """Note how the source did, and keep what could not be used."""
    at = services.clock.now()
    async with begin() as conn:
        await quarantine(conn, source.key, gathered.rejected, at=at)
        if gathered.failure is None:
            await record_success(conn, source.key, items=len(gathered.headlines), at=at)
        else:
            await record_failure(conn, source.key, error=gathered.failure, at=at)


async def _store_fresh(services: Services, source: Source, fresh: Iterable[Headline], begin: Begin) -> int:
    """Store articles, oldest first so that the first of a story is the one told; returns how many were new."""
    articles: dict[str, list[Headline]] = {}
    for headline in sorted(fresh, key=lambda each: (each.published_at, each.canonical_id)):
        articles.setdefault(headline.canonical_id, []).append(headline)
    matcher, pages = await stock_matcher(services), await open_pages(services, source)
    waiting, new = list(articles.values()), 0
    for start in range(0, len(waiting), _BATCH):
        drafts = await _drafts(services, pages, matcher, waiting[start : start + _BATCH])
        async with begin() as conn:
            new += await store_drafts(conn, source.key, drafts, at=services.clock.now())
            await pages.note(conn)
    return new


async def _drafts(
    services: Services, pages: Pages, matcher: Matcher, articles: Sequence[Sequence[Headline]]
) -> list[Draft]:
    """Drafts of articles, each given by its headlines: one, or one for every stock in whose list it stood."""
    async with services.db.begin() as conn:
        stored = await stored_texts(conn, [headlines[0].canonical_id for headlines in articles])
    drafts = []
    for headlines in articles:
        headline = headlines[0]
        tags = tuple(each.tag for each in headlines if each.tag)
        if known := stored.get(headline.canonical_id):
            matches = _matched(matcher, known.title, known.text, tags) if tags else ()
            drafts.append(Draft(headline=headline, tags=tags, matches=matches))
        else:
            drafts.append(await _draft(pages, matcher, headline, tags))
    return drafts


async def _draft(pages: Pages, matcher: Matcher, headline: Headline, tags: tuple[str, ...]) -> Draft:
    matches = _matched(matcher, headline.title, headline.summary, tags)
    if not matches:
        return Draft(headline=headline, tags=tags, matches=())
    page = await pages.read(headline)
    if page is not None:
        matches = _matched(matcher, headline.title, page.body, tags) or matches
    return Draft(headline=headline, tags=tags, matches=matches, page=page, partial=page is None)


def _matched(matcher: Matcher, title: str, body: str, tags: Sequence[str]) -> tuple[Match, ...]:
    """The stocks a text names, each as relevant as with the tag that makes it most so."""
    best: dict[str, Match] = {}
    for tag in tags or (None,):
        for match in matcher.match(title, body, tagged=tag):
            if match.code not in best or match.relevance > best[match.code].relevance:
                best[match.code] = match
    return tuple(best.values())


@dataclass(slots=True)
class _Kept:
    """The matcher of one database, with the version of the stock list it was made of."""

    matcher: Matcher | None = None
    version: tuple[Any, ...] = ()


_matchers: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def stock_matcher(services: Services) -> Matcher:
    """The matcher over the listed stocks and all their names, built once a process and again when the list changed."""
    kept = _matchers.setdefault(services.db, _Kept())
    async with services.db.begin() as conn:
        version = await list_version(conn)
        if kept.matcher is not None and kept.version == version:
            return kept.matcher
        stocks, aliases = await list_stocks(conn), await list_aliases(conn)
    listed = {stock.code: stock.name for stock in stocks if stock.active}
    names = [(name, code) for code, name in listed.items()] + [pair for pair in aliases if pair[1] in listed]
    kept.matcher = await asyncio.to_thread(Matcher, names)
    kept.version = version
    return kept.matcher
