"""SQL of news: writing what a source showed. Every write may be repeated and changes nothing the second time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.alike import Gist, alike, gist_of
from core.news.article import ArticlePage, Headline
from core.news.identity import fingerprint, identity_of, normalised_url
from core.news.matching import Match
from core.news.models import ArticleAliasRow, ArticleRow, ArticleSourceRow, MatchRow

PRESS: Final = "press"
"""The source under which the press's own addresses are kept."""

SAME_STORY: Final = timedelta(hours=48)
"""How far apart equal texts are one story; further apart they are a title that comes every day."""

_LOCK: Final = 0x6E657773
"""The advisory lock of those who write articles."""
_LEAD: Final = 200
_COMPARED: Final = 1_200


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An article about to be stored. `tags` are the stocks in whose lists it stood, `names` the list of names that
    `matches` were found with."""

    headline: Headline
    tags: tuple[str, ...]
    matches: tuple[Match, ...]
    page: ArticlePage | None = None
    partial: bool = False
    names: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Everything the article is known by; the page may name the press's own address."""
        original = self.page.original_url if self.page else None
        known = identity_of(original) if original else None
        return tuple(dict.fromkeys((*self.headline.ids, *((known,) if known else ()))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """The texts of a stored article."""

    id: int
    title: str
    text: str


async def seen_titles(conn: AsyncConnection, source: str, ids: Collection[str]) -> dict[str, str | None]:
    """Those of the source's ids that are stored, with the title it showed for each then."""
    query = select(ArticleSourceRow.source_id, ArticleSourceRow.title).where(
        ArticleSourceRow.source == source, ArticleSourceRow.source_id.in_(ids)
    )
    return {row.source_id: row.title for row in await conn.execute(query)}


async def stored_texts(conn: AsyncConnection, ids: Collection[str]) -> dict[str, Stored]:
    """The texts of those articles that are stored, from any source: any id they are known by → texts."""
    known = await numbers_of(conn, ids)
    columns = (ArticleRow.id, ArticleRow.title, ArticleRow.summary, ArticleRow.body)
    rows = await conn.execute(select(*columns).where(ArticleRow.id.in_(set(known.values()))))
    texts = {row.id: Stored(id=row.id, title=row.title, text=row.body or row.summary) for row in rows}
    return {name: texts[number] for name, number in known.items()}


async def numbers_of(conn: AsyncConnection, ids: Collection[str]) -> dict[str, int]:
    """The articles known by these ids: canonical or further ones."""
    query = text(
        "SELECT canonical_id AS known_as, id AS article_id FROM article WHERE canonical_id = ANY(:ids) "
        "UNION ALL SELECT known_as, article_id FROM article_alias WHERE known_as = ANY(:ids)"
    )
    rows = (await conn.execute(query, {"ids": list(ids)})).all()
    return {row.known_as: row.article_id for row in sorted(rows, key=lambda row: -row.article_id)}


async def take_turn(conn: AsyncConnection) -> None:
    """Wait until nobody else writes articles, until the transaction ends: two that write at once would not see that
    they write the same article under two names."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def store_drafts(conn: AsyncConnection, source: str, drafts: Sequence[Draft], *, at: datetime) -> int:
    """Write articles first seen at `at`, where they were seen, their stories and matches; returns how many were new.

    An article that is stored already, under any of its ids, keeps its texts and gains the places and matches it did
    not have; two stored ones that turn out to be the same become one story. Writers take turns until they commit.
    """
    if not drafts:
        return 0
    await take_turn(conn)
    known = await numbers_of(conn, {name for draft in drafts for name in draft.ids})
    first: dict[str, Draft] = {}
    for draft in drafts:
        if not any(name in known or name in first for name in draft.ids):
            first |= dict.fromkeys(draft.ids, draft)
    fresh = list({id(draft): draft for draft in first.values()}.values())
    new: list[int] = []
    if fresh:
        statement = insert(ArticleRow).values([_article(draft, at) for draft in fresh]).on_conflict_do_nothing()
        new = list((await conn.execute(statement.returning(ArticleRow.id))).scalars())
        await _join_stories(conn, new)
        known |= await numbers_of(conn, {draft.headline.canonical_id for draft in fresh})
    placed = [(_number(draft, first, known), draft) for draft in drafts]
    await _add_sources(conn, [row for number, draft in placed for row in _sources(source, number, draft, at)])
    await _add_aliases(conn, placed)
    await _add_matches(conn, [row for number, draft in placed for row in _match_rows(number, draft.matches)])
    await _unite(conn, placed, known)
    return len(new)


def _number(draft: Draft, first: Mapping[str, Draft], known: Mapping[str, int]) -> int:
    """The stored article of a draft: the oldest of those known by its ids, or that of an equal draft before it."""
    stored = [known[name] for name in draft.ids if name in known]
    if stored:
        return min(stored)
    twin = next(first[name] for name in draft.ids if name in first)
    return known[twin.headline.canonical_id]


def _article(draft: Draft, at: datetime) -> dict[str, Any]:
    headline, page = draft.headline, draft.page
    title, summary, body = texts_of(draft)
    return {
        "canonical_id": headline.canonical_id,
        "url": headline.address,
        "title": title,
        "summary": summary,
        "body": body,
        "press": headline.press or (page.press if page else ""),
        "partial": draft.partial or bool(page and page.partial),
        "published_at": (page.published_at if page else None) or headline.published_at,
        "edited_at": page.edited_at if page else None,
        "first_seen_at": at,
        "fingerprint": fingerprint(title, summary),
        "sketch": gist_of(title, summary, body).sketch,
        "checked_at": at if page else None,
        "matched_as": draft.names,
    }


def texts_of(draft: Draft) -> tuple[str, str, str | None]:
    """Title, summary and body as they are stored: a cut title whole, and a beginning where there is no summary."""
    headline, page = draft.headline, draft.page
    cut = headline.title.endswith(("...", "…"))
    body = page.body if page else headline.body
    summary = headline.summary or (body or "")[:_LEAD].replace("\n", " ").strip()
    return (page.title if page and page.title and cut else headline.title), summary, body


async def _join_stories(conn: AsyncConnection, new: Collection[int]) -> None:
    """Let every new article be a story, or repeat the one that an equal or nearly equal text near in time began.

    One after the other: an article may repeat one that is new as well. Only the beginning of a story counts, so that
    a text which comes every day does not become one endless story.
    """
    # Each way to a candidate by itself, so that each is a look into its own index.
    query = text(
        "SELECT n.id AS repeat, c.id, c.story_id, c.fingerprint = n.fingerprint AS equal, c.title, c.summary, "
        "left(c.body, :compared) AS body, n.title AS new_title, n.summary AS new_summary, "
        "left(n.body, :compared) AS new_body FROM article n CROSS JOIN LATERAL ("
        "SELECT id FROM article WHERE sketch && n.sketch UNION SELECT id FROM article WHERE fingerprint = n.fingerprint"
        ") AS near JOIN article c ON c.id = near.id AND c.id < n.id AND c.published_at BETWEEN "
        "n.published_at - CAST(:apart AS interval) AND n.published_at + CAST(:apart AS interval) "
        "AND coalesce(c.story_id, c.id) = c.id WHERE n.id = ANY(:ids) ORDER BY n.id, c.id"
    )
    values = {"ids": list(new), "apart": SAME_STORY, "compared": _COMPARED}
    story = {number: number for number in sorted(new)}
    gists: dict[int, Gist] = {}

    def gist(number: int, *texts: Any) -> Gist:
        return gists.get(number) or gists.setdefault(number, gist_of(*texts))

    candidates = (await conn.execute(query, values)).all()
    for row in candidates:
        if story[row.repeat] != row.repeat or story.get(row.id, row.id) != row.id:
            continue
        if row.equal or alike(
            gist(row.repeat, row.new_title, row.new_summary, row.new_body),
            gist(row.id, row.title, row.summary, row.body),
        ):
            story[row.repeat] = row.id
    set_story = text(
        "UPDATE article a SET story_id = told.story FROM unnest(CAST(:ids AS bigint[]), CAST(:stories AS bigint[])) "
        "AS told(id, story) WHERE a.id = told.id"
    )
    await conn.execute(set_story, {"ids": list(story), "stories": list(story.values())})


async def fold(conn: AsyncConnection, repeats: Mapping[int, int]) -> int:
    """Let stories repeat others (story → the other), with all that repeats them; returns how many did.

    The older one stays, so that it does not matter which is named first.
    """
    folded = 0
    for one, other in sorted(repeats.items()):
        heads = await conn.execute(
            text("SELECT DISTINCT coalesce(story_id, id) FROM article WHERE id IN (:one, :other)"),
            {"one": one, "other": other},
        )
        stories = sorted(heads.scalars())
        if len(stories) == 2:
            query = text("UPDATE article SET story_id = :stays WHERE coalesce(story_id, id) = :goes")
            await conn.execute(query, {"stays": stories[0], "goes": stories[1]})
            folded += 1
    return folded


async def _unite(conn: AsyncConnection, placed: Iterable[tuple[int, Draft]], known: Mapping[str, int]) -> None:
    others = {
        known[name]: number for number, draft in placed for name in draft.ids if known.get(name, number) != number
    }
    await fold(conn, others)


def _sources(source: str, number: int, draft: Draft, at: datetime) -> Iterable[dict[str, Any]]:
    canonical_id, url = draft.headline.canonical_id, draft.headline.address
    seen = {"article_id": number, "seen_at": at, "title": draft.headline.title}
    for tag in draft.tags or (None,):
        yield {"source": source, "source_id": f"{tag}/{canonical_id}" if tag else canonical_id, "url": url, **seen}
    original = draft.page.original_url if draft.page else None
    if original and (known_as := normalised_url(original)):
        yield {"source": PRESS, "source_id": known_as, "url": original, **seen, "title": None}


async def _add_sources(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(insert(ArticleSourceRow).values(rows).on_conflict_do_nothing())


async def _add_aliases(conn: AsyncConnection, placed: Iterable[tuple[int, Draft]]) -> None:
    rows = [{"known_as": name, "article_id": number} for number, draft in placed for name in draft.ids]
    canonical = select(ArticleRow.canonical_id).where(ArticleRow.canonical_id.in_([row["known_as"] for row in rows]))
    named = set((await conn.execute(canonical)).scalars())
    further = [row for row in rows if row["known_as"] not in named]
    if further:
        await conn.execute(insert(ArticleAliasRow).values(further).on_conflict_do_nothing())


def _match_rows(number: int, matches: Iterable[Match]) -> Iterable[dict[str, Any]]:
    for match in matches:
        yield {"article_id": number, "code": match.code, "relevance": match.relevance, "reasons": list(match.reasons)}


async def _add_matches(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write matches; one that is stored keeps the greater relevance. A changed article waits for its vector again."""
    best: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        key = row["article_id"], row["code"]
        if key not in best or best[key]["relevance"] < row["relevance"]:
            best[key] = row
    if not best:
        return
    statement = insert(MatchRow).values(list(best.values()))
    excluded = statement.excluded
    changed = statement.on_conflict_do_update(
        index_elements=["article_id", "code"],
        set_={"relevance": excluded.relevance, "reasons": excluded.reasons},
        where=excluded.relevance > MatchRow.relevance,
    ).returning(MatchRow.article_id)
    ids = list((await conn.execute(changed)).scalars())
    await conn.execute(text("UPDATE article SET embedded_as = NULL WHERE id = ANY(:ids)"), {"ids": ids})


async def replace_matches(conn: AsyncConnection, number: int, matches: Sequence[Match]) -> None:
    """Let an article have these matches and no others; what the price did stays with those it had."""
    await conn.execute(
        text("DELETE FROM match WHERE article_id = :id AND code <> ALL(:codes)"),
        {"id": number, "codes": [match.code for match in matches]},
    )
    if matches:
        statement = insert(MatchRow).values(list(_match_rows(number, matches)))
        kept = {"relevance": statement.excluded.relevance, "reasons": statement.excluded.reasons}
        await conn.execute(statement.on_conflict_do_update(index_elements=["article_id", "code"], set_=kept))


async def add_matches(conn: AsyncConnection, matches: Mapping[int, Iterable[Match]], *, names: str) -> None:
    """Write the matches of stored articles found with the list of names `names`; those stored already stay."""
    await _add_matches(conn, [row for number, found in matches.items() for row in _match_rows(number, found)])
    query = text("UPDATE article SET matched_as = :names WHERE id = ANY(:ids)")
    await conn.execute(query, {"names": names, "ids": list(matches)})
