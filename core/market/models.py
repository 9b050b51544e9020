"""Tables of market data. Prices are won, volumes are shares, values are won."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

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
    """The newest quote of an issue. `details_at` is when its ranges, value and ratios were told last: a price from a
    sweep or a stream has none of them and leaves those that are kept."""

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
    details_at: Mapped[datetime | None]


class MinutePriceRow(Base):
    """One minute with a trade in it, which began at `at`. `sampled` bars are made of two looks at the price and give
    way to true ones. Partitioned by month: `core.market.partitions` makes and drops them. No foreign key: this is the
    largest table and its codes come from the stock table."""

    __tablename__ = "minute_price"
    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}  # noqa: RUF012 - read by SQLAlchemy as a class attribute

    code: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    open: Mapped[int]
    high: Mapped[int]
    low: Mapped[int]
    close: Mapped[int]
    volume: Mapped[int]
    value: Mapped[int]
    sampled: Mapped[bool]


class MinuteSampleRow(Base):
    """The last look at an issue, from which the next minute is told: volume and value of the day until `at`."""

    __tablename__ = "minute_sample"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    at: Mapped[datetime]
    price: Mapped[int]
    high: Mapped[int]
    low: Mapped[int]
    volume: Mapped[int]
    value: Mapped[int]


class MinuteCoverageRow(Base):
    """True minutes of session `day` are known from its open to `until`, without a hole."""

    __tablename__ = "minute_coverage"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class InvestorTradingRow(Base):
    """What each group of investors bought net of an issue in one session, in shares and won.

    Figures may be corrected: a version is one row, which holds from when it was first seen."""

    __tablename__ = "investor_trading"
    __table_args__ = (Index(None, "day"),)

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    close: Mapped[int]
    foreign_shares: Mapped[int]
    institution_shares: Mapped[int]
    individual_shares: Mapped[int]
    foreign_value: Mapped[int]
    institution_value: Mapped[int]
    individual_value: Mapped[int]
    source: Mapped[str]


class FlowEstimateRow(Base):
    """An estimate of net shares since the open, which stands at `at`."""

    __tablename__ = "flow_estimate"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    foreign_shares: Mapped[int]
    institution_shares: Mapped[int]
    first_seen_at: Mapped[datetime]


class OrderBookRow(Base):
    """The newest order book of an issue: `asks` and `bids` are [price, shares], best first."""

    __tablename__ = "order_book"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    asks: Mapped[list[Any]]
    bids: Mapped[list[Any]]
    ask_total: Mapped[int]
    bid_total: Mapped[int]
    at: Mapped[datetime]


class IndexQuoteRow(Base):
    """The newest state of an index; `volume` in shares, `turnover` in won."""

    __tablename__ = "index_quote"

    code: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float]
    change: Mapped[float]
    change_percent: Mapped[float]
    volume: Mapped[int]
    turnover: Mapped[int]
    rising: Mapped[int]
    unchanged: Mapped[int]
    falling: Mapped[int]
    upper_limit: Mapped[int]
    lower_limit: Mapped[int]
    at: Mapped[datetime]


class IndexDailyPriceRow(Base):
    """One session of an index or sector."""

    __tablename__ = "index_daily_price"

    code: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    open: Mapped[float]
    high: Mapped[float]
    low: Mapped[float]
    close: Mapped[float]
    volume: Mapped[int]
    turnover: Mapped[int]
    source: Mapped[str]
    fetched_at: Mapped[datetime]


class OvertimePriceRow(Base):
    """What was traded after the close of session `day`; `kind` is the session it was traded in."""

    __tablename__ = "overtime_price"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    price: Mapped[int]
    change: Mapped[int]
    volume: Mapped[int]
    value: Mapped[int]
    close: Mapped[int]
    source: Mapped[str]
    fetched_at: Mapped[datetime]


class FinancialRatioRow(Base):
    """The ratios of a period that ended in the month `ended`; a corrected version is a row of its own."""

    __tablename__ = "financial_ratio"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    quarter: Mapped[bool] = mapped_column(primary_key=True)
    ended: Mapped[date] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    sales_growth: Mapped[float | None]
    operating_growth: Mapped[float | None]
    net_growth: Mapped[float | None]
    roe: Mapped[float | None]
    eps: Mapped[float | None]
    sales_per_share: Mapped[float | None]
    bps: Mapped[float | None]
    reserve_ratio: Mapped[float | None]
    debt_ratio: Mapped[float | None]
    source: Mapped[str]


class ProductInfoRow(Base):
    """What the broker keeps of an issue, as it was read last."""

    __tablename__ = "product_info"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    name: Mapped[str]
    english_name: Mapped[str | None]
    isin: Mapped[str | None]
    market: Mapped[str | None]
    issue_group: Mapped[str | None]
    kind: Mapped[str | None]
    listed_on: Mapped[date | None]
    delisted_on: Mapped[date | None]
    shares: Mapped[int | None]
    par_value: Mapped[int | None]
    capital: Mapped[int | None]
    settlement_month: Mapped[str | None]
    sector_large: Mapped[str | None]
    sector_medium: Mapped[str | None]
    sector_small: Mapped[str | None]
    industry: Mapped[str | None]
    kospi200: Mapped[bool | None]
    halted: Mapped[bool | None]
    administrative: Mapped[bool | None]
    on_nxt: Mapped[bool | None]
    product_class: Mapped[str | None]
    risk_grade: Mapped[str | None]
    sale_state: Mapped[str | None]
    sold_since: Mapped[date | None]
    read_at: Mapped[datetime]
