"""Tables of reports."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class StockAnalysisRow(Base):
    """One report. `body` is the report value as JSON; `wording` says whether a model's words or facts only."""

    __tablename__ = "stock_analysis"
    __table_args__ = (Index(None, "code", "made_at"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"))
    made_at: Mapped[datetime]
    as_of: Mapped[datetime]
    last_update_reason: Mapped[str]
    last_market_phase: Mapped[str]
    base_price: Mapped[int]
    short_term_target: Mapped[int | None]
    long_term_target: Mapped[int | None]
    verdict: Mapped[str]
    confidence: Mapped[float]
    lead_model: Mapped[str]
    wording: Mapped[str]
    body: Mapped[dict[str, Any]]
    input_hash: Mapped[str]


class ReportUpdateRow(Base):
    """One attempt to renew a report: why, when in the day, and what came of it."""

    __tablename__ = "report_update"
    __table_args__ = (Index(None, "code", "at"), Index(None, "at"), Index(None, "analysis_id"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"))
    at: Mapped[datetime]
    reason: Mapped[str]
    phase: Mapped[str]
    succeeded: Mapped[bool]
    failure: Mapped[str | None]
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("stock_analysis.id"))
    predictions: Mapped[int]
    llm_calls: Mapped[int]
    cost_usd: Mapped[Decimal]
    seconds: Mapped[float]
