"""Prices of models, as dated data in `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000
_SMALLEST = Decimal("0.00000001")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Tokens of one call. `cached` are the part of `sent` the provider had in its cache."""

    sent: int = 0
    cached: int = 0
    received: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """US dollars for a million tokens, in force from a day on."""

    from_day: date
    input: Decimal
    cached: Decimal
    output: Decimal

    def cost(self, tokens: Tokens) -> Decimal:
        """What `tokens` cost in US dollars, rounded up to a hundred-millionth."""
        fresh = max(tokens.sent - tokens.cached, 0)
        total = fresh * self.input + tokens.cached * self.cached + tokens.received * self.output
        return (total / _MILLION).quantize(_SMALLEST, ROUND_UP)


def price_of(model_key: str, day: date) -> Price:
    """The price of `provider:model` on `day`.

    Days before a model's first entry use the first. A model without an entry is charged at the dearest
    price known for every kind of token, so that an unlisted model cannot slip past the budget.
    """
    entries = _table().get(model_key)
    if not entries:
        return _dearest()
    return next((price for price in reversed(entries) if price.from_day <= day), entries[0])


@cache
def _table() -> Mapping[str, tuple[Price, ...]]:
    with _FILE.open("rb") as file:
        rows = tomllib.load(file, parse_float=Decimal)["price"]
    table: dict[str, tuple[Price, ...]] = {}
    for row in sorted(rows, key=lambda row: row["from"]):
        price = Price(from_day=row["from"], input=row["input"], cached=row["cached"], output=row["output"])
        table[row["model"]] = (*table.get(row["model"], ()), price)
    return table


@cache
def _dearest() -> Price:
    prices = [price for entries in _table().values() for price in entries]
    return Price(
        from_day=date.min,
        input=max(price.input for price in prices),
        cached=max(price.input for price in prices),
        output=max(price.output for price in prices),
    )
