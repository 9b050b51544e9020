"""Minutes into PostgreSQL: the whole market of one minute against the ORM, a million bars against server-side COPY."""

from __future__ import annotations

import asyncio
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bench.timing import verdict
from core.db import Database, migrate
from core.embedded import private_servers
from core.market.bar import MinuteBar
from core.market.minute import MINUTE
from core.market.minute_queries import store_minutes
from core.market.models import MinutePriceRow
from core.market.partitions import ensure_months

STOCKS, MINUTES = 2_700, 370
OPENS = datetime(2026, 11, 2, tzinfo=UTC)
ROUNDS = 5
CODES = [f"{number:06d}" for number in range(STOCKS)]


def _bar(at: datetime, close: int) -> MinuteBar:
    return MinuteBar(at=at, open=close, high=close + 9, low=close - 9, close=close, volume=close, value=close * close)


def _minute(number: int) -> list[tuple[str, MinuteBar]]:
    """One minute of every stock, its last price drawn anew."""
    return [(code, _bar(OPENS + MINUTE * number, random.randrange(1_000, 90_000))) for code in CODES]


async def _upsert(db: Database, rows: list[tuple[str, MinuteBar]]) -> float:
    began = perf_counter()
    async with db.begin() as conn:
        await store_minutes(conn, rows)
    return perf_counter() - began


async def _merge(url: str, rows: list[tuple[str, MinuteBar]]) -> float:
    engine = create_async_engine(url)
    began = perf_counter()
    async with AsyncSession(engine) as session:
        for code, bar in rows:
            values = {name: getattr(bar, name) for name in MinuteBar.__slots__}
            await session.merge(MinutePriceRow(code=code, **values))
        await session.commit()
    seconds = perf_counter() - began
    await engine.dispose()
    return seconds


async def _million(db: Database, folder: Path) -> tuple[float, float]:
    """Seconds of a million new bars through the product's own way, and of the same by COPY of the server's own file."""
    day = OPENS + timedelta(days=1)
    rows = [(code, _bar(day + MINUTE * number, 1_000 + number)) for code in CODES for number in range(MINUTES)]
    ours = await _upsert(db, rows)
    file = folder / "minutes.csv"
    async with db.begin() as conn:
        await conn.execute(text(f"COPY (SELECT * FROM minute_price WHERE at >= '{day.isoformat()}') TO '{file}'"))
        await conn.execute(text("TRUNCATE minute_price"))
    began = perf_counter()
    async with db.begin() as conn:
        await conn.execute(text(f"COPY minute_price FROM '{file}'"))
    return ours, perf_counter() - began


def _open_to_all(folder: Path) -> Path:
    """The folder, in which the server too may write."""
    folder.chmod(0o777)
    return folder


async def measure() -> None:
    """Print the times and the two ratios."""
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as name:
        folder = _open_to_all(Path(name))
        async with private_servers(folder, postgres=True, redis=False, milvus=False) as addresses:
            await migrate(addresses.database_url)
            db = Database(addresses.database_url)
            async with db.begin() as conn:
                await ensure_months(conn, [OPENS.date().replace(day=1)])
            upserts, merges = [], []
            for number in range(ROUNDS):
                await _upsert(db, _minute(number))  # what is there before
                upserts.append(await _upsert(db, _minute(number)))
                merges.append(await _merge(db.url, _minute(number)))
            ours, copied = await _million(db, folder)
            await db.close()
    upsert, merge, rows = sorted(upserts)[ROUNDS // 2], sorted(merges)[ROUNDS // 2], STOCKS * MINUTES
    print(f"a minute of {STOCKS:,} stocks   upsert {upsert * 1000:7.1f} ms   ORM merge {merge * 1000:7.1f} ms")
    print(f"{rows:,} bars               ours {rows / ours:,.0f}/s   server-side COPY {rows / copied:,.0f}/s")
    print(verdict("ORM merge to upsert of a minute", merge / upsert, 80, at_most=False))
    print(verdict("rows a second to server-side COPY", copied / ours, 0.4, at_most=False))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
