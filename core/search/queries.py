"""SQL of search: what waits for its vector, and finding by words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.queries import KNOWN

_PARTICLE: Final = re.compile(
    r"(?<=[0-9A-Za-z가-힣]{2})(?:에서|에게|으로|까지|부터|은|는|이|가|을|를|의|에|와|과|로|도)$"
)
_MOST_WORDS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Unembedded:
    """An article whose vector is missing or of another method. Times are aware UTC."""

    id: int
    title: str
    summary: str
    published_at: datetime
    first_seen_at: datetime
    codes: tuple[str, ...]

    @property
    def text(self) -> str:
        """What its vector is made of."""
        return f"{self.title}\n{self.summary}"


async def unembedded(conn: AsyncConnection, key: str, *, limit: int) -> list[Unembedded]:
    """The newest articles without a vector of the method `key`."""
    query = text(
        "SELECT a.id, a.title, a.summary, a.published_at, a.first_seen_at, "
        "ARRAY(SELECT m.code FROM match m WHERE m.article_id = a.id) AS codes "
        "FROM article a WHERE a.embedded_as IS DISTINCT FROM :key ORDER BY a.id DESC LIMIT :limit"
    )
    rows = await conn.execute(query, {"key": key, "limit": limit})
    return [Unembedded(**{**row._mapping, "codes": tuple(row.codes)}) for row in rows]


async def mark_embedded(conn: AsyncConnection, key: str | None, numbers: Collection[int]) -> int:
    """Note that these articles have a vector of the method `key`, or none; returns how many that changed."""
    query = text(
        "UPDATE article SET embedded_as = CAST(:key AS text) WHERE id = ANY(:ids) "
        "AND embedded_as IS DISTINCT FROM CAST(:key AS text)"
    )
    return (await conn.execute(query, {"key": key, "ids": list(numbers)})).rowcount


async def embedded_ids(conn: AsyncConnection, key: str) -> set[int]:
    """Every article marked as having a vector of the method `key`."""
    return set((await conn.execute(text("SELECT id FROM article WHERE embedded_as = :key"), {"key": key})).scalars())


async def find_words(
    conn: AsyncConnection,
    words: Sequence[str],
    *,
    code: str | None,
    since: datetime | None,
    as_of: datetime,
    limit: int,
) -> list[int]:
    """The articles known at `as_of` whose headline and summary hold every word, in any case: those with all in the
    headline first, then the newest. Reads through the articles since `since`."""
    about = "AND EXISTS (SELECT FROM match m WHERE m.article_id = a.id AND m.code = :code) " if code else ""
    later = "AND a.published_at >= :since " if since else ""
    query = text(
        f"SELECT a.id FROM article a WHERE {KNOWN} {about}{later}"
        "AND (a.title || ' ' || a.summary) ILIKE ALL(CAST(:patterns AS text[])) "
        "ORDER BY a.title ILIKE ALL(CAST(:patterns AS text[])) DESC, a.published_at DESC, a.id DESC LIMIT :limit"
    )
    values = {"patterns": [f"%{_escaped(word)}%" for word in words], "as_of": as_of, "limit": limit}
    values |= {"code": code} if code else {}
    values |= {"since": since} if since else {}
    return list((await conn.execute(query, values)).scalars())


def words_in(query: str) -> list[str]:
    """The words to look for: without particles at their ends, at most eight, as text may have other particles there."""
    words = [_PARTICLE.sub("", word) for word in query.replace("\x00", " ").split()]
    return list(dict.fromkeys(word for word in words if word))[:_MOST_WORDS]


def _escaped(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)
