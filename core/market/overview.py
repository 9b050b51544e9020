"""The market on one screen, and what goes with the price of a stock: everything as it is kept, asking nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import Phase, kst_date
from core.kis.book import OrderBook
from core.kis.index import IndexQuote
from core.kis.investors import NetTrading
from core.market.books import known_book
from core.market.flow_queries import MarketFlows, market_flows
from core.market.flows import known_flows
from core.market.indices import MAIN, Breadth, breadth_of, known_indices
from core.services import Services

BOARDS = ("0001", "1001")
"""The indices whose issues together are the market."""

_BOOK_FOR = timedelta(minutes=10)
_FLOWS_OVER = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketNow:
    """The market at `at`. `indices` are in the order of `MAIN`, without those that are not known."""

    phase: Phase
    next_session: date
    indices: tuple[IndexQuote, ...]
    breadth: Breadth | None
    flows: MarketFlows | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """What goes with a price: the newest order book of the running session and the flows of up to five sessions."""

    book: OrderBook | None = None
    flows: tuple[NetTrading, ...] = ()


async def market_now(services: Services) -> MarketNow:
    """The market as it is kept."""
    now = services.clock.now()
    async with services.db.read() as conn:
        known = await known_indices(conn, MAIN)
        flows = await market_flows(conn, as_of=now)
    boards = [known[code] for code in BOARDS if code in known]
    return MarketNow(
        phase=services.calendar.phase(now),
        next_session=services.calendar.next_session(kst_date(now)),
        indices=tuple(known[code] for code in MAIN if code in known),
        breadth=breadth_of(boards) if boards else None,
        flows=flows,
        at=now,
    )


async def depth_of(services: Services, code: str) -> Depth:
    """The order book of a stock, unless it is old or the session is over, and its flows."""
    now = services.clock.now()
    trading = services.calendar.phase(now) in (Phase.OPENING_HOUR, Phase.SESSION)
    async with services.db.read() as conn:
        book = await known_book(conn, code, since=now - _BOOK_FOR) if trading else None
    flows = await known_flows(services, code, as_of=now, sessions=_FLOWS_OVER)
    return Depth(book=book, flows=tuple(flows))
