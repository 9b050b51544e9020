"""What /usage shows, as values. Costs are US dollars, times aware UTC, days Seoul's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.usage.figures import Use
from core.usage.thresholds import Threshold, ToldAlert


class Span(StrEnum):
    """How far back is looked, today included."""

    TODAY = "today"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def days(self) -> int:
        """In days."""
        return {Span.TODAY: 1, Span.WEEK: 7, Span.MONTH: 30}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class Budgets:
    """What is spent, or reserved, of what may be spent."""

    today: Decimal
    daily: Decimal
    month: Decimal
    monthly: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """An hour of today, or a day, in the picture: cost by model in dollars, and all calls."""

    label: str
    cost: Mapping[str, Decimal] = field(default_factory=dict)
    calls: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """The calls of a span. `models` are paid calls to models and embeddings, `outside` the unpaid ones.

    `by_purpose` and `by_user` are of paid calls and known for today alone. `since` is the day's last reset, from which
    today's figures begin; `lost` counts calls this process could not write down.
    """

    span: Span
    at: datetime
    since: datetime | None
    budgets: Budgets
    models: Use
    outside: Use
    by_model: Mapping[str, Use]
    by_endpoint: Mapping[str, Use]
    by_error: Mapping[str, Use]
    by_purpose: Mapping[str, Use]
    by_user: Mapping[str, Use]
    buckets: tuple[Bucket, ...]
    lost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """The month so far, and what it comes to.

    `forecast` is what is spent and, for every day after today, `daily_mean`: the mean cost of the last `mean_days`
    whole days, seven at most.
    """

    at: datetime
    month: Decimal
    monthly: Decimal
    today: Decimal
    by_model: Mapping[str, Use]
    by_purpose: Mapping[str, Use]
    daily_mean: Decimal
    mean_days: int
    days_left: int

    @property
    def forecast(self) -> Decimal:
        """Dollars at the end of the month."""
        return self.month + self.daily_mean * self.days_left


@dataclass(frozen=True, kw_only=True, slots=True)
class Alerts:
    """The thresholds and what was told."""

    thresholds: tuple[Threshold, ...]
    told: tuple[ToldAlert, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a reset archives, or archived: the calls of a day since its start or its last reset.

    `previous` is the number of that last reset, 0 if there was none; `number` that of this one, None before it is done.
    """

    number: int | None
    previous: int
    day: date
    calls: int
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnUse:
    """What one member's questions took of the models."""

    calls_today: int
    cost_today: Decimal
    calls_month: int
    cost_month: Decimal
    tokens_month: int
