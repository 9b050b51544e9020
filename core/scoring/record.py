"""A forecaster's record: how often its calls came true, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.scoring.formulas import effective_n, wilson

LEAST_EFFECTIVE_N = 30
"""Below this many effective cases no interval is given, and nobody should judge."""

_DAYS = text(
    """
    SELECT count(*) AS predictions, count(e.called) AS calls, count(*) FILTER (WHERE e.hit) AS hits,
           sum(e.brier) FILTER (WHERE b.brier IS NOT NULL) AS brier, sum(b.brier) FILTER (WHERE e.brier IS NOT NULL)
             AS base_brier
    FROM model_evaluation e
    JOIN prediction p ON p.id = e.prediction_id
    LEFT JOIN prediction base ON base.code = p.code AND base.input_hash = p.input_hash
         AND base.model_key = 'rule:base_rate' AND base.outcome = 'made'
    LEFT JOIN model_evaluation b ON b.prediction_id = base.id AND b.sessions = e.sessions
    WHERE p.live AND p.model_key = :model_key AND e.sessions = :sessions
      AND (CAST(:code AS text) IS NULL OR p.code = :code)
    GROUP BY e.closed_on
    ORDER BY e.closed_on
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Live predictions only. `predictions` counts abstained and failed ones too, `calls` those with a direction.

    `interval` is the 95 % interval of the hit rate, clustered by day; None below `LEAST_EFFECTIVE_N` and for a
    single stock. `skill` is 1 - Brier / Brier of the base rate on the same sheets; above 0 is better than that.
    """

    predictions: int
    calls: int
    hits: int
    days: int
    effective_n: float
    interval: tuple[float, float] | None
    skill: float | None

    @property
    def hit_rate(self) -> float | None:
        """Hits among the calls; None without a call."""
        return self.hits / self.calls if self.calls else None


async def record_of(conn: AsyncConnection, model_key: str, *, code: str | None = None, sessions: int = 1) -> Record:
    """The record of a forecaster at one horizon, on one stock or on all."""
    days = (await conn.execute(_DAYS, {"model_key": model_key, "code": code, "sessions": sessions})).all()
    calls, hits = sum(day.calls for day in days), sum(day.hits for day in days)
    worth = effective_n([(day.hits, day.calls) for day in days if day.calls])
    judged = code is None and worth >= LEAST_EFFECTIVE_N
    return Record(
        predictions=sum(day.predictions for day in days),
        calls=calls,
        hits=hits,
        days=len(days),
        effective_n=worth,
        interval=wilson(hits / calls, worth) if judged else None,
        skill=_skill(days),
    )


def _skill(days: Sequence[Any]) -> float | None:
    base = sum(day.base_brier or 0.0 for day in days)
    return 1 - sum(day.brier or 0.0 for day in days) / base if base else None
