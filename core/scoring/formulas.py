"""The formulas of a record: what a hit rate is worth when the cases of one day move together."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import pvariance

_Z95 = 1.959964


def wilson(rate: float, n: float) -> tuple[float, float]:
    """The 95 % Wilson interval of a rate seen over `n` (effective) independent cases; n is above 0."""
    spread = _Z95**2 / n
    middle = rate + spread / 2
    reach = _Z95 * (rate * (1 - rate) / n + spread / (4 * n)) ** 0.5
    return max((middle - reach) / (1 + spread), 0.0), min((middle + reach) / (1 + spread), 1.0)


def effective_n(days: Sequence[tuple[int, int]]) -> float:
    """How many independent cases the (hits, cases) of each day are worth; never more than there are.

    N / deff with deff = variance of the daily rates / (p (1 - p) / m), m the mean cases a day. Where the days
    cannot show their spread (one day, or every case alike) a day counts as one case.
    """
    total, hits = sum(cases for _, cases in days), sum(hit for hit, _ in days)
    if len(days) < 2 or hits in (0, total):
        return float(len(days))
    rate = hits / total
    expected = rate * (1 - rate) / (total / len(days))
    return total / max(pvariance([hit / cases for hit, cases in days]) / expected, 1.0)
