"""Tables of market data. Prices are won, volumes are shares, values are won."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class DailyPriceRow(Base):
    """One raw (unadjusted) daily bar. `split_ratio` is reference price / previous close where the exchange
    re-based the price that day, else null; adjusted prices are derived from it and never stored."""

    __tablename__ = "daily_price"
    __table_args__ = (Index(None, "day"),)

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    open: Mapped[int]
    high: Mapped[int]
    low: Mapped[int]
    close: Mapped[int]
    volume: Mapped[int]
    value: Mapped[int]
    split_ratio: Mapped[float | None]
    source: Mapped[str]
    fetched_at: Mapped[datetime]


class DailyCoverageRow(Base):
    """The days of one issue whose bars were asked for and answered: every session in [since, until] that has
    a bar is in `daily_price`. So a stock listed last week is not asked about every year before."""

    __tablename__ = "daily_coverage"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    since: Mapped[date]
    until: Mapped[date]


class QuoteRow(Base):
    """The newest quote of an issue."""

    __tablename__ = "quote"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    price: Mapped[int]
    change: Mapped[int]
    change_percent: Mapped[float]
    open: Mapped[int | None]
    high: Mapped[int | None]
    low: Mapped[int | None]
    volume: Mapped[int]
    value: Mapped[int]
    high_52w: Mapped[int | None]
    low_52w: Mapped[int | None]
    market_cap: Mapped[int | None]
    per: Mapped[float | None]
    pbr: Mapped[float | None]
    source: Mapped[str]
    at: Mapped[datetime]
