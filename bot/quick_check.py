"""python -m bot check --quick: whether the bot can answer. It loads little, so that it is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

import aiohttp

from bot.http_address import address_of
from bot.verdict import conclude
from core.cache import Cache
from core.db import Database
from core.errors import BadSettings, StockPilotError
from core.health.note import NoteKind, note
from core.health.report import Component, Status, overall
from core.logs import configure_logs, redact
from core.settings import LogSettings, Settings

STORES = ("postgresql", "redis", "milvus")
PATIENCE = 3.0
"""Seconds a store may take."""
MILVUS_PORT = 19530


async def quick_check(settings: Settings) -> int:
    """Ask for the stores within five seconds: through the running process where it has an HTTP port, else directly.

    0 unless PostgreSQL, without which nothing is answered, or the process itself does not answer. Private servers
    answer only their own process: raises `BadSettings` where there is no port to ask it by.
    """
    configure_logs(LogSettings(level="ERROR", file=None))
    if settings.http.port:
        components = await _through_process(settings)
    elif settings.database.url is None:
        raise BadSettings("HTTP_PORT: needed to ask the running process, whose private servers nobody else reaches")
    else:
        components = await _directly(settings)
    return conclude(components, settings, good=overall(components) is not Status.UNHEALTHY)


async def _through_process(settings: Settings) -> list[Component]:
    address = address_of(settings.http)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(address, timeout=timeout) as client:

        async def ask(name: str) -> Component:
            try:
                async with client.get(f"/health/{name}") as answer:
                    return Component.model_validate_json(await answer.read())
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                return _dead(name, f"{address}: {type(error).__name__}")

        return list(await asyncio.gather(*map(ask, STORES)))


async def _directly(settings: Settings) -> list[Component]:
    assert settings.database.url is not None
    database = Database(settings.database.url.get_secret_value(), pool_size=1)
    pings: dict[str, Callable[[], Awaitable[object]]] = {"postgresql": database.ping}
    closing: list[Callable[[], Awaitable[None]]] = [database.close]
    if settings.redis.url is not None:
        cache = Cache(settings.redis.url.get_secret_value())
        pings["redis"] = cache.ping
        closing.append(cache.close)
    if settings.milvus.uri is not None and "://" in settings.milvus.uri:
        pings["milvus"] = partial(_knock, settings.milvus.uri)

    async def ask(name: str) -> Component:
        try:
            async with asyncio.timeout(PATIENCE):
                await pings[name]()
        except (StockPilotError, OSError) as error:
            return _dead(name, redact(str(error)) or type(error).__name__)
        return _component(name, Status.HEALTHY)

    try:
        return list(await asyncio.gather(*map(ask, pings)))
    finally:
        for close in closing:
            await close()


async def _knock(uri: str) -> None:
    """Whether somebody answers there. Not more: Milvus' own client takes seconds to load."""
    address = urlsplit(uri)
    _, writer = await asyncio.open_connection(address.hostname, address.port or MILVUS_PORT)
    writer.close()


def _dead(name: str, why: str) -> Component:
    component = _component(name, Status.UNHEALTHY)
    return component.model_copy(update={"notes": (note(NoteKind.TEXT, text=why),)})


def _component(name: str, status: Status) -> Component:
    return Component(name=name, status=status, critical=name == STORES[0], latency_ms=None, last_success_at=None)
