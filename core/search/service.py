"""Search of articles by meaning, by words or both, always as of a moment. PostgreSQL decides what may be shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.article import Article
from core.news.queries import known_articles, stories_of
from core.news.store import fold
from core.search.queries import Unembedded, embedded_ids, find_words, mark_embedded, unembedded, words_in
from core.search.stories import near_in_meaning, same_story
from core.services import Services
from core.vectors import VectorRow

if TYPE_CHECKING:
    from core.llm.embedding import Vectors

log = structlog.get_logger(__name__)

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Mode = Literal["meaning", "words", "both"]

_BATCH: Final = 200
_SPARE: Final = 10
"""Hits asked for per article wanted: repeats of a story and what is too old fall away."""
_FUSION: Final = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): 1 / (60 + rank)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Similar:
    """A found article. `score` is the cosine similarity, or for a search with words the sum of 1 / (60 + rank)."""

    article: Article
    score: float


def collection_of(key: str) -> str:
    """The name of the collection that holds the vectors of the method `key`."""
    return "article_" + re.sub(r"[^0-9a-z]+", "_", key.lower())


async def embed_pending(services: Services, *, begin: Begin | None = None) -> int:
    """Give every article without a vector of the present method one, the newest first; returns how many were done.

    What is nearly the same as an older article joins its story. The vector is written before the mark, so a run broken
    off anywhere repeats at most a batch. Raises what the gateway and the vector store raise (`Unavailable`,
    `BudgetExceeded`…); what was done stays.
    """
    begin, done = begin or services.db.begin, 0
    collection = await _open(services)
    while True:
        async with services.db.begin() as conn:
            batch = await unembedded(conn, services.llm.embedding_key, limit=_BATCH)
        if not batch:
            return done
        embedded = await services.llm.embed([article.text for article in batch])
        await services.vectors.upsert(collection, list(_rows(batch, embedded.vectors)))
        near = await near_in_meaning(services, collection, batch, embedded.vectors)
        async with begin() as conn:
            folded = await fold(conn, await same_story(conn, near)) if near else 0
            await mark_embedded(conn, embedded.key, [article.id for article in batch])
        done += len(batch)
        log.info("embedded", articles=len(batch), folded=folded, key=embedded.key)


def _rows(batch: Iterable[Unembedded], vectors: Vectors) -> Iterable[VectorRow]:
    """Rows to store; a text without two letters has a zero vector, which nothing can be like."""
    for article, vector in zip(batch, vectors, strict=True):
        if vector.any():
            yield VectorRow(
                key=article.id,
                vector=vector,
                published_at=article.published_at,
                first_seen_at=article.first_seen_at,
                codes=article.codes,
            )


async def reconcile(services: Services, *, begin: Begin | None = None) -> int:
    """Let the marks say what the vector store holds, so that `embed_pending` restores what it lost.

    Vectors of articles that are not marked are removed. Returns how many articles lost their mark. Not to be run
    beside `embed_pending`.
    """
    key, collection = services.llm.embedding_key, await _open(services)
    held = await services.vectors.keys(collection)
    async with (begin or services.db.begin)() as conn:
        marked = await embedded_ids(conn, key)
        lost = await mark_embedded(conn, None, marked - held)
    await services.vectors.delete(collection, held - marked)
    return lost


async def similar_articles(
    services: Services,
    text: str,
    *,
    code: str | None = None,
    as_of: datetime,
    limit: int = 5,
    exclude: Collection[int] = (),
) -> list[Similar]:
    """The articles nearest in meaning to `text`, nearest first, one a story, about `code` if given.

    Nothing published or first seen after `as_of`, and nothing of the stories of the articles in `exclude`. Raises
    `Unavailable` where the vectors or the embedding cannot be had (`QuotaExceeded` and `BudgetExceeded` also).
    """
    scores = await _by_meaning(services, text, code=code, as_of=as_of, limit=limit, exclude=exclude)
    return await _stories(services, scores, as_of=as_of, limit=limit, exclude=exclude)


async def search_articles(
    services: Services,
    query: str,
    *,
    code: str | None = None,
    since: datetime | None = None,
    as_of: datetime,
    mode: Mode = "both",
    limit: int = 10,
) -> list[Similar]:
    """The articles known at `as_of` and published at or after `since` that `query` finds, best first, one a story.

    By words every word must occur, whatever particle follows it; `both` joins the two orders by reciprocal rank
    fusion. Raises as `similar_articles`, except by words alone.
    """
    orders: list[Sequence[int]] = []
    if mode != "words":
        orders.append(list(await _by_meaning(services, query, code=code, as_of=as_of, limit=limit)))
    if mode != "meaning":
        orders.append(await _by_words(services, query, code=code, since=since, as_of=as_of, limit=limit))
    return await _stories(services, _fused(orders), since=since, as_of=as_of, limit=limit)


async def _open(services: Services) -> str:
    collection = collection_of(services.llm.embedding_key)
    await services.vectors.open(collection, services.llm.embedding_dim)
    return collection


async def _by_meaning(
    services: Services, text: str, *, code: str | None, as_of: datetime, limit: int, exclude: Collection[int] = ()
) -> dict[int, float]:
    """Ids and similarities, nearest first; more than `limit`, as some will fall away."""
    vector = (await services.llm.embed([text], code=code)).vectors[0]
    if not vector.any():
        return {}
    hits = await services.vectors.search(
        await _open(services),
        vector,
        limit=limit * _SPARE,
        seen_before=as_of,
        code=code,
        exclude=exclude,
    )
    return {hit.key: hit.score for hit in hits}


async def _by_words(
    services: Services, query: str, *, code: str | None, since: datetime | None, as_of: datetime, limit: int
) -> list[int]:
    words = words_in(query)
    if not words:
        return []
    async with services.db.begin() as conn:
        return await find_words(conn, words, code=code, since=since, as_of=as_of, limit=limit * _SPARE)


def _fused(orders: Iterable[Sequence[int]]) -> dict[int, float]:
    scores: dict[int, float] = {}
    for order in orders:
        for rank, number in enumerate(order, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (_FUSION + rank)
    return dict(sorted(scores.items(), key=lambda item: (-item[1], -item[0])))


async def _stories(
    services: Services,
    scores: dict[int, float],
    *,
    since: datetime | None = None,
    as_of: datetime,
    limit: int,
    exclude: Collection[int] = (),
) -> list[Similar]:
    """The best article of each story, in the order of `scores`, as far as PostgreSQL knows it at `as_of`."""
    async with services.db.begin() as conn:
        known = await known_articles(conn, scores, as_of=as_of)
        told = await stories_of(conn, exclude)
    found = []
    for number, score in scores.items():
        if number not in known:
            continue
        story, article = known[number]
        if story not in told and (since is None or article.published_at >= since):
            told.add(story)
            found.append(Similar(article=article, score=score))
    return found[:limit]
