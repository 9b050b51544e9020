"""Daily figures of a million calls against the plain GROUP BY of their rows, and a month read from kept figures."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.timing import alternate, verdict
from core.clock import kst
from core.db import Database, migrate
from core.embedded import private_servers
from core.usage.aggregates import refresh, stored_figures

ROWS, ROUNDS = 1_000_000, 5
DAY = date(2026, 2, 20)
_FILL = text(
    """
    INSERT INTO usage_record (at, settled_at, provider, endpoint, model, purpose, tokens_in, tokens_out, cost_usd,
        status_code, error_code, response_ms, request_id)
    SELECT CAST(:start AS timestamptz) + n * interval '86 milliseconds', :start, 'provider ' || n % 4,
        'endpoint ' || n % 5, CASE WHEN n % 10 = 0 THEN 'model' ELSE '' END, 'ask', n % 1000, n % 100, n % 7, 200,
        CASE WHEN n % 50 = 0 THEN '429' END, (40 / (random() + 0.01))::int, n::text
    FROM generate_series(0, CAST(:rows AS int) - 1) AS n
    """
)
_COLUMNS = """
    provider, endpoint, model, error_code, count(*), count(*) FILTER (WHERE error_code IS NULL), count(error_code),
    avg(response_ms), sum(tokens_in), sum(tokens_cached), sum(tokens_out), sum(cost_usd)
"""
_WHERE = "FROM usage_record WHERE at >= :start AND at < :stop GROUP BY provider, endpoint, model, error_code"
_PLAIN = text(f"SELECT {_COLUMNS} {_WHERE}")
_PLAIN_P95 = text(f"SELECT {_COLUMNS}, percentile_disc(0.95) WITHIN GROUP (ORDER BY response_ms) {_WHERE}")


async def measure() -> None:
    """Print the seconds of each and the ratios."""
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with private_servers(Path(folder), postgres=True, redis=False, milvus=False) as addresses:
            await migrate(addresses.database_url)
            db = Database(addresses.database_url)
            async with db.begin() as conn:
                await conn.execute(_FILL, {"start": kst(DAY), "rows": ROWS})
            async with db.read() as conn:
                await conn.execute(text("VACUUM ANALYZE usage_record"))
            await _compare(db)
            await db.close()


async def _compare(db: Database) -> None:
    bounds = {"start": kst(DAY), "stop": kst(DAY + timedelta(days=1))}

    async def ours() -> None:
        async with db.begin() as conn:
            await refresh(conn, DAY, at=kst(DAY))

    async def plain() -> None:
        async with db.read() as conn:
            (await conn.execute(_PLAIN, bounds)).all()

    async def plain_p95() -> None:
        async with db.read() as conn:
            (await conn.execute(_PLAIN_P95, bounds)).all()

    async def kept() -> None:
        async with db.read() as conn:
            await stored_figures(conn, DAY - timedelta(days=29), DAY + timedelta(days=1))

    timed = await alternate(ours, plain, plain_p95, kept, rounds=ROUNDS, warm_up=1)
    made, grouped, with_p95, read = map(statistics.median, timed)
    print(f"{ROWS:,} rows of a day")
    print(f"plain GROUP BY, counts and sums       {grouped:7.3f} s")
    print(f"plain GROUP BY with its percentile    {with_p95:7.3f} s")
    print(f"daily figures made and stored         {made:7.3f} s")
    print(f"kept figures of 30 days read          {read:7.4f} s")
    print(verdict("figures to the plain GROUP BY with percentile", made / with_p95, 1))
    print(verdict("figures to the plain GROUP BY without", made / grouped, 3))
    print(verdict("kept figures to the plain GROUP BY", read / grouped, 0.05))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
