"""What KIS knows of companies: financial ratios, as first seen, and what an issue is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.kis.finance import Ratios
from core.kis.product import ProductInfo, StockInfo
from core.kis.rows import Rejected
from core.market.asking import Answers, ask_each
from core.market.models import FinancialRatioRow, ProductInfoRow
from core.market.versions import add_versions
from core.services import Services
from core.sources.service import quarantine, record_success

RATIOS: Final = "kis_ratios"
PRODUCTS: Final = "kis_product"
"""The sources, as `/health` names them."""

_PERIOD: Final = tuple(Ratios.__slots__)
_STOCK: Final = tuple(StockInfo.__slots__)
_PRODUCT: Final = tuple(name for name in ProductInfo.__slots__ if name != "code")

Periods = tuple[tuple[Ratios, ...], tuple[Rejected, ...]]
Infos = tuple[StockInfo, ProductInfo]


async def ask_ratios(services: Services, codes: Sequence[str]) -> Answers[Periods]:
    """Years and quarters of these companies; a fund has none."""

    async def ask(code: str) -> Periods:
        years, bad_years = await services.kis.ratios(code, quarters=False)
        quarters, bad_quarters = await services.kis.ratios(code, quarters=True)
        return (*years, *quarters), (*bad_years, *bad_quarters)

    return await ask_each(services, RATIOS, codes, ask)


async def store_ratios(services: Services, conn: AsyncConnection, answers: Answers[Periods]) -> int:
    """Keep the periods that are new or were corrected, as first seen now; returns how many."""
    at = services.clock.now()
    rows = [
        (code, *(getattr(period, name) for name in _PERIOD), "KIS", at)
        for code, (periods, _) in answers.found.items()
        for period in periods
    ]
    added = 0
    if rows:
        columns, key = ("code", *_PERIOD, "source", "first_seen_at"), ("code", "quarter", "ended")
        figures = tuple(name for name in _PERIOD if name not in key)
        added = await add_versions(conn, FinancialRatioRow, columns, rows, key=key, figures=figures)
    await quarantine(conn, RATIOS, (row for _, bad in answers.found.values() for row in bad), at=at)
    await record_success(conn, RATIOS, items=len(answers.found), at=at, services=services)
    return added


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The ratios of a period, and when they were first seen like this."""

    ratios: Ratios
    first_seen_at: datetime


async def newest_ratios(conn: AsyncConnection, code: str, *, as_of: datetime) -> list[Known]:
    """The newest year and the newest quarter of a company as they were known at `as_of`; those of them there are."""
    rows = await conn.execute(
        text(
            f"SELECT DISTINCT ON (quarter) {', '.join(_PERIOD)}, first_seen_at FROM financial_ratio WHERE code = :code "
            "AND first_seen_at <= :as_of ORDER BY quarter, ended DESC, first_seen_at DESC"
        ),
        {"code": code, "as_of": as_of},
    )
    return [
        Known(ratios=Ratios(**{name: getattr(row, name) for name in _PERIOD}), first_seen_at=row.first_seen_at)
        for row in rows
    ]


async def known_ratios(conn: AsyncConnection, code: str, *, as_of: datetime, quarters: bool) -> list[Ratios]:
    """The periods of a company as they were known at `as_of`, oldest first."""
    rows = await conn.execute(
        text(
            f"SELECT DISTINCT ON (ended) {', '.join(_PERIOD)} FROM financial_ratio WHERE code = :code "
            "AND quarter = :quarters AND first_seen_at <= :as_of ORDER BY ended, first_seen_at DESC"
        ),
        {"code": code, "quarters": quarters, "as_of": as_of},
    )
    return [Ratios(**row._mapping) for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a holder may want to know of an issue: its sector, and whether the KOSPI 200 and NXT have it."""

    sector: str | None
    kospi200: bool
    on_nxt: bool


async def known_traits(conn: AsyncConnection, code: str) -> Traits | None:
    """The traits of an issue as they were read last, if ever."""
    columns = ProductInfoRow.sector_small, ProductInfoRow.sector_medium, ProductInfoRow.kospi200, ProductInfoRow.on_nxt
    row = (await conn.execute(select(*columns).where(ProductInfoRow.code == code))).one_or_none()
    if row is None:
        return None
    sector = row.sector_small or row.sector_medium
    return Traits(sector=sector, kospi200=bool(row.kospi200), on_nxt=bool(row.on_nxt))


async def ask_products(services: Services, codes: Sequence[str]) -> Answers[Infos]:
    """What these issues are, by both services."""

    async def ask(code: str) -> Infos:
        return await services.kis.stock_info(code), await services.kis.product_info(code)

    return await ask_each(services, PRODUCTS, codes, ask)


async def store_products(services: Services, conn: AsyncConnection, answers: Answers[Infos]) -> None:
    """Keep what was read, in the place of what was read before."""
    at = services.clock.now()
    rows = [
        (*(getattr(stock, name) for name in _STOCK), *(getattr(product, name) for name in _PRODUCT), at)
        for stock, product in answers.found.values()
    ]
    if rows:
        await copy_upsert(conn, ProductInfoRow, (*_STOCK, *_PRODUCT, "read_at"), rows, key=("code",))
    await record_success(conn, PRODUCTS, items=len(rows), at=at, services=services)
