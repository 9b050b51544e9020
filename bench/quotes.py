"""The whole market's prices by thirty a call, against the time the quota itself takes, at a KIS that enforces 18/s; and
how much of the quota one process uses, and two that share a key."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from bench.timing import verdict
from core.clock import ShiftedClock, kst
from core.kis.client import KisClient
from core.logs import configure_logs
from core.services import Services, open_services
from core.settings import LogSettings, given_settings
from sim.kis.server import KisServer
from sim.market import SimMarket, generated_market

CALLS, RATE, BOOKS = 90, 18.0, 360
DAY = kst(date(2026, 2, 20))


@asynccontextmanager
async def _serving(market: SimMarket, clock: ShiftedClock) -> AsyncIterator[tuple[KisServer, Services]]:
    server = KisServer(market, clock.now, calls_per_second=RATE, seconds=perf_counter)
    await server.start()
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        kis = {"app_key": "demo-key", "app_secret": "demo-secret", "base_url": server.url}
        settings = given_settings({"app": {"data_dir": Path(folder)}, "kis": kis})
        async with open_services(settings, clock=clock) as services:
            yield server, services
    await server.stop()


async def _asked_meanwhile(client: KisClient, stop: asyncio.Event) -> list[float]:
    """How long people's questions wait while the sweep goes on."""
    waits = []
    while not stop.is_set():
        began = perf_counter()
        await client.quote("005930")
        waits.append(perf_counter() - began)
        await asyncio.sleep(0.5)
    return waits


async def measure() -> None:
    """Print how long a sweep and many single calls take, how much of the quota that is, and who was refused."""
    configure_logs(LogSettings(level="ERROR", file=None))
    clock = ShiftedClock(DAY + timedelta(hours=11))
    market = generated_market(7, until=date(2026, 2, 20))
    codes = (list(market.issues) * 60)[: CALLS * 30]
    async with _serving(market, clock) as (server, services):
        collecting = services.kis.collecting
        await collecting.quotes(codes[:30])
        began = perf_counter()
        await collecting.quotes(codes)
        sweep = perf_counter() - began
        began = perf_counter()
        await asyncio.gather(*(collecting.order_book("005930") for _ in range(BOOKS)))
        books = perf_counter() - began
        other = KisClient(services.settings.kis, db=services.db, clock=clock, cache=services.cache)
        began = perf_counter()
        clients = (collecting, other.collecting)
        await asyncio.gather(*(client.order_book("005930") for client in clients for _ in range(BOOKS // 2)))
        together = perf_counter() - began
        await other.close()
        refused, stop = server.refused_for_rate, asyncio.Event()
        asking = asyncio.create_task(_asked_meanwhile(services.kis, stop))
        await collecting.quotes(codes)
        stop.set()
        waits = sorted(await asking)
    print(f"sweep of {CALLS} calls {sweep:.2f} s, {BOOKS} order books {books:.2f} s; refused: {refused}")
    print(
        f"a question during a sweep: median {waits[len(waits) // 2] * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms"
    )
    print(verdict("quote sweep to the quota's own time", sweep / (CALLS / RATE), 1.1))
    print(verdict("share of the quota used", BOOKS / RATE / books, 0.95, at_most=False))
    print(verdict("share used by two with one key", BOOKS / RATE / together, 0.95, at_most=False))
    print(verdict("calls refused for the rate", float(server.refused_for_rate), 0))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
