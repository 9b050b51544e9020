"""SQL of reports, their updates, and the record of who leads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.disclosures.queries import issuer_codes
from core.ledger.models import UsageRecordRow
from core.news.models import ArticleRow, MatchRow
from core.reports.models import ReportUpdateRow, StockAnalysisRow
from core.reports.report import Report

REPORT = TypeAdapter(Report)


async def newest(conn: AsyncConnection, code: str) -> Report | None:
    """The newest report about a stock."""
    query = select(StockAnalysisRow.id, StockAnalysisRow.body).where(StockAnalysisRow.code == code)
    row = (
        await conn.execute(query.order_by(StockAnalysisRow.made_at.desc(), StockAnalysisRow.id.desc()).limit(1))
    ).one_or_none()
    return None if row is None else REPORT.validate_python(row.body | {"id": row.id})


async def store(conn: AsyncConnection, report: Report) -> int:
    """Keep a report; returns its number."""
    values = {
        "code": report.stock.code,
        "made_at": report.made_at,
        "as_of": report.as_of,
        "last_update_reason": report.reason,
        "last_market_phase": report.phase,
        "base_price": report.base_price,
        "short_term_target": report.short_target,
        "long_term_target": report.long_target,
        "verdict": report.verdict,
        "confidence": report.confidence,
        "lead_model": report.lead_model,
        "wording": report.wording,
        "body": REPORT.dump_python(report, mode="json"),
        "input_hash": report.input_hash,
    }
    number: int = (
        await conn.execute(insert(StockAnalysisRow).values(**values).returning(StockAnalysisRow.id))
    ).scalar_one()
    return number


async def note_update(conn: AsyncConnection, **values: Any) -> None:
    """Record one attempt to renew a report."""
    await conn.execute(insert(ReportUpdateRow).values(**values))


_LATE_DAYS = 3

_NEWEST_AND_SINCE = text(
    """
    WITH newest AS (
        SELECT id, body, as_of, made_at FROM stock_analysis WHERE code = :code ORDER BY made_at DESC, id DESC LIMIT 1
    )
    SELECT id, body::text AS body,
        (SELECT count(DISTINCT coalesce(story_id, article.id)) FROM article JOIN match ON article_id = article.id
         WHERE code = :code AND first_seen_at > as_of AND first_seen_at <= :until) AS articles,
        (SELECT count(*) FROM prediction WHERE code = :code AND prediction.made_at > newest.made_at AND live
         AND outcome = 'made' AND model_key NOT LIKE 'rule:%') AS predictions,
        (SELECT count(*) FROM disclosure WHERE code = ANY(:codes) AND weight = 'material' AND first_seen_at > as_of
         AND first_seen_at <= :until
         AND filed_on >= (as_of AT TIME ZONE 'Asia/Seoul')::date - CAST(:late AS integer)) AS disclosures
    FROM newest
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Since:
    """What came since a report: stories and material filings first seen, live predictions of models sealed."""

    articles: int = 0
    predictions: int = 0
    disclosures: int = 0


async def newest_and_since(conn: AsyncConnection, code: str, *, until: datetime) -> tuple[Report, Since] | None:
    """The newest report about a stock, and what came since what it knew. One round trip: every question about a stock
    asks it. A filing that was found days late renews nothing: what it said is in the price."""
    values = {"code": code, "codes": issuer_codes(code), "until": until, "late": _LATE_DAYS}
    row = (await conn.execute(_NEWEST_AND_SINCE, values)).one_or_none()
    if row is None:
        return None
    since = Since(articles=row.articles, predictions=row.predictions, disclosures=row.disclosures)
    return _read(row.id, row.body), since


@lru_cache(maxsize=256)
def _read(number: int, body: str) -> Report:
    """A stored report. The same one is asked for again and again, and reading it costs more than fetching it."""
    return replace(REPORT.validate_json(body), id=number)


async def new_articles(conn: AsyncConnection, code: str, *, since: datetime, until: datetime) -> int:
    """How many stories about a stock were first seen in (since, until]."""
    query = (
        select(func.count(func.distinct(func.coalesce(ArticleRow.story_id, ArticleRow.id))))
        .join(MatchRow, MatchRow.article_id == ArticleRow.id)
        .where(MatchRow.code == code, ArticleRow.first_seen_at > since, ArticleRow.first_seen_at <= until)
    )
    return (await conn.execute(query)).scalar_one()


async def calls_of(conn: AsyncConnection, request_id: str) -> tuple[int, Decimal]:
    """How many paid calls a request made, and what they cost in dollars."""
    query = select(func.count(), func.coalesce(func.sum(UsageRecordRow.cost_usd), 0))
    row = (await conn.execute(query.where(UsageRecordRow.request_id == request_id))).one()
    return row[0], Decimal(row[1])
