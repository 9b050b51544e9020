"""SQL of news: reading articles as of a moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.article import Article

_THEN = """(SELECT r.{0} FROM article_revision r WHERE r.article_id = a.id AND r.replaced_at > :as_of
    ORDER BY r.replaced_at LIMIT 1)"""

COLUMNS = f"""a.id, a.canonical_id, a.url, coalesce({_THEN.format("title")}, a.title) AS title,
    coalesce({_THEN.format("summary")}, a.summary) AS summary,
    CASE WHEN EXISTS {_THEN.format("article_id")} THEN {_THEN.format("body")} ELSE a.body END AS body,
    a.press, a.partial, a.published_at, a.first_seen_at, coalesce(a.gone_at <= :as_of, false) AS gone,
    (SELECT max(r.replaced_at) FROM article_revision r WHERE r.article_id = a.id AND r.replaced_at <= :as_of)
        AS edited_at,
    ARRAY(SELECT m.code FROM match m WHERE m.article_id = a.id ORDER BY m.relevance DESC, m.code) AS codes,
    (SELECT count(DISTINCT b.press) FROM article b
        WHERE b.story_id = coalesce(a.story_id, a.id) AND b.first_seen_at <= :as_of) AS presses"""
"""What `article_of` needs, of `article a`, in the words it had at `:as_of`."""

KNOWN = "a.first_seen_at <= :as_of AND a.published_at <= :as_of"
"""What of `article a` was there to be known at `:as_of`."""


def article_of(row: Row[Any]) -> Article:
    """The article in a row of `COLUMNS`; further columns are left alone."""
    values = {name: getattr(row, name) for name in Article.__slots__}
    return Article(**values | {"codes": tuple(row.codes), "presses": max(row.presses, 1)})


async def get_article(conn: AsyncConnection, number: int, *, as_of: datetime) -> Article | None:
    """The article of that id as it stood at `as_of`, a repeat of a story or not."""
    query = text(f"SELECT {COLUMNS} FROM article a WHERE a.id = :id")
    row = (await conn.execute(query, {"id": number, "as_of": as_of})).one_or_none()
    return article_of(row) if row else None


async def moves_of(conn: AsyncConnection, number: int) -> dict[str, tuple[float, date]]:
    """What the prices did after an article, where that is known: stock → percent, and the session it was."""
    query = text("SELECT code, move_percent, move_day FROM match WHERE article_id = :id AND move_percent IS NOT NULL")
    return {row.code: (row.move_percent, row.move_day) for row in await conn.execute(query, {"id": number})}


async def links_of(conn: AsyncConnection, number: int, *, as_of: datetime) -> list[tuple[str, str]]:
    """Press and address of every other article that tells the story of this one, the earliest first."""
    query = text(
        "SELECT DISTINCT ON (b.press) b.press, b.url, b.id FROM article a JOIN article b ON b.story_id = a.story_id "
        "WHERE a.id = :id AND b.id <> a.id AND b.press <> a.press AND b.first_seen_at <= :as_of ORDER BY b.press, b.id"
    )
    rows = (await conn.execute(query, {"id": number, "as_of": as_of})).all()
    return [(row.press, row.url) for row in sorted(rows, key=lambda row: row.id)]


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
