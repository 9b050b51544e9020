"""A simulated KIS with the services over it, and short ways to run jobs and look at tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from core.clock import ManualClock
from core.runs.run import RunState
from core.services import Services
from core.stocks.queries import get_stock
from core.stocks.service import refresh_stocks
from core.stocks.stock import Stock
from jobs.registry import JOBS
from jobs.run import run_job
from sim.kis.server import KisServer
from sim.market import SimMarket
from tests.conftest import OpenServices

FRIDAY = date(2026, 2, 20)
UNTIL = date(2026, 2, 27)


@asynccontextmanager
async def collecting(
    market: SimMarket, clock: ManualClock, opened: OpenServices, *, paper: bool = False
) -> AsyncIterator[tuple[KisServer, Services]]:
    server = KisServer(market, clock.now, paper=paper, calls_per_second=1 if paper else 18)
    await server.start()
    groups: dict[str, Any] = {
        "app_key": "demo-key",
        "app_secret": "demo-secret",
        "base_url": server.url,
        "master_url": f"{server.url}/common/master/",
        "paper": paper,
    }
    try:
        async with opened(kis=groups) as services:
            await services.cache.clear()
            await refresh_stocks(services)
            yield server, services
    finally:
        await server.stop()


World = tuple[KisServer, Services]


async def run(services: Services, job: str, slot: datetime | None = None) -> RunState:
    return await run_job(services, JOBS[job], slot or services.clock.now(), owner="test")


async def rows(services: Services, query: str, **values: Any) -> list[Any]:
    async with services.db.read() as conn:
        return list(await conn.execute(text(query), values))


async def count(services: Services, table: str) -> int:
    return int((await rows(services, f"SELECT count(*) FROM {table}"))[0][0])


async def stock_of(services: Services, code: str) -> Stock:
    async with services.db.read() as conn:
        stock = await get_stock(conn, code)
    assert stock is not None
    return stock


def asked(server: KisServer, path: str) -> int:
    return sum(request.path.endswith(path) for request in server.requests)


async def follow(services: Services, *codes: str) -> None:
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE stock SET priority = 1 WHERE code = ANY(:codes)"), {"codes": list(codes)})
