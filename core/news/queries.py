"""SQL of news: reading articles as of a moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.article import Article

COLUMNS = """a.id, a.canonical_id, a.url, a.title, a.summary, a.body, a.press, a.partial, a.published_at,
    a.first_seen_at,
    ARRAY(SELECT m.code FROM match m WHERE m.article_id = a.id ORDER BY m.relevance DESC, m.code) AS codes"""
"""What `article_of` needs, of `article a`."""

KNOWN = "a.first_seen_at <= :as_of AND a.published_at <= :as_of"
"""What of `article a` was there to be known at `:as_of`."""


def article_of(row: Row[Any]) -> Article:
    """The article in a row of `COLUMNS`; further columns are left alone."""
    values = {name: getattr(row, name) for name in Article.__slots__}
    return Article(**values | {"codes": tuple(row.codes)})


async def get_article(conn: AsyncConnection, number: int) -> Article | None:
    """The article of that id, a repeat of a story or not."""
    query = text(f"SELECT {COLUMNS} FROM article a WHERE a.id = :id")
    row = (await conn.execute(query, {"id": number})).one_or_none()
    return article_of(row) if row else None


async def latest_articles(
    conn: AsyncConnection, *, code: str | None = None, as_of: datetime, limit: int = 10, offset: int = 0
) -> list[Article]:
    """The newest stories known at `as_of`, of all or about one stock: one article a story, by publication time."""
    about = "AND EXISTS (SELECT FROM match m WHERE m.article_id = a.id AND m.code = :code)" if code else ""
    query = text(
        f"SELECT {COLUMNS} FROM article a WHERE coalesce(a.story_id, a.id) = a.id AND {KNOWN} {about} "
        "ORDER BY a.published_at DESC, a.id DESC LIMIT :limit OFFSET :offset"
    )
    values = {"code": code} if code else {}
    rows = await conn.execute(query, values | {"as_of": as_of, "limit": limit, "offset": offset})
    return [article_of(row) for row in rows]


async def known_articles(
    conn: AsyncConnection, numbers: Collection[int], *, as_of: datetime
) -> dict[int, tuple[int, Article]]:
    """Those of these articles that were known at `as_of`: id → (story, article)."""
    query = text(
        f"SELECT {COLUMNS}, coalesce(a.story_id, a.id) AS story FROM article a WHERE a.id = ANY(:ids) AND {KNOWN}"
    )
    rows = await conn.execute(query, {"ids": list(numbers), "as_of": as_of})
    return {row.id: (row.story, article_of(row)) for row in rows}


async def stories_of(conn: AsyncConnection, numbers: Collection[int]) -> set[int]:
    """The stories these articles tell."""
    query = text("SELECT DISTINCT coalesce(story_id, id) FROM article WHERE id = ANY(:ids)")
    return set((await conn.execute(query, {"ids": list(numbers)})).scalars())


async def followed_codes(conn: AsyncConnection, *, limit: int) -> list[str]:
    """The listed stocks that have priority or are watched, the most important first."""
    query = text(
        "SELECT s.code FROM stock s LEFT JOIN watch_item w ON w.code = s.code "
        "WHERE s.active AND (s.priority > 0 OR w.code IS NOT NULL) "
        "GROUP BY s.code ORDER BY s.priority DESC, count(w.user_id) DESC, s.code LIMIT :limit"
    )
    return list((await conn.execute(query, {"limit": limit})).scalars())
