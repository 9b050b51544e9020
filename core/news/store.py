"""SQL of news: writing what a source showed. Every write may be repeated and changes nothing the second time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.article import ArticlePage, Headline
from core.news.identity import article_url, fingerprint, normalised_url
from core.news.matching import Match
from core.news.models import ArticleRow, ArticleSourceRow, MatchRow

PRESS: Final = "press"
"""The source under which the press's own addresses are kept."""

SAME_STORY: Final = timedelta(hours=48)
"""How far apart equal texts are one story; further apart they are a title that comes every day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An article about to be stored. `tags` are the stocks in whose lists it stood."""

    headline: Headline
    tags: tuple[str, ...]
    matches: tuple[Match, ...]
    page: ArticlePage | None = None
    partial: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """The texts of a stored article."""

    id: int
    title: str
    text: str


async def seen_ids(conn: AsyncConnection, source: str, ids: Collection[str]) -> set[str]:
    """Those of the source's ids that are stored."""
    query = select(ArticleSourceRow.source_id).where(
        ArticleSourceRow.source == source, ArticleSourceRow.source_id.in_(ids)
    )
    return set((await conn.execute(query)).scalars())


async def stored_texts(conn: AsyncConnection, canonical_ids: Collection[str]) -> dict[str, Stored]:
    """The texts of those articles that are stored, from any source: canonical id → texts."""
    columns = (ArticleRow.id, ArticleRow.canonical_id, ArticleRow.title, ArticleRow.summary, ArticleRow.body)
    rows = await conn.execute(select(*columns).where(ArticleRow.canonical_id.in_(canonical_ids)))
    return {row.canonical_id: Stored(id=row.id, title=row.title, text=row.body or row.summary) for row in rows}


async def store_drafts(conn: AsyncConnection, source: str, drafts: Sequence[Draft], *, at: datetime) -> int:
    """Write articles first seen at `at`, where they were seen, their stories and matches; returns how many were new.

    An article that is stored already keeps its texts and gains the matches it did not have.
    """
    if not drafts:
        return 0
    statement = insert(ArticleRow).values([_article(draft, at) for draft in drafts]).on_conflict_do_nothing()
    new = list((await conn.execute(statement.returning(ArticleRow.id))).scalars())
    if new:
        await _join_stories(conn, new)
    canonical_ids = [draft.headline.canonical_id for draft in drafts]
    query = select(ArticleRow.canonical_id, ArticleRow.id).where(ArticleRow.canonical_id.in_(canonical_ids))
    ids = {row.canonical_id: row.id for row in await conn.execute(query)}
    placed = [(ids[draft.headline.canonical_id], draft) for draft in drafts]
    await _add_sources(conn, [row for number, draft in placed for row in _sources(source, number, draft, at)])
    await _add_matches(conn, [row for number, draft in placed for row in _matches(number, draft)])
    return len(new)


def _article(draft: Draft, at: datetime) -> dict[str, Any]:
    headline, page = draft.headline, draft.page
    cut = headline.title.endswith(("...", "…"))
    title = page.title if page and page.title and cut else headline.title
    return {
        "canonical_id": headline.canonical_id,
        "url": article_url(headline.canonical_id),
        "title": title,
        "summary": headline.summary,
        "body": page.body if page else None,
        "press": headline.press or (page.press if page else ""),
        "partial": draft.partial,
        "published_at": (page.published_at if page else None) or headline.published_at,
        "edited_at": page.edited_at if page else None,
        "first_seen_at": at,
        "fingerprint": fingerprint(title, headline.summary),
    }


async def _join_stories(conn: AsyncConnection, new: Iterable[int]) -> None:
    """Let every new article be a story, or repeat the one that an equal text near in time began.

    One after the other: an article may repeat one that is new as well. Only the beginning of a story counts, so that
    a text which comes every day does not become one endless story.
    """
    query = text(
        "UPDATE article a SET story_id = coalesce((SELECT first.id FROM article first "
        "WHERE first.fingerprint = a.fingerprint AND first.story_id = first.id AND first.published_at BETWEEN "
        "a.published_at - CAST(:apart AS interval) AND a.published_at + CAST(:apart AS interval) "
        "ORDER BY first.id LIMIT 1), a.id) WHERE a.id = :id"
    )
    await conn.execute(query, [{"id": number, "apart": SAME_STORY} for number in sorted(new)])


def _sources(source: str, number: int, draft: Draft, at: datetime) -> Iterable[dict[str, Any]]:
    canonical_id, url = draft.headline.canonical_id, article_url(draft.headline.canonical_id)
    seen = {"article_id": number, "seen_at": at}
    for tag in draft.tags or (None,):
        yield {"source": source, "source_id": f"{tag}/{canonical_id}" if tag else canonical_id, "url": url, **seen}
    original = draft.page.original_url if draft.page else None
    if original and (known_as := normalised_url(original)):
        yield {"source": PRESS, "source_id": known_as, "url": original, **seen}


async def _add_sources(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(insert(ArticleSourceRow).values(rows).on_conflict_do_nothing())


def _matches(number: int, draft: Draft) -> Iterable[dict[str, Any]]:
    for match in draft.matches:
        yield {"article_id": number, "code": match.code, "relevance": match.relevance, "reasons": list(match.reasons)}


async def _add_matches(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write matches; one that is stored keeps the greater relevance. A changed article waits for its vector again."""
    if not rows:
        return
    statement = insert(MatchRow).values(rows)
    excluded = statement.excluded
    changed = statement.on_conflict_do_update(
        index_elements=["article_id", "code"],
        set_={"relevance": excluded.relevance, "reasons": excluded.reasons},
        where=excluded.relevance > MatchRow.relevance,
    ).returning(MatchRow.article_id)
    ids = list((await conn.execute(changed)).scalars())
    await conn.execute(text("UPDATE article SET embedded_as = NULL WHERE id = ANY(:ids)"), {"ids": ids})
