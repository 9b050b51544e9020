"""Tables of disclosures."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class CorpCodeRow(Base):
    """A company as DART numbers it. `code` is the stock it has or had: no reference, as delisted ones stay."""

    __tablename__ = "corp_code"
    __table_args__ = (Index(None, "code"), Index(None, "name"))

    corp_code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    english_name: Mapped[str]
    code: Mapped[str]
    modified_on: Mapped[date]


class DisclosureRow(Base):
    """One filing. `code` is the stock of the company and `linked_at` when that was known; it may name one that is not
    in the master. `subject` is what a filing shares with its corrections, `rules` the version of the table of kinds
    that `kind` and `weight` are from."""

    __tablename__ = "disclosure"
    __table_args__ = (
        UniqueConstraint("receipt"),
        Index(None, "code", "first_seen_at"),
        Index(None, "subject", "company"),
        Index(None, "first_seen_at"),
        Index(None, "filed_on"),
        Index("ix_disclosure_unlinked", "filed_on", postgresql_where=text("code IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    receipt: Mapped[str]
    corp_code: Mapped[str | None]
    company: Mapped[str]
    code: Mapped[str | None]
    linked_at: Mapped[datetime | None]
    division: Mapped[str | None]
    name: Mapped[str]
    subject: Mapped[str]
    correction: Mapped[bool]
    filer: Mapped[str]
    remarks: Mapped[str]
    filed_on: Mapped[date]
    filed_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    kind: Mapped[str]
    weight: Mapped[str]
    rules: Mapped[int]


class DisclosureSweepRow(Base):
    """How far the list of a board was read whole: through `day`, at `at`."""

    __tablename__ = "disclosure_sweep"

    division: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    at: Mapped[datetime]


class DartDayRow(Base):
    """How many calls of OpenDART were spent on a day in Seoul."""

    __tablename__ = "dart_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]
