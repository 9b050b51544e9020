"""SQL of briefs: who is told, and what is known of all their stocks, each read once for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Text, any_, cast, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.briefs.brief import LONGEST_NAME, LONGEST_TITLE, OLDEST, Filed, Flow, Reported, Scored, Slot, Story
from core.briefs.models import BriefChoiceRow
from core.chats.models import WatchItemRow
from core.chats.subscriptions import Mode, PersonalKind, subscribed
from core.clock import kst_date
from core.disclosures.filing import VIEWER, Weight
from core.disclosures.queries import issuer_codes
from core.prediction.forecast import Direction
from core.services import Services
from core.sources.models import SourceStatusRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Somebody who is to be told a brief: what they watch in the order added, and which briefs they chose."""

    user_id: int
    mode: Mode
    codes: tuple[str, ...]
    chosen: frozenset[Slot]


async def readers(conn: AsyncConnection, services: Services, slot: Slot) -> list[Reader]:
    """Everybody who wants this brief and watches a stock, by user id."""
    told = subscribed(services, PersonalKind.BRIEF).subquery()
    codes = func.array_agg(aggregate_order_by(WatchItemRow.code, WatchItemRow.added_at, WatchItemRow.code))
    query = (
        select(told.c.user_id, told.c.mode, BriefChoiceRow.slots, codes.label("codes"))
        .join(WatchItemRow, WatchItemRow.user_id == told.c.user_id)
        .outerjoin(BriefChoiceRow, BriefChoiceRow.user_id == told.c.user_id)
        .where(or_(BriefChoiceRow.slots.is_(None), cast(literal(slot.value), Text) == any_(BriefChoiceRow.slots)))
        .group_by(told.c.user_id, told.c.mode, BriefChoiceRow.slots)
        .order_by(told.c.user_id)
    )
    return [
        Reader(user_id=row.user_id, mode=Mode(row.mode), codes=tuple(row.codes), chosen=_chosen(row.slots))
        for row in await conn.execute(query)
    ]


async def chosen_slots(conn: AsyncConnection, user_id: int) -> frozenset[Slot]:
    """The briefs a person is told: all of them unless they chose."""
    query = select(BriefChoiceRow.slots).where(BriefChoiceRow.user_id == user_id)
    return _chosen((await conn.execute(query)).scalar_one_or_none())


async def choose_slots(conn: AsyncConnection, user_id: int, slots: Collection[Slot]) -> None:
    """Tell a known person these briefs from now on."""
    values = [slot.value for slot in Slot if slot in slots]
    statement = insert(BriefChoiceRow).values(user_id=user_id, slots=values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"slots": values}))


def _chosen(stored: Sequence[str] | None) -> frozenset[Slot]:
    return frozenset(slot for slot in Slot if stored is None or slot.value in stored)


async def names_of(conn: AsyncConnection, codes: Collection[str]) -> dict[str, str]:
    """What these stocks are called."""
    rows = await conn.execute(text("SELECT code, name FROM stock WHERE code = ANY(:codes)"), {"codes": list(codes)})
    return {row.code: row.name for row in rows}


async def read_at(conn: AsyncConnection, sources: Collection[str]) -> datetime | None:
    """When any of these sources was read last, None if none ever was."""
    query = select(func.max(SourceStatusRow.last_success_at)).where(SourceStatusRow.source.in_(sources))
    return (await conn.execute(query)).scalar_one_or_none()


_STORIES: Final = text(
    """
    SELECT a.id, m.code, a.title, a.url, a.press, m.relevance, a.published_at,
        a.first_seen_at AS seen_at,
        (SELECT count(DISTINCT b.press) FROM article b WHERE b.story_id = a.id AND b.first_seen_at <= :as_of) AS presses
    FROM article a JOIN match m ON m.article_id = a.id
    WHERE a.first_seen_at > :since AND a.first_seen_at <= :as_of AND a.published_at > :published
        AND coalesce(a.story_id, a.id) = a.id AND a.gone_at IS NULL AND m.code = ANY(:codes)
    """
)


async def new_stories(
    conn: AsyncConnection, names: Mapping[str, str], *, since: datetime, as_of: datetime
) -> dict[str, list[Story]]:
    """The stories about each of these stocks that were first seen in (since, as_of], none of them old then."""
    values = {"since": since, "as_of": as_of, "published": since - OLDEST, "codes": list(names)}
    found: defaultdict[str, list[Story]] = defaultdict(list)
    for row in await conn.execute(_STORIES, values):
        found[row.code].append(
            Story(
                id=row.id,
                stock=names[row.code],
                title=_capped(row.title, LONGEST_TITLE),
                url=row.url,
                press=_capped(row.press, LONGEST_NAME),
                presses=max(row.presses, 1),
                relevance=row.relevance,
                published_at=row.published_at,
                seen_at=row.seen_at,
            )
        )
    return found


_FILINGS: Final = text(
    """
    SELECT id, code, name, receipt, kind, weight, filed_on, filed_at, first_seen_at AS seen_at FROM disclosure
    WHERE code = ANY(:codes) AND first_seen_at > :since AND first_seen_at <= :as_of AND linked_at <= :as_of
        AND filed_on >= :oldest AND remarks NOT LIKE '%철%'
    """
)


