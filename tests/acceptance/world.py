"""A simulated world that outlives the processes killed in it, and databases that begin alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import make_url, text

from core.cache import Cache
from core.chats import service as chats
from core.clock import ManualClock
from core.db import Database
from core.embedded import Addresses, clone_database, drop_database
from core.services import open_services
from core.settings import Settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from sim.market import generated_market
from sim.world import World, open_world
from tests.conftest import NOW

WATCHED = ("000660", "005930", "035420")

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The world, and a database in which its stocks are known and three of them are watched."""

    world: World
    servers: Addresses
    database_url: str
    settings: Callable[[str], Settings]

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[Settings]:
        """Settings for a copy of that database, and an empty cache."""
        template = make_url(self.database_url).database
        assert template is not None
        url = await clone_database(self.servers.database_url, template, f"{template}_copy")
        cache = Cache(self.servers.redis_url)
        await cache.clear()
        await cache.close()
        try:
            yield self.settings(url)
        finally:
            await drop_database(self.servers.database_url, f"{template}_copy")


@asynccontextmanager
async def staged(servers: Addresses, database_url: str, test_settings: Callable[..., Settings]) -> AsyncIterator[Stage]:
    """Open the world at `NOW`, learn its stocks, watch some of them and get the day's token.

    Its clock stands, so all calls of KIS fall into one second.
    """
    clock, market = ManualClock(NOW), generated_market(7, until=date(2026, 3, 6))
    async with open_world(market, clock, llm_latency=0.0, kis_calls_per_second=1e6) as world:

        def settings(url: str) -> Settings:
            return test_settings(database={"url": url}, **world.settings_overrides())

        async with open_services(settings(database_url), clock=clock) as services:
            await run_due(services, specs=[JOBS["refresh_stocks"]])
            member = await chats.meet(services, user_id=1, name="김하늘")
            for code in WATCHED:
                await chats.watch(services, member, code)
            await services.kis.quote(WATCHED[0])
        yield Stage(world=world, servers=servers, database_url=database_url, settings=settings)


async def held(settings: Settings, *queries: str) -> list[Rows]:
    """The rows of each query."""
    assert settings.database.url is not None
    db = Database(settings.database.url.get_secret_value(), pool_size=2)
    try:
        async with db.begin() as conn:
            return [[tuple(row) for row in await conn.execute(text(query))] for query in queries]
    finally:
        await db.close()


def difference(found: list[Rows], expected: list[Rows]) -> str:
    """What one state has too much and what it lacks; empty for equal ones."""
    lines = []
    for rows, wanted in zip(found, expected, strict=True):
        if rows != wanted:
            lines += [f"too much or twice: {row}" for row in _without(rows, wanted)]
            lines += [f"missing: {row}" for row in _without(wanted, rows)]
            lines += ["in another order"] * (sorted(map(str, rows)) == sorted(map(str, wanted)))
    return "\n".join(lines)


def _without(rows: Rows, others: Rows) -> Rows:
    left, rest = list(others), []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            rest.append(row)
    return rest
