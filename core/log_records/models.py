"""The table of log rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LogRecordRow(Base):
    """What was logged at WARNING or above; equal lines of the same moment are one row, counted in `repeated`."""

    __tablename__ = "log_record"
    __table_args__ = (
        Index(None, "at"),
        Index("ix_log_record_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    level: Mapped[str]
    category: Mapped[str]
    event: Mapped[str]
    logger: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    reference: Mapped[str | None]
    repeated: Mapped[int] = mapped_column(server_default="1")
