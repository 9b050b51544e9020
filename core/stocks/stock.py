"""A listed issue, and the words for what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CODE = re.compile(r"[0-9A-Z]{6}")
"""A stock code: six of 0-9A-Z, kept as text (`0126Z0` is one)."""


class Market(StrEnum):
    """The board an issue is listed on."""

    KOSPI = "KOSPI"
    KOSDAQ = "KOSDAQ"
    KONEX = "KONEX"


class Kind(StrEnum):
    """What an issue is."""

    COMMON = "common"
    PREFERRED = "preferred"
    SPAC = "spac"
    REIT = "reit"
    ETF = "etf"
    ETN = "etn"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stock:
    """One listed issue. `shares` counts listed shares, `market_cap` is won; None where not known."""

    code: str
    name: str
    market: Market
    kind: Kind = Kind.COMMON
    listed_on: date | None = None
    shares: int | None = None
    market_cap: int | None = None
    halted: bool = False
    administrative: bool = False
    active: bool = True
    priority: int = 0
