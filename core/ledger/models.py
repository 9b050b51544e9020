"""Tables of the ledger: calls, what was told about them, and what a reset archived."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class UsageRecordRow(Base):
    """One outside call. A paid one is written when the money is reserved (`settled_at` null, `cost_usd` the
    estimate) and completed when the answer is in, so that a crash in between still counts. An unpaid one (market
    data, news: `model` empty, cost 0) is written once it is over."""

    __tablename__ = "usage_record"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "request_id"),
        # The sum of the month is read from this index alone, before every paid call.
        Index(
            "ix_usage_record_paid",
            "at",
            postgresql_include=["id", "cost_usd", "settled_at"],
            postgresql_where=text("cost_usd > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    provider: Mapped[str]
    endpoint: Mapped[str]
    model: Mapped[str]
    purpose: Mapped[str]
    tokens_in: Mapped[int] = mapped_column(server_default="0")
    tokens_cached: Mapped[int] = mapped_column(server_default="0")
    tokens_out: Mapped[int] = mapped_column(server_default="0")
    cost_usd: Mapped[Decimal]
    status_code: Mapped[int | None]
    error_code: Mapped[str | None]
    response_ms: Mapped[int | None]
    user_id: Mapped[int | None]
    request_id: Mapped[str]
    code: Mapped[str | None]


class UsageAlertRow(Base):
    """A threshold reached in a period: once, whoever finds it first. `told_at` null waits to be told.

    `kind` is "budget" (`subject` "day" or "month") or "error_rate" (`subject` the provider), `level` the percentage.
    """

    __tablename__ = "usage_alert"
    __table_args__ = (UniqueConstraint("kind", "subject", "period", "level"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    period: Mapped[str]
    level: Mapped[int]
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class UsageArchiveRow(Base):
    """One reset: the calls of the Seoul `day` up to row `last_id` are put away as a batch, with their sums.

    The rows stay where they are; from here on the day's budget and figures begin after `last_id`.
    """

    __tablename__ = "usage_archive"
    __table_args__ = (Index(None, "day"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    day: Mapped[date]
    at: Mapped[datetime]
    actor_id: Mapped[int]
    first_id: Mapped[int]
    last_id: Mapped[int]
    calls: Mapped[int]
    cost_usd: Mapped[Decimal]
