"""SQL over the rows of calls, for what the daily figures do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst
from core.usage.figures import Use

_USE: Final = """
    count(*) AS calls, count(*) FILTER (WHERE settled_at IS NOT NULL AND error_code IS NULL) AS succeeded,
    count(error_code) AS failed, count(response_ms) AS timed, avg(response_ms)::float8 AS mean_ms,
    coalesce(sum(tokens_in), 0)::bigint AS tokens_in, coalesce(sum(tokens_cached), 0)::bigint AS tokens_cached,
    coalesce(sum(tokens_out), 0)::bigint AS tokens_out, coalesce(sum(cost_usd), 0) AS cost_usd
"""
_P95: Final = "percentile_disc(0.95) WITHIN GROUP (ORDER BY response_ms) AS p95_ms"
_TODAY: Final = "FROM usage_record WHERE at >= :start AND at < :stop AND id > :after"


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """The newest reset of a day."""

    number: int
    at: datetime
    last_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hour:
    """The calls of an hour of the day in Seoul to one model; the name is empty for unpaid calls."""

    hour: int
    model: str
    calls: int
    failed: int
    cost_usd: Decimal


async def newest_archive(conn: AsyncConnection, day: date) -> Archive | None:
    """The last reset of a Seoul day."""
    query = text("SELECT id, at, last_id FROM usage_archive WHERE day = :day ORDER BY id DESC LIMIT 1")
    row = (await conn.execute(query, {"day": day})).one_or_none()
    return None if row is None else Archive(number=row.id, at=row.at, last_id=row.last_id)


async def totals_of(conn: AsyncConnection, day: date, *, after: int) -> tuple[Use, Use]:
    """The paid and the unpaid calls of a day, with their exact percentile."""
    query = text(f"SELECT model <> '' AS paid, {_USE}, {_P95} {_TODAY} GROUP BY model <> ''")
    found = {row["paid"]: _use(row) for row in (await conn.execute(query, _bounds(day, after))).mappings()}
    return found.get(True, Use()), found.get(False, Use())


async def purposes_of(conn: AsyncConnection, start: datetime, stop: datetime, *, after: int = 0) -> dict[str, Use]:
    """The paid calls in [start, stop) by purpose."""
    query = text(f"SELECT purpose, {_USE} {_TODAY} AND model <> '' GROUP BY purpose")
    rows = (await conn.execute(query, {"start": start, "stop": stop, "after": after})).mappings()
    return {row["purpose"]: _use(row) for row in rows}


async def users_of(conn: AsyncConnection, day: date, *, after: int) -> dict[str, Use]:
    """The paid calls of a day by who asked: a name with its number. Scheduled work is nobody's."""
    query = text(
        f"""
        SELECT coalesce((SELECT name FROM "user" WHERE id = user_id), '?') || ' (' || user_id || ')' AS who, asked.*
        FROM (SELECT user_id, {_USE} {_TODAY} AND model <> '' AND user_id IS NOT NULL GROUP BY user_id) AS asked
        """
    )
    return {row["who"]: _use(row) for row in (await conn.execute(query, _bounds(day, after))).mappings()}


async def hours_of(conn: AsyncConnection, day: date, *, after: int) -> list[Hour]:
    """The calls of a day by hour and model."""
    query = text(
        "SELECT extract(hour FROM at AT TIME ZONE 'Asia/Seoul')::int AS hour, model, count(*) AS calls, "
        f"count(error_code) AS failed, sum(cost_usd) AS cost_usd {_TODAY} GROUP BY 1, 2"
    )
    return [Hour(**row) for row in (await conn.execute(query, _bounds(day, after))).mappings()]


async def cost_of_days(conn: AsyncConnection, first: date, until: date) -> list[Decimal]:
    """The cost of every day in [first, until), oldest first, beginning with the first day ever recorded."""
    query = text(
        """
        SELECT coalesce(sum(cost_usd), 0) AS cost FROM generate_series(
            (SELECT greatest(CAST(:first AS date), min(day)) FROM daily_usage HAVING count(*) > 0),
            CAST(:until AS date) - 1, '1 day') AS at
        LEFT JOIN daily_usage ON day = at::date GROUP BY at ORDER BY at
        """
    )
    return list((await conn.execute(query, {"first": first, "until": until})).scalars())


async def calls_to_archive(conn: AsyncConnection, day: date, *, after: int) -> RowMapping:
    """The rows of a day numbered above `after` in short: `calls`, `cost_usd`, `first_id`, `last_id`."""
    query = text(
        "SELECT count(*) AS calls, coalesce(sum(cost_usd), 0) AS cost_usd, coalesce(min(id), 0) AS first_id, "
        f"coalesce(max(id), :after) AS last_id {_TODAY}"
    )
    return (await conn.execute(query, _bounds(day, after))).mappings().one()


async def use_of(conn: AsyncConnection, user_id: int, *, start: datetime, stop: datetime) -> Use:
    """The paid calls for one member in [start, stop)."""
    query = text(f"SELECT {_USE} {_TODAY} AND model <> '' AND cost_usd > 0 AND user_id = :user_id")
    bounds = {"start": start, "stop": stop, "after": 0, "user_id": user_id}
    return _use((await conn.execute(query, bounds)).mappings().one())


def _bounds(day: date, after: int) -> dict[str, Any]:
    return {"start": kst(day), "stop": kst(day + timedelta(days=1)), "after": after}


def _use(row: RowMapping) -> Use:
    figures: Iterable[str] = ("calls", "succeeded", "failed", "timed", "mean_ms", "p95_ms", "cost_usd")
    tokens = ("tokens_in", "tokens_cached", "tokens_out")
    return Use(**{name: row[name] for name in (*figures, *tokens) if name in row})
