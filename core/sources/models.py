"""Tables of source state and of rows that could not be used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SourceStatusRow(Base):
    """The state of one source: its last success, its failures in a row, and until when its circuit is open."""

    __tablename__ = "source_status"

    source: Mapped[str] = mapped_column(primary_key=True)
    last_success_at: Mapped[datetime | None]
    last_items: Mapped[int | None]
    last_failure_at: Mapped[datetime | None]
    failure_kind: Mapped[str | None]
    failure_message: Mapped[str | None]
    failures_in_row: Mapped[int] = mapped_column(server_default="0")
    open_until: Mapped[datetime | None]


class QuarantineRow(Base):
    """One row from outside that failed validation, with its reason, capped in length."""

    __tablename__ = "quarantine"
    __table_args__ = (Index(None, "source", "seen_at"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source: Mapped[str]
    reason: Mapped[str]
    raw: Mapped[str]
    seen_at: Mapped[datetime]
