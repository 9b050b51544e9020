"""The table of daily figures."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class DailyUsageRow(Base):
    """The calls of one Seoul day to one endpoint with one ending, made from `usage_record` and kept for ever.

    `error_code` is empty for calls without an error; of those `calls` not counted in `succeeded` never came back.
    `timed` calls have a response time; `p95_ms` is the least time that 95 % of them do not exceed.
    """

    __tablename__ = "daily_usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    error_code: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int]
    succeeded: Mapped[int]
    failed: Mapped[int]
    timed: Mapped[int]
    mean_ms: Mapped[float | None]
    p95_ms: Mapped[int | None]
    tokens_in: Mapped[int]
    tokens_cached: Mapped[int]
    tokens_out: Mapped[int]
    cost_usd: Mapped[Decimal]
    refreshed_at: Mapped[datetime]
