"""Daily figures made from the rows of calls by SQL over sets: the same rows give the same figures, however often."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst, kst_date
from core.runs.run import Run
from core.services import Services
from core.usage.figures import DayFigures, Use

_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATE: Final = timedelta(minutes=15)
"""How long after a refresh calls from before it may still be written or settled: longer than any call lasts."""

# Equal response times are counted together first: the percentile then needs no sort of every row.
_FIGURES: Final = """
    WITH counted AS (
        SELECT provider, endpoint, model, coalesce(error_code, '') AS error_code, response_ms, count(*) AS calls,
            count(*) FILTER (WHERE settled_at IS NOT NULL AND error_code IS NULL) AS succeeded,
            count(error_code) AS failed,
            sum(tokens_in) AS tokens_in, sum(tokens_cached) AS tokens_cached, sum(tokens_out) AS tokens_out,
            sum(cost_usd) AS cost_usd
        FROM usage_record WHERE at >= :start AND at < :stop AND id > :after
        GROUP BY provider, endpoint, model, coalesce(error_code, ''), response_ms
    ), placed AS (
        SELECT *, CASE WHEN response_ms IS NULL THEN 0 ELSE calls END AS timed,
            sum(calls) OVER (kind ORDER BY response_ms) AS upto,
            sum(calls) FILTER (WHERE response_ms IS NOT NULL) OVER kind AS all_timed
        FROM counted WINDOW kind AS (PARTITION BY provider, endpoint, model, error_code)
    )
    SELECT CAST(:day AS date) AS day, provider, endpoint, model, error_code,
        sum(calls)::bigint AS calls, sum(succeeded)::bigint AS succeeded, sum(failed)::bigint AS failed,
        sum(timed)::bigint AS timed,
        (sum(response_ms * timed)::float8 / nullif(sum(timed), 0)::float8) AS mean_ms,
        min(response_ms) FILTER (WHERE upto * 100 >= all_timed * 95) AS p95_ms,
        sum(tokens_in)::bigint AS tokens_in, sum(tokens_cached)::bigint AS tokens_cached,
        sum(tokens_out)::bigint AS tokens_out, sum(cost_usd) AS cost_usd
    FROM placed GROUP BY provider, endpoint, model, error_code
"""
_REFRESH: Final = text(
    "INSERT INTO daily_usage (day, provider, endpoint, model, error_code, calls, succeeded, failed, timed, mean_ms, "
    "p95_ms, tokens_in, tokens_cached, tokens_out, cost_usd, refreshed_at) "
    f"SELECT *, CAST(:at AS timestamptz) FROM ({_FIGURES}) AS figures"
)
_STORED: Final = text("SELECT * FROM daily_usage WHERE day >= :first AND day < :until")
_DELETED_AT_ONCE: Final = 50_000


async def figures_of(conn: AsyncConnection, day: date, *, after: int = 0) -> list[DayFigures]:
    """The figures of a Seoul day from its rows, of those numbered above `after`."""
    bounds = {"day": day, "start": kst(day), "stop": kst(day + timedelta(days=1)), "after": after}
    return [_read(row) for row in (await conn.execute(text(_FIGURES), bounds)).mappings()]


async def stored_figures(conn: AsyncConnection, first: date, until: date) -> list[DayFigures]:
    """The kept figures of the days in [first, until)."""
    return [_read(row) for row in (await conn.execute(_STORED, {"first": first, "until": until})).mappings()]


async def refresh(conn: AsyncConnection, day: date, *, at: datetime) -> int:
    """Make the figures of a Seoul day anew from its rows; returns how many there are.

    Two who do it at once do it one after the other. The rows must all still be there.
    """
    await conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('daily_usage'), :day)"), {"day": day.toordinal()})
    await conn.execute(text("DELETE FROM daily_usage WHERE day = :day"), {"day": day})
    bounds = {"day": day, "start": kst(day), "stop": kst(day + timedelta(days=1)), "after": 0, "at": at}
    return (await conn.execute(_REFRESH, bounds)).rowcount


async def refresh_changed(services: Services, run: Run) -> int:
    """Refresh the days in which calls were written or settled since the last refresh; returns how many days."""
    now = services.clock.now()
    async with services.db.read() as conn:
        days = await _changed_days(conn, now)
    for day in days:
        async with run.begin() as conn:
            await refresh(conn, day, at=now)
    return len(days)


async def _changed_days(conn: AsyncConnection, now: datetime) -> list[date]:
    last = (await conn.execute(text("SELECT max(refreshed_at) FROM daily_usage"))).scalar_one()
    query = text("SELECT min(at), max(at) FROM usage_record WHERE at >= :since")
    since = _BEGINNING if last is None else min(last, now) - _LATE
    oldest, newest = (await conn.execute(query, {"since": since})).one()
    if oldest is None:
        return []
    first, final = kst_date(oldest), kst_date(newest)
    return [first + timedelta(days=step) for step in range((final - first).days + 1)]


async def prune(services: Services, run: Run) -> int:
    """Delete rows older than the settings keep them, of days whose figures are kept; returns how many.

    Figures that are behind their rows, and yesterday's in any case, are made once more before.
    """
    now, kept = services.clock.now(), services.settings.usage
    today = kst_date(now)
    await refresh_changed(services, run)
    async with run.begin() as conn:
        await refresh(conn, today - timedelta(days=1), at=now)
    deleted = 0
    for unpaid, days in ((True, kept.raw_days), (False, kept.paid_days)):
        until = kst(today - timedelta(days=days))
        while count := await _delete(run, unpaid, until):
            deleted += count
    return deleted


async def _delete(run: Run, unpaid: bool, until: datetime) -> int:
    query = text(
        "DELETE FROM usage_record WHERE id IN (SELECT id FROM usage_record WHERE at < :until "
        "AND (model = '') = :unpaid AND EXISTS (SELECT FROM daily_usage WHERE "
        "day = (at AT TIME ZONE 'Asia/Seoul')::date) LIMIT :most)"
    )
    async with run.begin() as conn:
        return (await conn.execute(query, {"until": until, "unpaid": unpaid, "most": _DELETED_AT_ONCE})).rowcount


def _read(row: RowMapping) -> DayFigures:
    return DayFigures(
        day=row["day"],
        provider=row["provider"],
        endpoint=row["endpoint"],
        model=row["model"],
        error_code=row["error_code"],
        use=Use(
            calls=row["calls"],
            succeeded=row["succeeded"],
            failed=row["failed"],
            timed=row["timed"],
            mean_ms=row["mean_ms"],
            p95_ms=row["p95_ms"],
            tokens_in=row["tokens_in"],
            tokens_cached=row["tokens_cached"],
            tokens_out=row["tokens_out"],
            cost_usd=row["cost_usd"],
        ),
    )
