"""What writing down a call costs: a paid one against a bare INSERT and its commit, an unpaid one against one big COPY.

The month already holds a million unpaid calls and three thousand paid ones, as a busy one does.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from sqlalchemy import insert, text

from bench.timing import alternate, p, verdict
from core.clock import SystemClock
from core.db import Database, migrate
from core.embedded import private_servers
from core.http import OutsideCall
from core.ledger.calls import Budget, Call, Outcome, reserve, settle
from core.ledger.models import UsageRecordRow
from core.ledger.prices import Tokens
from core.ledger.recorder import CallRecorder, copy_calls

PAID_ROUNDS, BULK_ROUNDS = 300, 12
CALLS = 20_000
"""Unpaid calls of a round: what eighteen a second make in twenty minutes."""
_MONTH = text(
    """
    INSERT INTO usage_record (at, settled_at, provider, endpoint, model, purpose, cost_usd, status_code, response_ms,
        request_id)
    SELECT CAST(:at AS timestamptz) - n * interval '1 second', :at, 'kis', 'inquire-price',
        CASE WHEN n % 333 = 0 THEN 'm' ELSE '' END, 'ask',
        CASE WHEN n % 333 = 0 THEN 0.0001 ELSE 0 END, 200, n % 900, n::text
    FROM generate_series(1, 1000000) AS n
    """
)
CALL = Call(provider="openai", endpoint="chat/completions", model="m", purpose="predict", request_id="r")
ENOUGH = Budget(daily=Decimal(10**6), monthly=Decimal(10**6))
DONE = Outcome(tokens=Tokens(), cost_usd=Decimal("0.0001"), status_code=200, error_code=None, response_ms=800)
OUTSIDE = OutsideCall(provider="kis", endpoint="inquire-price", status=200, error=None, response_ms=61)


async def measure() -> None:
    """Print both costs and their ratios."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with private_servers(Path(folder), postgres=True, redis=False, milvus=False) as addresses:
            await migrate(addresses.database_url)
            db = Database(addresses.database_url)
            async with db.begin() as conn:
                await conn.execute(_MONTH, {"at": clock.now() - timedelta(seconds=1)})
            async with db.read() as conn:
                await conn.execute(text("VACUUM ANALYZE usage_record"))
            await _paid(db, clock)
            await _unpaid(db, clock)
            await db.close()


async def _paid(db: Database, clock: SystemClock) -> None:
    async def ours() -> None:
        async with db.begin() as conn:
            record = await reserve(conn, CALL, estimate=Decimal("0.001"), budget=ENOUGH, at=clock.now())
        async with db.begin() as conn:
            await settle(conn, record, DONE, at=clock.now())

    async def bare() -> None:
        now = clock.now()
        values = {"at": now, "settled_at": now, "provider": "openai", "endpoint": "e", "model": "m", "purpose": "x"}
        async with db.begin() as conn:
            await conn.execute(insert(UsageRecordRow).values(**values, cost_usd=0, request_id="r"))

    ledger, inserts = await alternate(ours, bare, rounds=PAID_ROUNDS)
    print(f"a paid call, reserved and settled  p50 {p(ledger, 50):6.2f} ms   p95 {p(ledger, 95):6.2f} ms")
    print(f"one bare INSERT and its commit    p50 {p(inserts, 50):6.2f} ms   p95 {p(inserts, 95):6.2f} ms")
    print(verdict("a paid call to a bare INSERT commit, p50", p(ledger, 50) / p(inserts, 50), 6))


async def _unpaid(db: Database, clock: SystemClock) -> None:
    now = clock.now()
    row = (now, now, "kis", "inquire-price", "", "ask", 0, 200, None, 61, "r")

    async def ours() -> None:
        recorder = CallRecorder(db, clock)
        for number in range(CALLS):
            recorder(OUTSIDE)
            if number % 500 == 499:
                await recorder.flush()
        await recorder.close()
        assert recorder.lost == 0

    async def bulk() -> None:
        await copy_calls(db, [row] * CALLS)

    recorded, copied = await alternate(ours, bulk, rounds=BULK_ROUNDS, warm_up=1)
    ours_each, bulk_each = (statistics.median(each) / CALLS * 1e6 for each in (recorded, copied))
    began = perf_counter()
    recorder = CallRecorder(db, clock)
    for _ in range(CALLS):
        recorder(OUTSIDE)
    noted = (perf_counter() - began) / CALLS * 1e6
    await recorder.close()
    print(f"an unpaid call: noted in {noted:.1f} us, noted and written in {ours_each:.1f} us, 500 a commit")
    print(f"one COPY of {CALLS:,} rows                       {bulk_each:.1f} us a row")
    print(verdict("an unpaid call to one bulk COPY", ours_each / bulk_each, 4))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
