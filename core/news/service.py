"""Reading news sources: lists, pages of the articles that matter, matches with stocks, all stored once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.errors import Malformed, StockPilotError
from core.news.article import Headline, Parsed, Rejected
from core.news.identity import folded
from core.news.matching import Match, Matcher
from core.news.pages import Pages, open_pages
from core.news.queries import followed_codes
from core.news.reading import Listing
from core.news.revision import revise
from core.news.sources import Source
from core.news.store import Draft, seen_titles, store_drafts, stored_texts
from core.services import Services
from core.sources.chain import Stale
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
    """What a crawl brought: articles new to us, rows seen before or not wanted, rows that could not be used, and
    articles whose headline was changed.

    `skipped` says why nothing was read at all.
    """

    new: int = 0
    seen: int = 0
    rejected: int = 0
    revised: int = 0
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


async def crawl(
    services: Services,
    source: Source,
    *,
    asked: Sequence[str] | None = None,
    begin: Begin | None = None,
    whole: bool = True,
) -> Crawled:
    """Read a source once and store what is new, oldest first, in transactions of `begin` of twenty articles each.

    A source with a list a stock is read for the stocks `asked` about, by default the followed ones. Articles that name
    a stock get their page read; one that cannot be read is kept as `partial`. An article under another headline than
    before is revised. What a list or a row has wrong is quarantined and the rest kept. A run broken off anywhere and
    repeated ends as if undisturbed. Nothing is read where the source is off or its circuit open: `skipped` tells.
    A reading that is not `whole` is a part of one whose caller judges how much it brought in all.
    Raises what ended the reading (`Unavailable`, `Malformed`…) after the rest is stored and the failure noted.
    """
    begin = begin or services.db.begin
    listings = await _listings(services, source, asked)
    if isinstance(listings, str):
        log.info("source_skipped", source=source.key, reason=listings)
        return Crawled(skipped=listings)
    gathered = await _gather(services, source, listings)
    async with services.db.read() as conn:
        seen = await seen_titles(conn, source.key, gathered.headlines.keys())
    fresh = [headline for key, headline in gathered.headlines.items() if key not in seen]
    changed = [each for key, each in gathered.headlines.items() if _retitled(seen.get(key), each.title)]
    matcher, pages = await named_matcher(services), await open_pages(services, source.page)
    new = await _store_fresh(services, source, fresh, matcher, pages, begin)
    revised = await _revise(services, source, changed, matcher, pages, begin)
    await _conclude(services, source, gathered, begin, whole=whole)
    rejected = len(gathered.rejected)
    crawled = Crawled(new=new, seen=len(gathered.headlines) - new, rejected=rejected, revised=revised)
    log.info("crawled", source=source.key, new=new, seen=crawled.seen, rejected=rejected, revised=revised)
    if gathered.failure is not None:
        raise gathered.failure
    return crawled


def _retitled(before: str | None, now: str) -> bool:
    """Whether a list shows an article under another headline than it did, and not only in other quotes or spaces."""
    return before is not None and folded(before) != folded(now)


async def _listings(services: Services, source: Source, asked: Sequence[str] | None) -> Sequence[Listing] | str:
    """The pages to read now, or why there are none."""
    if off := source.off_because(services.settings):
        return off
    at = services.clock.now()
    async with services.db.read() as conn:
        status = await get_source(conn, source.key)
        codes = await followed_codes(conn, limit=MOST_STOCKS) if asked is None else asked
    if status.circuit(at) is Circuit.OPEN:
        return f"not asked until {status.open_until} after {status.failure_message}"
    return source.listings(services.settings.news, at, codes) or "no stock is followed"


async def _gather(services: Services, source: Source, listings: Sequence[Listing]) -> _Gathered:
    gathered, unusable = _Gathered(), None
    async with source.reader(services) as read:
        for listing in listings:
            note = f"{listing}, parser {source.version}"
            body = b""
            try:
                body = await read(listing)
                parsed = await asyncio.to_thread(source.parse, body, at=services.clock.now())
            except Malformed as error:
                unusable = unusable or error
                raw = body[:1_000].decode(errors="replace")
                gathered.rejected.append(Rejected(reason=f"{error} ({note})", raw=raw))
            except StockPilotError as error:
                gathered.failure = error
                break
            else:
                gathered.add(parsed, tag=listing.tag, note=note)
    if not gathered.headlines:
        gathered.failure = gathered.failure or unusable
    elif gathered.failure is None:
        gathered.failure = _stood_still(source, gathered.headlines.values(), at=services.clock.now())
    return gathered


def _stood_still(source: Source, headlines: Iterable[Headline], *, at: datetime) -> Stale | None:
    """What is wrong with lists that answer and bring nothing new for days."""
    newest = max(headline.published_at for headline in headlines)
    if source.fresh_for is None or at - newest <= source.fresh_for:
        return None
    return Stale(f"nothing newer than {newest.isoformat()}")


async def _conclude(services: Services, source: Source, gathered: _Gathered, begin: Begin, *, whole: bool) -> None:
    """Note how the source did, and keep what could not be used. A part without anything in it says nothing."""
    at, items = services.clock.now(), len(gathered.headlines)
    async with begin() as conn:
        await quarantine(conn, source.key, gathered.rejected, at=at)
        if gathered.failure is not None:
            await record_failure(conn, source.key, error=gathered.failure, at=at, services=services)
        elif whole or items:
            await record_success(conn, source.key, items=items, at=at, services=services, counted=whole)


async def store_again(services: Services, source: Source, headlines: Iterable[Headline], *, at: datetime) -> int:
    """Store articles whose rows came at `at` and could not be read then; returns how many were new."""
    matcher, pages = await named_matcher(services), await open_pages(services, source.page)
    return await _store_fresh(services, source, headlines, matcher, pages, services.db.begin, at=at)


async def _store_fresh(
    services: Services,
    source: Source,
    fresh: Iterable[Headline],
    matcher: NamedMatcher,
    pages: Pages,
    begin: Begin,
    *,
    at: datetime | None = None,
) -> int:
    """Store articles, oldest first so that the first of a story is the one told; returns how many were new.

    They count as first seen when they are stored, or at `at`.
    """
    articles: dict[str, list[Headline]] = {}
    for headline in sorted(fresh, key=lambda each: (each.published_at, each.canonical_id)):
        articles.setdefault(headline.canonical_id, []).append(headline)
    waiting, new = list(articles.values()), 0
    for start in range(0, len(waiting), _BATCH):
        drafts = await _drafts(services, source, pages, matcher, waiting[start : start + _BATCH])
        async with begin() as conn:
            new += await store_drafts(conn, source.key, drafts, at=at or services.clock.now())
            await pages.note(conn)
    return new


async def _revise(
    services: Services, source: Source, changed: Iterable[Headline], matcher: NamedMatcher, pages: Pages, begin: Begin
) -> int:
    """Let articles say what they say now; returns how many changed."""
    revised = 0
    for headline in changed:
        draft = await _draft(source, pages, matcher, headline, (headline.tag,) if headline.tag else ())
        async with begin() as conn:
            revised += await revise(conn, source.key, draft, at=services.clock.now())
            await pages.note(conn)
    return revised


async def _drafts(
    services: Services, source: Source, pages: Pages, matcher: NamedMatcher, articles: Sequence[Sequence[Headline]]
) -> list[Draft]:
    """Drafts of articles, each given by its headlines: one, or one for every stock in whose list it stood."""
    async with services.db.begin() as conn:
        stored = await stored_texts(conn, [name for headlines in articles for name in headlines[0].ids])
    drafts = []
    for headlines in articles:
        headline = headlines[0]
        tags = tuple(each.tag for each in headlines if each.tag)
        known = next((stored[name] for name in headline.ids if name in stored), None)
        if known is not None:
            matches = _matched(matcher.matcher, known.title, known.text, tags) if tags else ()
            drafts.append(Draft(headline=headline, tags=tags, matches=matches))
        else:
            draft = await _draft(source, pages, matcher, headline, tags)
            if source.keeps(headline, draft.matches):
                drafts.append(draft)
    return drafts


async def _draft(
    source: Source, pages: Pages, matcher: NamedMatcher, headline: Headline, tags: tuple[str, ...]
) -> Draft:
    text = headline.body or headline.summary
    matches = _matched(matcher.matcher, headline.title, text, tags)
    shown = headline if source.keeps_summary else replace(headline, summary="")
    if not matches or pages.site is None:
        return Draft(headline=shown, tags=tags, matches=matches, names=matcher.names)
    page = await pages.read(headline.address)
    if page is not None:
        matches = _matched(matcher.matcher, headline.title, page.body, tags) or matches
    return Draft(headline=shown, tags=tags, matches=matches, page=page, partial=page is None, names=matcher.names)


def _matched(matcher: Matcher, title: str, body: str, tags: Sequence[str]) -> tuple[Match, ...]:
    """The stocks a text names, each as relevant as with the tag that makes it most so."""
    best: dict[str, Match] = {}
    for tag in tags or (None,):
        for match in matcher.match(title, body, tagged=tag):
            if match.code not in best or match.relevance > best[match.code].relevance:
                best[match.code] = match
    return tuple(best.values())


@dataclass(frozen=True, slots=True)
class NamedMatcher:
    """A matcher, and what the list of names is called that it was made of."""

    matcher: Matcher
    names: str


_matchers: WeakKeyDictionary[Database, NamedMatcher] = WeakKeyDictionary()


async def stock_matcher(services: Services) -> Matcher:
    """The matcher over the listed stocks and all their names, built once a process and again when the list changed."""
    return (await named_matcher(services)).matcher


async def named_matcher(services: Services) -> NamedMatcher:
    """That matcher with the name of its list."""
    async with services.db.begin() as conn:
        names = " ".join(map(str, await list_version(conn)))
        kept = _matchers.get(services.db)
        if kept is not None and kept.names == names:
            return kept
        stocks, aliases = await list_stocks(conn), await list_aliases(conn)
    listed = {stock.code: stock.name for stock in stocks if stock.active}
    pairs = [(name, code) for code, name in listed.items()] + [pair for pair in aliases if pair[1] in listed]
    kept = _matchers[services.db] = NamedMatcher(await asyncio.to_thread(Matcher, pairs), names)
    return kept