async def new_filings(
    conn: AsyncConnection, names: Mapping[str, str], *, since: datetime, as_of: datetime
) -> dict[str, list[Filed]]:
    """The filings of each of these stocks' companies first seen in (since, as_of], none of them old then."""
    watched: defaultdict[str, list[str]] = defaultdict(list)
    for code in names:
        for issuer in issuer_codes(code):
            watched[issuer].append(code)
    values = {"since": since, "as_of": as_of, "oldest": kst_date(since - OLDEST), "codes": list(watched)}
    found: defaultdict[str, list[Filed]] = defaultdict(list)
    for row in await conn.execute(_FILINGS, values):
        for code in watched[row.code]:
            found[code].append(
                Filed(
                    id=row.id,
                    stock=names[code],
                    name=_capped(row.name, LONGEST_TITLE),
                    url=VIEWER + row.receipt,
                    kind=row.kind,
                    weight=Weight(row.weight),
                    filed_on=row.filed_on,
                    filed_at=row.filed_at,
                    seen_at=row.seen_at,
                )
            )
    return found


_INDEX_CLOSES: Final = text(
    "SELECT asked.code, bar.day, bar.close FROM unnest(CAST(:codes AS text[])) AS asked(code) CROSS JOIN LATERAL "
    "(SELECT day, close FROM index_daily_price WHERE code = asked.code ORDER BY day DESC LIMIT 2) AS bar "
    "ORDER BY bar.day"
)


async def index_closes(conn: AsyncConnection, codes: Sequence[str]) -> dict[str, list[tuple[date, float]]]:
    """The newest two closes of each of these indices, oldest first, as far as they are known."""
    found: defaultdict[str, list[tuple[date, float]]] = defaultdict(list)
    for row in await conn.execute(_INDEX_CLOSES, {"codes": list(codes)}):
        found[row.code].append((row.day, row.close))
    return found


_ESTIMATES: Final = text(
    "SELECT DISTINCT ON (code) code, at, foreign_shares, institution_shares FROM flow_estimate "
    "WHERE code = ANY(:codes) AND at > :since AND first_seen_at <= :as_of ORDER BY code, at DESC"
)


async def estimated_flows(
    conn: AsyncConnection, names: Mapping[str, str], prices: Mapping[str, int], *, since: datetime, as_of: datetime
) -> dict[str, Flow]:
    """The newest estimate since an instant of who bought each of these stocks, as far as one is known."""
    values = {"codes": list(names), "since": since, "as_of": as_of}
    return {
        row.code: Flow(
            name=names[row.code],
            foreigners=row.foreign_shares,
            institutions=row.institution_shares,
            worth=(abs(row.foreign_shares) + abs(row.institution_shares)) * prices.get(row.code, 0),
            estimated_at=row.at,
        )
        for row in await conn.execute(_ESTIMATES, values)
    }


_REPORTS: Final = text(
    "SELECT DISTINCT ON (code) code, verdict, confidence, made_at FROM stock_analysis "
    "WHERE code = ANY(:codes) AND made_at >= :since AND made_at <= :as_of ORDER BY code, made_at DESC, id DESC"
)


async def new_reports(
    conn: AsyncConnection, names: Mapping[str, str], *, since: datetime, as_of: datetime
) -> dict[str, Reported]:
    """The newest report of each of these stocks that was made in [since, as_of]."""
    values = {"codes": list(names), "since": since, "as_of": as_of}
    return {
        row.code: Reported(
            code=row.code,
            name=names[row.code],
            verdict=Direction(row.verdict),
            confidence=row.confidence,
            at=row.made_at,
        )
        for row in await conn.execute(_REPORTS, values)
    }


_SCORED: Final = text(
    """
    SELECT p.code, e.sessions, e.closed_on, e.called, e.actual, e.return_percent
    FROM model_evaluation e JOIN prediction p ON p.id = e.prediction_id
    WHERE e.closed_on >= :oldest AND e.scored_at > :since AND e.scored_at <= :as_of AND e.called IS NOT NULL
        AND p.live AND p.code = ANY(:codes) AND EXISTS (
            SELECT FROM stock_analysis s
            WHERE s.code = p.code AND s.lead_model = p.model_key AND s.input_hash = p.input_hash
        )
    ORDER BY p.code, e.closed_on, p.id
    """
)


async def new_scores(
    conn: AsyncConnection, names: Mapping[str, str], *, since: datetime, as_of: datetime, oldest: date
) -> dict[str, list[Scored]]:
    """The live calls that reports about these stocks led with and that were scored in (since, as_of]."""
    values = {"codes": list(names), "since": since, "as_of": as_of, "oldest": oldest}
    found: defaultdict[str, list[Scored]] = defaultdict(list)
    for row in await conn.execute(_SCORED, values):
        found[row.code].append(
            Scored(
                name=names[row.code],
                sessions=row.sessions,
                closed_on=row.closed_on,
                called=Direction(row.called),
                actual=Direction(row.actual),
                return_percent=row.return_percent,
            )
        )
    return found


def _capped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
