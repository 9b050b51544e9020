"""Order books and estimates of the running session's flows: the newest of each stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst_date
from core.db import copy_upsert
from core.kis.book import Level, OrderBook
from core.kis.investors import FlowEstimate
from core.kis.rows import Rejected
from core.market.asking import Answers, ask_each
from core.market.flow_queries import store_estimates
from core.market.models import OrderBookRow
from core.services import Services
from core.sources.service import quarantine, record_success

BOOKS: Final = "kis_book"
ESTIMATES: Final = "kis_estimate"
"""The sources, as `/health` names them."""

Estimates = tuple[tuple[FlowEstimate, ...], tuple[Rejected, ...]]


async def ask_books(services: Services, codes: Sequence[str]) -> Answers[OrderBook]:
    """The order books of these stocks; raises as `core.market.asking.ask_each`."""
    return await ask_each(services, BOOKS, codes, services.kis.order_book)


async def store_books(services: Services, conn: AsyncConnection, answers: Answers[OrderBook]) -> None:
    """Keep these books as the newest."""
    rows = [
        (book.code, _plain(book.asks), _plain(book.bids), book.ask_total, book.bid_total, book.at)
        for book in answers.found.values()
    ]
    columns = ("code", "asks", "bids", "ask_total", "bid_total", "at")
    if rows:
        await copy_upsert(conn, OrderBookRow, columns, rows, key=("code",), unless="t.at > excluded.at")
    await record_success(conn, BOOKS, items=len(rows), at=services.clock.now(), services=services)


async def known_book(conn: AsyncConnection, code: str, *, since: datetime) -> OrderBook | None:
    """The kept book of a stock if it stood at `since` or later."""
    query = select(OrderBookRow.__table__).where(OrderBookRow.code == code, OrderBookRow.at >= since)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    asks, bids = (tuple(Level(price=level[0], shares=level[1]) for level in side) for side in (row.asks, row.bids))
    return OrderBook(code=code, asks=asks, bids=bids, ask_total=row.ask_total, bid_total=row.bid_total, at=row.at)


async def ask_estimates(services: Services, codes: Sequence[str]) -> Answers[Estimates]:
    """What foreigners and institutions are estimated to have bought net of these stocks since the open."""
    return await ask_each(services, ESTIMATES, codes, services.kis.flow_estimates)


async def keep_estimates(services: Services, conn: AsyncConnection, answers: Answers[Estimates]) -> None:
    """Keep estimates that are not kept yet."""
    at = services.clock.now()
    day = kst_date(at)
    for code, (estimates, rejected) in answers.found.items():
        await store_estimates(conn, code, estimates, day=day, at=at)
        await quarantine(conn, ESTIMATES, rejected, at=at)
    await record_success(conn, ESTIMATES, items=len(answers.found), at=at, services=services)


def _plain(levels: Sequence[Level]) -> str:
    """Levels as COPY takes them for a column of JSON."""
    return "[" + ",".join(f"[{level.price},{level.shares}]" for level in levels) + "]"
