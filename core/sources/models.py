"""Tables of source state, of what is usual, of rows that could not be used, and of what two sources differ in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SourceStatusRow(Base):
    """The state of one source: its last success, its failures in a row, and until when its circuit is open."""

    __tablename__ = "source_status"

    source: Mapped[str] = mapped_column(primary_key=True)
    last_success_at: Mapped[datetime | None]
    last_items: Mapped[int | None]
    usual_items: Mapped[int | None]
    few: Mapped[bool] = mapped_column(server_default="false")
    last_failure_at: Mapped[datetime | None]
    failure_kind: Mapped[str | None]
    failure_message: Mapped[str | None]
    failures: Mapped[list[Any]] = mapped_column(server_default="[]")
    failures_in_row: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    openings: Mapped[int] = mapped_column(server_default="0")
    open_until: Mapped[datetime | None]
    failed: Mapped[bool] = mapped_column(server_default="false")
    episode: Mapped[int] = mapped_column(server_default="0")
    told: Mapped[bool] = mapped_column(server_default="false")


class SourceUsualRow(Base):
    """The last numbers of items a source brought in one hour (Seoul) of one kind of day, newest last."""

    __tablename__ = "source_usual"

    source: Mapped[str] = mapped_column(primary_key=True)
    day_kind: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class QuarantineRow(Base):
    """One row from outside that failed validation, with its reason, capped in length.

    `digest` names its content: the same row of a source waits once, however often it comes, `times` counting. Once
    it could be used `resolved_at` says when.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(None, "source", "seen_at"),
        Index("uq_quarantine_waiting", "source", "digest", unique=True, postgresql_where=text("resolved_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source: Mapped[str]
    reason: Mapped[str]
    raw: Mapped[str]
    seen_at: Mapped[datetime]
    digest: Mapped[str | None]
    times: Mapped[int] = mapped_column(server_default="1")
    tried_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]


class SourceComparisonRow(Base):
    """What two sources said of the same kind of data of the same day, and where they differ, at most a hundred."""

    __tablename__ = "source_comparison"

    kind: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(primary_key=True)
    second: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    compared: Mapped[int]
    only_first: Mapped[int]
    only_second: Mapped[int]
    differing: Mapped[int]
    differences: Mapped[list[Any]] = mapped_column(server_default="[]")
