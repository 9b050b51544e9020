"""The table of paid calls."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class UsageRecordRow(Base):
    """One paid outside call. It is written when the money is reserved (`settled_at` null, `cost_usd` the
    estimate) and completed when the answer is in, so that a crash in between still counts."""

    __tablename__ = "usage_record"
    __table_args__ = (Index(None, "at"), Index(None, "request_id"))

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
