"""Stories told in other words: articles whose vectors nearly coincide are one story."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.alike import gist_of, same_figures
from core.news.store import SAME_STORY
from core.search.queries import Unembedded
from core.services import Services

if TYPE_CHECKING:
    from core.llm.embedding import Vectors

ALIKE: Final = 0.9
"""Cosine similarity from which two articles about one stock may be one story: rewritten agency reports lie above,
different news about the stock well below."""
_MOST_HITS: Final = 4


async def near_in_meaning(
    services: Services, collection: str, batch: Sequence[Unembedded], vectors: Vectors
) -> dict[int, int]:
    """Article → an older one whose vector nearly coincides, for those of the batch that name a stock.

    Raises what the vector store raises. Whether they are one story `same_story` decides.
    """
    near: dict[int, int] = {}
    for article, vector in zip(batch, vectors, strict=True):
        if article.codes and vector.any():
            hits = await services.vectors.search(
                collection, vector, limit=_MOST_HITS, code=article.codes[0], exclude=(article.id,)
            )
            older = [hit.key for hit in hits if hit.score >= ALIKE and hit.key < article.id]
            if older:
                near[article.id] = min(older)
    return near


async def same_story(conn: AsyncConnection, near: Mapping[int, int]) -> dict[int, int]:
    """Those pairs that are one story: not far apart from where the story began, and with the same figures."""
    told = await _told(conn, {*near, *near.values()})
    found = {}
    for one, other in near.items():
        if one not in told or other not in told:
            continue
        (_, began, ours), (head, _, theirs) = told[one], told[other]
        first = told.get(head, told[other])
        if abs(began - first[1]) <= SAME_STORY and same_figures(gist_of(*ours, None), gist_of(*theirs, None)):
            found[one] = head
    return found


async def _told(conn: AsyncConnection, numbers: Collection[int]) -> dict[int, tuple[int, datetime, tuple[str, str]]]:
    query = text(
        "SELECT a.id, coalesce(a.story_id, a.id) AS story, a.published_at, a.title, a.summary FROM article a "
        "WHERE a.id IN (SELECT unnest(CAST(:ids AS bigint[])) UNION SELECT story_id FROM article WHERE id = ANY(:ids))"
    )
    rows = await conn.execute(query, {"ids": list(numbers)})
    return {row.id: (row.story, row.published_at, (row.title, row.summary)) for row in rows}
