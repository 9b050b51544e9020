"""SQL of reports, their updates, and the record of who leads them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ScalarSelect, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ledger.models import UsageRecordRow
from core.news.models import ArticleRow, MatchRow
from core.prediction.models import PredictionRow
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


async def new_articles(conn: AsyncConnection, code: str, *, since: datetime, until: datetime) -> int:
    """How many stories about a stock were first seen in (since, until]."""
    return (await conn.execute(select(_new_articles(code, since, until)))).scalar_one()


async def news_since(conn: AsyncConnection, code: str, last: Report, *, until: datetime) -> tuple[int, int]:
    """How many stories were first seen since what a report knew, and how many live predictions models sealed since."""
    made = PredictionRow
    predictions = (
        select(func.count())
        .where(made.code == code, made.made_at > last.made_at, made.live, made.outcome == "made")
        .where(made.model_key.not_like("rule:%"))
        .scalar_subquery()
    )
    articles, sealed = (await conn.execute(select(_new_articles(code, last.as_of, until), predictions))).one()
    return articles, sealed


def _new_articles(code: str, since: datetime, until: datetime) -> ScalarSelect[int]:
    return (
        select(func.count(func.distinct(func.coalesce(ArticleRow.story_id, ArticleRow.id))))
        .join(MatchRow, MatchRow.article_id == ArticleRow.id)
        .where(MatchRow.code == code, ArticleRow.first_seen_at > since, ArticleRow.first_seen_at <= until)
        .scalar_subquery()
    )


async def calls_of(conn: AsyncConnection, request_id: str) -> tuple[int, Decimal]:
    """How many paid calls a request made, and what they cost in dollars."""
    query = select(func.count(), func.coalesce(func.sum(UsageRecordRow.cost_usd), 0))
    row = (await conn.execute(query.where(UsageRecordRow.request_id == request_id))).one()
    return row[0], Decimal(row[1])
