"""SQL of personal alerts: what came lately about watched stocks, what was told of them, and whom it concerns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Select, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.alerts.event import Event
from core.alerts.models import AlertEventRow
from core.chats.models import WatchItemRow
from core.chats.subscriptions import PersonalKind, subscribed
from core.services import Services


def watchers(services: Services, event: Event) -> Select[int, str]:
    """`user_id` and `mode` of everybody who is to be told of an event: they have watched since before it happened."""
    since = select(WatchItemRow.user_id).where(WatchItemRow.code.in_(event.codes), WatchItemRow.added_at <= event.at)
    people = subscribed(services, event.topic).subquery()
    return select(people.c.user_id, people.c.mode).where(people.c.user_id.in_(since))


_ADD: Final = text(
    """
    INSERT INTO alert_event (key, kind, code, at, told)
    SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:kinds AS text[]), CAST(:codes AS text[]),
        CAST(:ats AS timestamptz[]), CAST(:told AS boolean[])) AS e (key, kind, code, at, told)
    ORDER BY key ON CONFLICT DO NOTHING RETURNING key
    """
)
"""In the order of the keys, so that two who tell at once do not lock each other."""


async def add_events(conn: AsyncConnection, events: Sequence[Event]) -> set[str]:
    """Remember events; returns the keys of those that nobody had remembered before."""
    if not events:
        return set()
    values = {
        "keys": [event.key for event in events],
        "kinds": [event.topic for event in events],
        "codes": [event.code for event in events],
        "ats": [event.at for event in events],
        "told": [event.told for event in events],
    }
    return set((await conn.execute(_ADD, values)).scalars())


async def remembered(conn: AsyncConnection, keys: Collection[str]) -> set[str]:
    """Those of these keys under which an event is remembered."""
    return set((await conn.execute(select(AlertEventRow.key).where(AlertEventRow.key.in_(keys)))).scalars())


async def forget_events(conn: AsyncConnection, *, before: datetime) -> None:
    """Forget what happened before `before`."""
    await conn.execute(delete(AlertEventRow).where(AlertEventRow.at < before))


async def told_since(conn: AsyncConnection, topic: PersonalKind, since: datetime) -> dict[str, int]:
    """How many events of a kind were told of each stock since `since`, by code."""
    query = text(
        "SELECT code, count(*) AS told FROM alert_event WHERE kind = :kind AND told AND at > :since GROUP BY code"
    )
    return {row.code: row.told for row in await conn.execute(query, {"kind": topic, "since": since})}


async def stock_names(conn: AsyncConnection, codes: Collection[str]) -> dict[str, str]:
    """What stocks are called, by code."""
    rows = await conn.execute(text("SELECT code, name FROM stock WHERE code = ANY(:codes)"), {"codes": list(codes)})
    return {row.code: row.name for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewReport:
    """A report nobody was told of yet; `before` is the verdict of the one before it."""

    id: int
    code: str
    made_at: datetime
    verdict: str
    before: str | None
    confidence: float
    base_price: int
    target: int | None


_REPORTS: Final = text(
    """
    SELECT r.id, r.code, r.made_at, r.verdict, r.confidence, r.base_price, r.short_term_target AS target,
        (SELECT b.verdict FROM stock_analysis b WHERE b.code = r.code AND (b.made_at, b.id) < (r.made_at, r.id)
            ORDER BY b.made_at DESC, b.id DESC LIMIT 1) AS before
    FROM unnest(CAST(:codes AS text[])) AS w (code) JOIN stock_analysis r ON r.code = w.code
    WHERE r.made_at > :since AND r.last_update_reason = 'scheduled'
        AND NOT EXISTS (SELECT FROM alert_event e WHERE e.key = 'report:' || r.id)
    ORDER BY r.made_at, r.id
    """
)


async def new_reports(conn: AsyncConnection, codes: Collection[str], *, since: datetime) -> list[NewReport]:
    """The scheduled reports about these stocks made after `since` and not remembered, oldest first."""
    rows = await conn.execute(_REPORTS, {"codes": list(codes), "since": since})
    return [NewReport(**row._mapping) for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStory:
    """A story about a stock nobody was told of yet, by its first article."""

    story: int
    code: str
    relevance: float
    title: str
    press: str
    url: str
    published_at: datetime
    first_seen_at: datetime


_STORIES: Final = text(
    """
    SELECT h.id AS story, m.code, max(m.relevance) AS relevance, h.title, h.press, h.url, h.published_at,
        h.first_seen_at
    FROM article h JOIN article a ON a.story_id = h.id JOIN match m ON m.article_id = a.id
    WHERE h.first_seen_at > :since AND h.published_at > :since AND h.gone_at IS NULL AND a.first_seen_at > :since
        AND coalesce(h.story_id, h.id) = h.id AND m.relevance >= :floor AND m.code = ANY(:codes)
        AND NOT EXISTS (SELECT FROM alert_event e WHERE e.key = 'news:' || h.id || ':' || m.code)
    GROUP BY h.id, m.code ORDER BY relevance DESC, h.first_seen_at, h.id
    """
)


async def new_stories(
    conn: AsyncConnection, codes: Collection[str], *, since: datetime, floor: float
) -> list[NewStory]:
    """The stories about these stocks that began after `since` and are not remembered, the most relevant first."""
    rows = await conn.execute(_STORIES, {"codes": list(codes), "since": since, "floor": floor})
    return [NewStory(**row._mapping) for row in rows]


async def new_filings(
    conn: AsyncConnection, issuers: Collection[str], *, since: datetime, since_day: date, weights: Collection[str]
) -> list[int]:
    """The numbers of filings by these companies, of these weights, that became known after `since`, were filed on
    `since_day` or later and are not remembered, oldest first."""
    query = text(
        "SELECT d.id FROM disclosure d WHERE d.code = ANY(:codes) AND d.linked_at > :since AND d.filed_on >= :day "
        "AND coalesce(d.filed_at, d.first_seen_at) > :since AND d.weight = ANY(:weights) "
        "AND NOT EXISTS (SELECT FROM alert_event e WHERE e.key = 'disclosure:' || d.receipt) "
        "ORDER BY coalesce(d.filed_at, d.first_seen_at), d.receipt"
    )
    values = {"codes": list(issuers), "since": since, "day": since_day, "weights": list(weights)}
    return list((await conn.execute(query, values)).scalars())


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """The mean volume of the twenty sessions before a day, and the last close of them."""

    volume: float
    last_close: int


USUAL: Final = (
    "SELECT avg(volume)::float AS volume, (array_agg(close ORDER BY day DESC))[1] AS last_close "
    "FROM (SELECT day, close, volume, split_ratio FROM daily_price p WHERE p.code = w.code AND p.day < :before "
    "ORDER BY p.day DESC LIMIT 20) AS last HAVING count(*) = 20 AND count(split_ratio) = 0"
)
"""The columns of `Usual`, of the stock `w`; no row where it has fewer sessions or was re-based within them."""


async def usual_volumes(conn: AsyncConnection, codes: Collection[str], *, before: date) -> dict[str, Usual]:
    """What was usual of stocks before a day, where that can be said."""
    query = text(
        "SELECT w.code, b.volume, b.last_close FROM unnest(CAST(:codes AS text[])) AS w (code) "
        f"CROSS JOIN LATERAL ({USUAL}) AS b"
    )
    rows = await conn.execute(query, {"codes": list(codes), "before": before})
    return {row.code: Usual(volume=row.volume, last_close=row.last_close) for row in rows}


async def codes_with_flows(
    conn: AsyncConnection, codes: Collection[str], *, day: date, since: datetime
) -> Mapping[str, datetime]:
    """When the flows of session `day` were first seen, of those of these stocks of which that was after `since` and
    nothing is remembered."""
    query = text(
        "SELECT code, min(first_seen_at) AS at FROM investor_trading t WHERE day = :day AND code = ANY(:codes) "
        "AND NOT EXISTS (SELECT FROM alert_event e WHERE e.key = 'flow:' || t.code || ':' || :written) "
        "GROUP BY code HAVING min(first_seen_at) > :since"
    )
    values = {"day": day, "codes": list(codes), "since": since, "written": day.isoformat()}
    return {row.code: row.at for row in await conn.execute(query, values)}
