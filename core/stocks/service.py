"""Keeping the stock master current, and the resolver made of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst_date
from core.db import Database
from core.errors import Malformed
from core.services import Services
from core.sources.service import ask_source, quarantine, record_success
from core.stocks import queries
from core.stocks.master import MAX_BYTES, Rejected, parse_master
from core.stocks.nicknames import nickname_pairs
from core.stocks.resolver import Resolver
from core.stocks.stock import Market, Stock

log = structlog.get_logger(__name__)

SOURCE: Final = "kis_master"
FILES: Final[Mapping[Market, str]] = {market: f"{market.lower()}_code.mst.zip" for market in Market}

CURRENT_FOR: Final = timedelta(minutes=1)
"""How long the list is taken for unchanged, so that a question costs no query for it; it changes once a day."""

MOST_LOST: Final = 0.1
"""The share of a market that may vanish between two files; one stock always may. More is a broken file, not a wave of
delistings."""

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """What a refresh changed, in stocks; `rejected` counts lines that could not be read."""

    listed: int
    new: int
    renamed: int
    delisted: int
    rejected: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Master:
    """The three files together."""

    stocks: Mapping[str, Stock]
    rejected: tuple[Rejected, ...]


async def refresh_stocks(services: Services, *, begin: Begin | None = None) -> Refreshed:
    """Read the master files of all markets and bring the stock list up to them, in one transaction.

    Vanished stocks become inactive; a changed name is kept as a former one. Raises `Unavailable` or `Malformed`,
    notes it under the source `kis_master` and changes nothing, also where a market lost over a tenth of its stocks.
    """
    async with services.db.read() as conn:
        known = {stock.code: stock for stock in await queries.list_stocks(conn)}

    async def read() -> _Master:
        master = await _read_master(services)
        _check_losses(known.values(), master.stocks)
        return master

    master = await ask_source(services, SOURCE, read)
    at = services.clock.now()
    async with (begin or services.db.begin)() as conn:
        refreshed = await _write(conn, known, master, at)
        await quarantine(conn, SOURCE, master.rejected, at=at)
        await record_success(conn, SOURCE, items=len(master.stocks), at=at, services=services)
    _resolvers.setdefault(services.db, _Kept()).checked_at = None
    log.info("stocks_refreshed", listed=refreshed.listed, new=refreshed.new, delisted=refreshed.delisted)
    return refreshed


async def _read_master(services: Services) -> _Master:
    base = services.settings.kis.master_url.rstrip("/")
    stocks: dict[str, Stock] = {}
    rejected: list[Rejected] = []
    for market, name in FILES.items():
        data = await services.fetcher.get(f"{base}/{name}", max_bytes=MAX_BYTES)
        parsed = await asyncio.to_thread(parse_master, market, data)
        stocks |= {stock.code: stock for stock in parsed.stocks}
        rejected += [replace(row, reason=f"{name}: {row.reason}") for row in parsed.rejected]
    return _Master(stocks=stocks, rejected=tuple(rejected))


def _check_losses(known: Iterable[Stock], listed: Mapping[str, Stock]) -> None:
    active = [stock for stock in known if stock.active]
    before = Counter(stock.market for stock in active)
    lost = Counter(stock.market for stock in active if stock.code not in listed)
    for market, count in lost.items():
        if count > max(1, before[market] * MOST_LOST):
            raise Malformed(f"{count} of {before[market]} stocks of {market} are missing from the new master file")


async def _write(conn: AsyncConnection, known: Mapping[str, Stock], master: _Master, at: datetime) -> Refreshed:
    listed = master.stocks
    gone = [code for code, stock in known.items() if stock.active and code not in listed]
    renamed = {
        code: known[code].name for code, stock in listed.items() if code in known and known[code].name != stock.name
    }
    await queries.upsert_stocks(conn, listed.values(), at=at)
    await queries.delist(conn, gone, at=at)
    await queries.add_former_names(conn, renamed, until=kst_date(at))
    await queries.replace_nicknames(conn, nickname_pairs())
    return Refreshed(
        listed=len(listed),
        new=len(listed.keys() - known.keys()),
        renamed=len(renamed),
        delisted=len(gone),
        rejected=len(master.rejected),
    )


@dataclass(slots=True)
class _Kept:
    """The resolver of one database, with the version of the list it was made of."""

    resolver: Resolver | None = None
    version: tuple[Any, ...] = ()
    checked_at: datetime | None = None
    building: asyncio.Lock = field(default_factory=asyncio.Lock)


_resolvers: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def stock_resolver(services: Services) -> Resolver:
    """The resolver over the stored list, built once a process and again when the list has changed.

    A change made by another process is seen within `CURRENT_FOR`.
    """
    kept, now = _resolvers.setdefault(services.db, _Kept()), services.clock.now()
    if kept.resolver is not None and kept.checked_at and kept.checked_at <= now < kept.checked_at + CURRENT_FOR:
        return kept.resolver
    async with services.db.read() as conn:
        version = await queries.list_version(conn)
    async with kept.building:
        if kept.resolver is None or kept.version != version:
            kept.resolver = await _build(services)
            kept.version = version
        kept.checked_at = now
        return kept.resolver


async def filled_resolver(services: Services) -> Resolver:
    """The resolver, its list read now where there is none yet, as after a first start that found the source dead.

    Raises as `refresh_stocks` does.
    """
    resolver = await stock_resolver(services)
    if len(resolver):
        return resolver
    async with _filling.setdefault(services.db, asyncio.Lock()):
        if not len(await stock_resolver(services)):
            await refresh_stocks(services)
    return await stock_resolver(services)


_filling: WeakKeyDictionary[Database, asyncio.Lock] = WeakKeyDictionary()
"""One reading at a time, so that those who ask meanwhile share it."""


async def _build(services: Services) -> Resolver:
    async with services.db.begin() as conn:
        stocks, aliases = await queries.list_stocks(conn), await queries.list_aliases(conn)
    return await asyncio.to_thread(Resolver, stocks, aliases)
