"""A simulated DART beside test services, and what they hold of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from sqlalchemy import text

from core.clock import ManualClock
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Stock
from sim.dart.filings import FilingDesk
from sim.dart.server import DartServer
from sim.market import SimMarket, generated_market
from tests.conftest import OpenServices

KEY = "test-dart-key".ljust(40, "7")


def market_of_test() -> SimMarket:
    """The market the desk files for."""
    return generated_market(7, until=date(2026, 3, 6))


@asynccontextmanager
async def dart_server(market: SimMarket, clock: ManualClock, **changes: Any) -> AsyncIterator[DartServer]:
    """A desk over HTTP."""
    server = DartServer(FilingDesk(market), clock.now, api_key=KEY, **changes)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def settings_for(server: DartServer, **changes: Any) -> dict[str, Any]:
    """The settings that lead to a desk."""
    return {"api_key": KEY, "base_url": f"{server.url}/api", "rss_url": f"{server.url}/api"} | changes


@asynccontextmanager
async def reading(open_test_services: OpenServices, server: DartServer, **changes: Any) -> AsyncIterator[Services]:
    """Services that read the desk and know the stocks of its market."""
    async with open_test_services(dart=settings_for(server, **changes)) as services:
        await services.cache.clear()
        issues = server.desk.market.issues.values()
        stocks = [Stock(code=each.code, name=each.name, market=each.market, kind=each.kind) for each in issues]
        async with services.db.begin() as conn:
            await upsert_stocks(conn, stocks, at=services.clock.now())
        yield services


async def rows(services: Services, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    async with services.db.begin() as conn:
        return [tuple(row) for row in await conn.execute(text(query), values)]
