"""What calls came to: figures of a day, added up. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """Some calls together. Those neither succeeded nor failed never came back, or are under way.

    `mean_ms` is over the `timed` calls. `p95_ms` is exact for calls of one kind and day and, where figures were
    added up, the mean of theirs weighted by their calls. `tokens_cached` are part of `tokens_in`.
    """

    calls: int = 0
    succeeded: int = 0
    failed: int = 0
    timed: int = 0
    mean_ms: float | None = None
    p95_ms: float | None = None
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)

    @property
    def success_rate(self) -> float | None:
        """The share of the calls that ended which succeeded, or None while none did."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


@dataclass(frozen=True, kw_only=True, slots=True)
class DayFigures:
    """The calls of a Seoul day to one endpoint and model with one ending; `model` is empty for unpaid calls."""

    day: date
    provider: str
    endpoint: str
    model: str
    error_code: str
    use: Use


def added(uses: Iterable[Use]) -> Use:
    """All calls together."""
    listed = list(uses)
    timed = sum(use.timed for use in listed)

    def mean(of: Callable[[Use], float | None]) -> float | None:
        return sum((of(use) or 0.0) * use.timed for use in listed) / timed if timed else None

    return Use(
        calls=sum(use.calls for use in listed),
        succeeded=sum(use.succeeded for use in listed),
        failed=sum(use.failed for use in listed),
        timed=timed,
        mean_ms=mean(lambda use: use.mean_ms),
        p95_ms=mean(lambda use: use.p95_ms),
        tokens_in=sum(use.tokens_in for use in listed),
        tokens_cached=sum(use.tokens_cached for use in listed),
        tokens_out=sum(use.tokens_out for use in listed),
        cost_usd=sum((use.cost_usd for use in listed), Decimal(0)),
    )


def by(figures: Iterable[DayFigures], key: Callable[[DayFigures], K | None]) -> dict[K, Use]:
    """The figures added up by a key, dearest and then busiest first; those without a key are left out."""
    grouped: defaultdict[K, list[Use]] = defaultdict(list)
    for each in figures:
        if (name := key(each)) is not None:
            grouped[name].append(each.use)
    return ranked({name: added(uses) for name, uses in grouped.items()})


def ranked(uses: dict[K, Use]) -> dict[K, Use]:
    """Dearest first, then busiest."""
    return dict(sorted(uses.items(), key=lambda item: (-item[1].cost_usd, -item[1].calls, str(item[0]))))
