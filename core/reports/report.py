"""A report: the verdict of one moment about one stock, whole enough to be shown, stored and compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.clock import Phase
from core.prediction.fact import Evidence, Fact
from core.prediction.forecast import Odds
from core.stocks.stock import Stock


class UpdateReason(StrEnum):
    """Why a report was made."""

    FIRST = "first"
    SCHEDULED = "scheduled"
    NEW_PREDICTION = "new_prediction"
    TOO_OLD = "too_old"
    PRICE_MOVED = "price_moved"
    NEWS_BEFORE_OPEN = "news_before_open"
    DISCLOSURE = "disclosure"
    ASKED = "asked"


class Stage(StrEnum):
    """How far a report is."""

    PRICES = "prices"
    MODELS = "models"
    WRITING = "writing"


Progress = Callable[[Stage], Awaitable[None]]


class Verdict(StrEnum):
    """The lead model's view of the next five sessions."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class Wording(StrEnum):
    """Whose words a report is in."""

    WRITTEN = "written"
    FACTS_ONLY = "facts_only"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A source a sentence rests on."""

    title: str
    url: str
    press: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """Checked plain text with figures filled in, and the sources it rests on."""

    text: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinion:
    """One forecaster's view beside the others. `outcome` is made, abstained or failed.

    `failure` is the kind of error; for a forecast that was made it says that its words could not be shown.
    """

    model_key: str
    outcome: str
    failure: str | None
    odds: Mapping[int, Odds]
    confidence: float | None
    short_target: int | None
    long_target: int | None
    reasons: tuple[Sentence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SinceLast:
    """What changed since the report before. `price_change_percent` is from its base price to this one."""

    made_at: datetime
    verdict: Verdict
    confidence: float
    base_price: int
    price_change_percent: float
    new_articles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The lead model's record of one-session calls. `low` and `high` bound the hit rate, clustered by day;
    None (like `hit_rate` itself) while there are too few days to say anything."""

    calls: int
    hits: int
    days: int
    hit_rate: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One report. Prices are won; `confidence` is in [0, 1] and already lowered for missing data."""

    id: int | None
    stock: Stock
    made_at: datetime
    as_of: datetime
    phase: Phase
    reason: UpdateReason
    verdict: Verdict
    confidence: float
    lead_model: str
    wording: Wording
    base_price: int
    base_at: datetime
    short_target: int | None
    long_target: int | None
    reasons: tuple[Sentence, ...]
    counter_case: Sentence
    change_of_view: Sentence
    risks: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
    opinions: tuple[Opinion, ...]
    since_last: SinceLast | None
    record_here: Record
    record_everywhere: Record
    input_hash: str
