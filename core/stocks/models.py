"""Tables of the stock master."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class StockRow(Base):
    """One issue; delisted ones stay, with `active` false."""

    __tablename__ = "stock"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    market: Mapped[str]
    kind: Mapped[str]
    listed_on: Mapped[date | None]
    shares: Mapped[int | None]
    market_cap: Mapped[int | None]
    halted: Mapped[bool]
    administrative: Mapped[bool]
    active: Mapped[bool]
    priority: Mapped[int] = mapped_column(server_default="0")
    updated_at: Mapped[datetime]


class StockAliasRow(Base):
    """Another name of an issue: a nickname, a legal name, or a former name."""

    __tablename__ = "stock_alias"
    __table_args__ = (Index(None, "code"),)

    alias: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    kind: Mapped[str]
    since: Mapped[date | None]
    until: Mapped[date | None]
