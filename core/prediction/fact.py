"""Facts: everything a prediction or a report may know, computed by code as of one instant."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cached_property

import orjson

from core.clock import Phase
from core.market.bar import Bar
from core.stocks.stock import Stock


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One computed fact.

    `id` is short and stable within a sheet (`f1`); `name` is the machine's word for it (`close`, `rsi_14`);
    `label` and `text` are Korean as a reader sees them (`종가`, `190,100원`); `value` is the bare number.
    `source` and `at` say where it is from and when it stood.
    """

    id: str
    name: str
    label: str
    text: str
    value: float | int | None
    source: str
    at: datetime


def numbered(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts with ids `f1`, `f2`, … in order."""
    return tuple(replace(fact, id=f"f{index}") for index, fact in enumerate(facts, start=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """An article or filing a prediction may lean on. `id` is `a` + the article's number, `d` + the filing's.
    `after_percent` is what the price did in the session after a similar past article, where that is known."""

    id: str
    article_id: int | None
    title: str
    url: str
    press: str
    published_at: datetime
    similar: bool = False
    after_percent: float | None = None
    disclosure: bool = False


@dataclass(frozen=True, kw_only=True)
class FactSheet:
    """What is known about one stock at one instant.

    `bars` are adjusted and oldest first. `missing` names blocks of data that could not be had, in Korean.
    `base_price` is the last price at `as_of`, `base_at` when it stood, `band` the flat band of one session
    as a fraction (0.01 = 1 %), scaled from volatility; a horizon's band grows with the root of its sessions.
    """

    stock: Stock
    as_of: datetime
    phase: Phase
    base_price: int
    base_at: datetime
    band: float
    facts: tuple[Fact, ...]
    evidence: tuple[Evidence, ...]
    bars: tuple[Bar, ...]
    missing: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Fact]:
        """Facts by machine name."""
        return {fact.name: fact for fact in self.facts}

    @cached_property
    def by_id(self) -> Mapping[str, Fact]:
        """Facts by id."""
        return {fact.id: fact for fact in self.facts}

    def value(self, name: str) -> float | None:
        """The number of the fact called `name`, or None when it is not on the sheet."""
        fact = self.by_name.get(name)
        return None if fact is None or fact.value is None else float(fact.value)

    def band_over(self, sessions: int) -> float:
        """The flat band of a horizon as a fraction."""
        return self.band * math.sqrt(sessions)

    @cached_property
    def input_hash(self) -> str:
        """A digest of all that a forecaster is given, without the moment of asking."""
        content = (
            self.stock.code,
            self.phase,
            [(fact.name, fact.text, fact.value) for fact in self.facts],
            [asdict(item) for item in self.evidence],
            [(bar.day, bar.close) for bar in self.bars],
            self.missing,
        )
        return hashlib.sha256(orjson.dumps(content)).hexdigest()
