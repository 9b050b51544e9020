"""The market on one screen, and what goes with the price of a stock. What is not kept is asked for, so that the first
who looks at a stock sees as much as the next; where it cannot be had, what is kept is shown or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from core.clock import Phase, kst_date
from core.errors import Malformed, NotConfigured, Unavailable, Unsupported
from core.kis.book import OrderBook
from core.kis.index import IndexQuote
from core.kis.investors import NetTrading
from core.kis.overtime import OvertimeDay
from core.market import flows
from core.market.books import ask_books, known_book, store_books
from core.market.companies import Traits, known_traits
from core.market.flow_queries import MarketFlows, market_flows
from core.market.indices import MAIN, Breadth, ask_now, breadth_of, known_indices, store_now
from core.market.overtime import known_overtime
from core.services import Services
from core.stocks.stock import Stock

BOARDS = ("0001", "1001")
"""The indices whose issues together are the market."""

_BOOK_FRESH: Final = timedelta(seconds=30)
_BOOK_FOR: Final = timedelta(minutes=10)
"""A book is asked for again after the one, and shown for the other where it cannot be had."""
_INDEX_FRESH: Final = timedelta(minutes=1)
_FLOWS_OVER: Final = 5
_ASKED_FOR: Final = timedelta(minutes=10)
"""How long what could not be had is not asked for again."""
_OUTSIDE: Final = (Unavailable, NotConfigured, Malformed, Unsupported)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketNow:
    """The market at `at`. `indices` are in the order of `MAIN`, without those that are not known; `breadth` is missing
    too before anything has moved. Before the open the next session is that of today. `served` says whether the key, if
    there is one, is told of indices at all."""

    phase: Phase
    served: bool
    next_session: date
    opens: datetime
    indices: tuple[IndexQuote, ...]
    breadth: Breadth | None
    flows: MarketFlows | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """What goes with a price: the order book of the running session, the flows of up to five sessions, what was traded
    after the close that the price is of, and what the stock is."""

    book: OrderBook | None = None
    flows: tuple[NetTrading, ...] = ()
    overtime: OvertimeDay | None = None
    traits: Traits | None = None


async def market_now(services: Services) -> MarketNow:
    """The market, its main indices a minute old at most while they move."""
    now = services.clock.now()
    known = await _main_indices(services)
    async with services.db.read() as conn:
        bought = await market_flows(conn, as_of=now)
    breadth = breadth_of([known[code] for code in BOARDS if code in known])
    phase, today = services.calendar.phase(now), kst_date(now)
    next_session = today if phase is Phase.PRE_OPEN else services.calendar.next_session(today)
    return MarketNow(
        phase=phase,
        served=_serves_indices(services),
        next_session=next_session,
        opens=services.calendar.opens(next_session),
        indices=tuple(known[code] for code in MAIN if code in known),
        breadth=breadth if breadth.rising or breadth.falling else None,
        flows=bought,
        at=now,
    )


async def depth_of(services: Services, stock: Stock) -> Depth:
    """What goes with the price of a stock now."""
    book, bought = await asyncio.gather(_book(services, stock), _flows(services, stock))
    session = services.calendar.latest_session(services.clock.now())
    async with services.db.read() as conn:
        overtime = await known_overtime(conn, stock.code, day=session)
        traits = await known_traits(conn, stock.code)
    return Depth(book=book, flows=tuple(bought), overtime=overtime, traits=traits)


async def _main_indices(services: Services) -> dict[str, IndexQuote]:
    now = services.clock.now()
    async with services.db.read() as conn:
        known = await known_indices(conn, MAIN)
    moved_until = min(now, services.calendar.closes(services.calendar.latest_session(now)))
    oldest = min((known[code].at for code in MAIN), default=None) if known.keys() >= set(MAIN) else None
    fresh = oldest is not None and oldest >= moved_until - (_INDEX_FRESH if moved_until == now else timedelta())
    if fresh or not _serves_indices(services) or not await _first_ask(services, "indices", _INDEX_FRESH / 2):
        return known
    try:
        answers = await ask_now(services, MAIN)
    except _OUTSIDE:
        return known
    async with services.db.begin() as conn:
        await store_now(services, conn, answers)
        return await known_indices(conn, MAIN)


async def _book(services: Services, stock: Stock) -> OrderBook | None:
    """The book while it moves."""
    now, code = services.clock.now(), stock.code
    if services.calendar.phase(now) not in (Phase.OPENING_HOUR, Phase.SESSION) or not _trades(stock):
        return None
    async with services.db.read() as conn:
        kept = await known_book(conn, code, since=now - _BOOK_FOR)
    if kept is not None and kept.at >= now - _BOOK_FRESH:
        return kept
    try:
        answers = await ask_books(services, [code])
    except _OUTSIDE:
        return kept
    async with services.db.begin() as conn:
        await store_books(services, conn, answers)
    return answers.found.get(code, kept)


async def _flows(services: Services, stock: Stock) -> list[NetTrading]:
    """The flows; asked for where none is kept, as before the first evening."""
    now, code = services.clock.now(), stock.code
    kept = await flows.known_flows(services, code, as_of=now, sessions=_FLOWS_OVER)
    if kept or not _trades(stock) or not await _first_ask(services, f"flows:{code}", _ASKED_FOR):
        return kept
    try:
        answers = await flows.ask(services, [code])
    except _OUTSIDE:
        return kept
    async with services.db.begin() as conn:
        await flows.store(services)(conn, answers)
    return await flows.known_flows(services, code, as_of=services.clock.now(), sessions=_FLOWS_OVER)


def _serves_indices(services: Services) -> bool:
    return services.kis.configured and not services.settings.kis.paper


def _trades(stock: Stock) -> bool:
    return stock.active and not stock.halted


async def _first_ask(services: Services, what: str, within: timedelta) -> bool:
    """Whether nobody asked for it a short while ago, and it can be asked for."""
    return services.kis.configured and await services.cache.claim(f"looked:{what}", within)
