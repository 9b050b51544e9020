"""The order book: `inquire-asking-price-exp-ccn`, FHKST01010200."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.errors import Malformed, Unsupported
from core.kis.rows import Row, members, not_negative

PATH: Final = "inquire-asking-price-exp-ccn"
TR_ID: Final = "FHKST01010200"
LEVELS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One price of the book in won, with the shares that wait at it."""

    price: int
    shares: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBook:
    """What waits to be sold (`asks`) and bought (`bids`), best price first, at most ten levels each.

    The totals count all levels, not only those ten. `at` is the moment of the answer.
    """

    code: str
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    ask_total: int
    bid_total: int
    at: datetime


def params(code: str) -> dict[str, str]:
    """The query for the exchange's own book."""
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code}


def book_of(code: str, body: Row, *, at: datetime) -> OrderBook:
    """The book in a reply that came at `at`; a price of zero is an empty level.

    Raises `Unsupported` where KIS knows no such stock and `Malformed`.
    """
    row = members(body, "output1")
    if "askp1" not in row:
        raise Unsupported(f"KIS has no order book of {code}")
    asks, bids = _side(row, "ask"), _side(row, "bid")
    if asks and bids and asks[0].price < bids[0].price:
        raise Malformed(f"KIS: the best ask {asks[0].price} of {code} is below the best bid {bids[0].price}")
    return OrderBook(
        code=code,
        asks=asks,
        bids=bids,
        ask_total=not_negative(row, "total_askp_rsqn"),
        bid_total=not_negative(row, "total_bidp_rsqn"),
        at=at,
    )


def _side(row: Row, side: str) -> tuple[Level, ...]:
    levels = (
        Level(price=not_negative(row, f"{side}p{place}"), shares=not_negative(row, f"{side}p_rsqn{place}"))
        for place in range(1, LEVELS + 1)
        if f"{side}p{place}" in row
    )
    found = tuple(level for level in levels if level.price)
    ordered = sorted(found, key=lambda level: level.price, reverse=side == "bid")
    if list(found) != ordered:
        raise Malformed(f"KIS: the {side} prices are out of order")
    return found
