"""python -m bot check: what is configured, what answers, and what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from telegram import Bot

from bot.console import say_line
from bot.http import address_of
from bot.process import outer_probes
from bot.texts import texts
from bot.views.health import said
from core.cache import Cache
from core.chats.member import Language
from core.db import Database
from core.errors import BadSettings, StockPilotError
from core.health.kept import watch
from core.health.note import NoteKind, note
from core.health.report import Component, Status, overall
from core.health.service import check_health
from core.logs import configure_logs, redact
from core.services import open_services
from core.settings import LogSettings, Settings
from core.vectors import VectorStore

MARKS = {Status.HEALTHY: "ok", Status.DEGRADED: "weak", Status.UNHEALTHY: "DOWN", Status.NOT_CONFIGURED: "unset"}
STORES = ("postgresql", "redis", "milvus")
QUICK_SECONDS = 4.0


async def check(settings: Settings) -> int:
    """Open everything, probe it, and print a line a component; 0 when nothing critical is missing or down."""
    configure_logs(LogSettings(level="ERROR", file=None))
    token = settings.telegram.bot_token
    if token is None:
        say_line("DOWN  telegram      TELEGRAM_BOT_TOKEN is not set (python -m bot demo needs none)")
    async with open_services(settings) as services:
        if token is not None:
            base_url = f"{settings.telegram.base_url.rstrip('/')}/bot"
            watch(services, *outer_probes(Bot(token.get_secret_value(), base_url=base_url)))
        report = await check_health(services)
    for component in report.components:
        say_line(_line(component, settings))
    return _conclude(good=token is not None and report.status is not Status.UNHEALTHY)


async def quick_check(settings: Settings) -> int:
    """Probe the stores within five seconds: through the running process where it has an HTTP port, else directly.

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
    for component in components:
        say_line(_line(component, settings))
    return _conclude(good=overall(components) is not Status.UNHEALTHY)


async def _through_process(settings: Settings) -> list[Component]:
    address = address_of(settings.http)
    timeout = aiohttp.ClientTimeout(total=QUICK_SECONDS)
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
    if settings.milvus.uri is not None:
        token = settings.milvus.token.get_secret_value() if settings.milvus.token else None
        vectors = VectorStore(settings.milvus.uri, token=token)
        pings["milvus"] = vectors.ping
        closing.append(vectors.close)

    async def ask(name: str) -> Component:
        try:
            async with asyncio.timeout(QUICK_SECONDS):
                await pings[name]()
        except (StockPilotError, OSError) as error:
            return _dead(name, redact(str(error)) or type(error).__name__)
        return _component(name, Status.HEALTHY)

    try:
        return list(await asyncio.gather(*map(ask, pings)))
    finally:
        for close in closing:
            await close()


def _dead(name: str, why: str) -> Component:
    component = _component(name, Status.UNHEALTHY)
    return component.model_copy(update={"notes": (note(NoteKind.TEXT, text=why),)})


def _component(name: str, status: Status) -> Component:
    return Component(name=name, status=status, critical=name == STORES[0], latency_ms=None, last_success_at=None)


def _conclude(*, good: bool) -> int:
    say_line("ready" if good else "not ready")
    return 0 if good else 1


def _line(component: Component, settings: Settings) -> str:
    latency = "" if component.latency_ms is None else f"{component.latency_ms} ms"
    words = said(component, texts(Language(settings.app.language)))
    return f"{MARKS[component.status]:5} {component.name:13} {latency:>8}  {words}"
