"""Articles that change after they were stored: edited, retitled, taken down. What they said before is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Blocked
from core.news.alike import gist_of
from core.news.article import ArticlePage, Headline
from core.news.identity import fingerprint, folded
from core.news.matching import Match
from core.news.models import ArticleRevisionRow, ArticleRow, ArticleSourceRow
from core.news.pages import Gone, Pages
from core.news.store import Draft, add_matches, replace_matches, take_turn, texts_of

log = structlog.get_logger(__name__)

MOST_RECHECKED: Final = 10
"""Pages of a site read again in one run."""
_ALL_GONE: Final = 3
"""So many pages gone and none there is a site that has moved, not articles taken down."""

Begin = Callable[..., AbstractAsyncContextManager[AsyncConnection]]
Matching = Callable[[str, str], tuple[Match, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rechecked:
    """What reading pages again brought."""

    edited: int = 0
    gone: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """An article whose page is due to be read again."""

    id: int
    canonical_id: str
    url: str
    title: str
    summary: str
    body: str | None
    press: str
    partial: bool
    published_at: datetime
    edited_at: datetime | None


async def revise(conn: AsyncConnection, source: str | None, draft: Draft, *, at: datetime) -> bool:
    """Let the article of a draft say what the draft says. `source` is whose list shows it so, None for its own page.

    It keeps its number, its story, when it was first seen, and what the draft shows less of; its matches are those of
    the draft, and of the body that is kept; its vector is due again. Returns whether anything changed.
    """
    await take_turn(conn)
    headline = draft.headline
    ids = [f"{tag}/{headline.canonical_id}" for tag in draft.tags] or [headline.canonical_id]
    await conn.execute(
        update(ArticleSourceRow)
        .where(ArticleSourceRow.source == source, ArticleSourceRow.source_id.in_(ids))
        .values(title=headline.title)
    )
    columns = (ArticleRow.id, ArticleRow.title, ArticleRow.summary, ArticleRow.body, ArticleRow.partial)
    query = select(*columns).where(ArticleRow.canonical_id == headline.canonical_id).with_for_update()
    stored = (await conn.execute(query)).one_or_none()
    if stored is None:
        return False
    title, summary, body = texts_of(draft)
    if (begun := title.rstrip("….")) != title and stored.title.startswith(begun.rstrip()):
        title = stored.title  # only cut, by a list that shows less of it
    summary, page = summary or stored.summary, draft.page
    paywalled = page is not None and page.partial and stored.body is not None and not stored.partial
    kept = stored.body is not None and (body is None or paywalled)
    if kept:
        body = stored.body
    if (title, summary, body) == (stored.title, stored.summary, stored.body):
        return False
    await _keep(conn, stored, at)
    changed = {
        "title": title,
        "summary": summary,
        "body": body,
        "partial": page.partial if page and not paywalled else stored.partial,
        "edited_at": (page.edited_at if page else None) or at,
        "fingerprint": fingerprint(title, summary),
        "sketch": gist_of(title, summary, body).sketch,
        "embedded_as": None,
        "matched_as": draft.names,
    }
    await conn.execute(update(ArticleRow).where(ArticleRow.id == stored.id).values(**changed))
    if kept:  # what the body names still counts
        await add_matches(conn, {stored.id: draft.matches}, names=draft.names or "")
    else:
        await replace_matches(conn, stored.id, draft.matches)
    log.info("article_revised", article=stored.id)
    return True


async def _keep(conn: AsyncConnection, stored: Any, at: datetime) -> None:
    old = {"article_id": stored.id, "replaced_at": at, "title": stored.title, "summary": stored.summary}
    await conn.execute(insert(ArticleRevisionRow).values(**old, body=stored.body).on_conflict_do_nothing())


async def recheck(pages: Pages, due: Sequence[Due], matching: Matching, *, names: str, begin: Begin) -> Rechecked:
    """Read the pages of articles again: keep what they say now, and mark those that were taken down.

    Where all of several pages are gone the site has moved, which is noted as its failure, and nothing is marked.
    """
    at = pages.services.clock.now()
    drafts: list[Draft] = []
    there: list[int] = []
    gone: list[int] = []
    for article in due:
        try:
            page = await pages.read(article.url, gone=True)
        except Gone:
            gone.append(article.id)
            continue
        if page is not None:
            there.append(article.id)
            if draft := _redrafted(article, page, matching, names):
                drafts.append(draft)
    if len(gone) >= _ALL_GONE and not there:
        pages.failure, pages.closed, gone = Blocked("every page that was read again is gone"), True, []
    async with begin() as conn:
        edited = sum([await revise(conn, None, draft, at=at) for draft in drafts])
        seen = text("UPDATE article SET checked_at = :at WHERE id = ANY(:ids)")
        await conn.execute(seen, {"at": at, "ids": there + gone})
        taken = text("UPDATE article SET gone_at = :at WHERE id = ANY(:ids) AND gone_at IS NULL")
        await conn.execute(taken, {"at": at, "ids": gone})
        await pages.note(conn)
    return Rechecked(edited=edited, gone=len(gone))


def _redrafted(article: Due, page: ArticlePage, matching: Matching, names: str) -> Draft | None:
    """The article as its page has it now, None where nothing changed but spaces and quotes, or where it went behind a
    paywall: what was read before is kept."""
    if page.partial and not article.partial:
        return None
    edited = page.edited_at is not None and (article.edited_at is None or page.edited_at > article.edited_at)
    retitled = edited and bool(page.title) and folded(page.title) != folded(article.title)
    if not retitled and folded(page.body) == folded(article.body or ""):
        return None
    title = page.title if retitled else article.title
    headline = Headline(
        canonical_id=article.canonical_id,
        title=title,
        summary=article.summary,
        press=article.press,
        published_at=article.published_at,
        url=article.url,
    )
    found = matching(title, page.body)
    return Draft(headline=headline, tags=(), matches=found, page=replace(page, original_url=None), names=names)


async def due_again(conn: AsyncConnection, ids: str, *, at: datetime, limit: int = MOST_RECHECKED) -> list[Due]:
    """Articles of the last two days about a stock whose page was read, with canonical ids that begin with `ids`,
    the newest first: each when it is twice as old as at the last reading, and an hour has passed."""
    query = text(
        "SELECT id, canonical_id, url, title, summary, body, press, partial, published_at, edited_at FROM article a "
        "WHERE gone_at IS NULL AND body IS NOT NULL AND starts_with(canonical_id, :ids) "
        "AND published_at > CAST(:at AS timestamptz) - INTERVAL '48 hours' "
        "AND checked_at <= CAST(:at AS timestamptz) - INTERVAL '1 hour' "
        "AND CAST(:at AS timestamptz) - published_at >= 2 * (checked_at - published_at) "
        "AND EXISTS (SELECT FROM match m WHERE m.article_id = a.id) ORDER BY id DESC LIMIT :limit"
    )
    rows = await conn.execute(query, {"ids": ids, "at": at, "limit": limit})
    return [Due(**row._mapping) for row in rows]
