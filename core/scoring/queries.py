"""SQL of scores: whole sets at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

RULE = "band-1"
"""The written rule: the return from the base price, put on the closing day's scale, to the close of the deciding
session is up or down beyond the horizon's stored band and flat otherwise; the call is the likeliest direction, flat
on a tie; Brier is summed over the three directions. Abstained and failed predictions are scored without a call."""

_SCORE = text(
    """
    WITH closed AS (
        SELECT h.prediction_id, h.sessions, h.closes_on, h.band, h.p_up, h.p_flat, h.p_down,
               p.base_price, d.close AS close_price, (d.close - scaled.base) / scaled.base AS change
        FROM prediction_horizon h
        JOIN prediction p ON p.id = h.prediction_id
        JOIN daily_price d ON d.code = p.code AND d.day = h.closes_on
        CROSS JOIN LATERAL (
            SELECT p.base_price * coalesce(exp(sum(ln(s.split_ratio))), 1) AS base FROM daily_price s
            WHERE s.code = p.code AND s.day <= h.closes_on AND s.split_ratio > 0
              AND s.day > (p.base_at AT TIME ZONE 'Asia/Seoul')::date
        ) scaled
        LEFT JOIN model_evaluation e ON e.prediction_id = h.prediction_id AND e.sessions = h.sessions
        WHERE e.prediction_id IS NULL AND h.sessions IN :sessions AND h.closes_on <= :closed
          AND d.close > 0 AND p.base_price > 0
    ), judged AS (
        SELECT *,
               CASE WHEN change > band THEN 'up' WHEN change < -band THEN 'down' ELSE 'flat' END AS actual,
               CASE WHEN p_up IS NULL THEN NULL
                    WHEN p_flat >= greatest(p_up, p_down) OR p_up = p_down THEN 'flat'
                    WHEN p_up > p_down THEN 'up' ELSE 'down' END AS called
        FROM closed
    )
    INSERT INTO model_evaluation (prediction_id, sessions, closed_on, base_price, close_price, return_percent,
                                  actual, called, hit, brier, rule, scored_at)
    SELECT prediction_id, sessions, closes_on, base_price, close_price, change * 100, actual, called, called = actual,
           power(p_up - (actual = 'up')::int, 2) + power(p_flat - (actual = 'flat')::int, 2)
             + power(p_down - (actual = 'down')::int, 2),
           :rule, :at
    FROM judged
    ON CONFLICT (prediction_id, sessions) DO NOTHING
    """
).bindparams(bindparam("sessions", expanding=True))


async def score(conn: AsyncConnection, *, sessions: Sequence[int], closed: date, at: datetime) -> int:
    """Score every horizon of `sessions` that closed on or before the session `closed` and has its bar.

    Returns how many were scored; what is scored stays as it is. A horizon whose bar is not there yet waits.
    """
    result = await conn.execute(_SCORE, {"sessions": list(sessions), "closed": closed, "at": at, "rule": RULE})
    return result.rowcount
