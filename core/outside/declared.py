"""What a declared source is, whatever it brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from core.services import Services
from core.settings import Settings


class Family(StrEnum):
    """What a source brings."""

    NEWS = "news"
    PAGES = "pages"
    DISCLOSURES = "disclosures"
    STOCKS = "stocks"
    MARKET = "market"
    MODELS = "models"


class Why(StrEnum):
    """Why a source is off."""

    UNSET = "unset"
    ROBOTS = "robots"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Off:
    """A source is off: why, and the settings that switch it on."""

    why: Why
    switch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What an allowance of the day (Seoul) is used up to: calls, or US cents of the budget all models share."""

    used: int
    limit: int
    cents: bool = False

    @property
    def share(self) -> float:
        """The used share; 1 where nothing is allowed."""
        return self.used / self.limit if self.limit else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """One source. `component` is what health calls it, `version` that of its parser.

    `probe` asks it once now and notes what came of it, as its job does; `quota` knows what is used of an allowance.
    One `in_reserve` is read only where another cannot be. The state of one `in_ledger` is read from its recorded calls.
    `again` reads one row in quarantine again and stores what it holds as first seen at the moment given, for a source
    whose rows can be read one by one; it returns how much of that was new, and raises `Malformed`.
    """

    key: str
    family: Family
    component: str
    off: Callable[[Settings], Off | None]
    probe: Callable[[Services], Awaitable[object]] | None = None
    quota: Callable[[Services, AsyncConnection], Awaitable[Quota]] | None = None
    version: int | None = None
    in_ledger: bool = False
    in_reserve: bool = False
    again: Callable[[Services, str, datetime], Awaitable[int]] | None = None
