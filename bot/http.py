"""The HTTP port for machines: health and numbers, read only, off unless a port is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from bot.http_address import address_of, is_loopback
from core.errors import BadSettings
from core.health.exposition import exposition
from core.health.report import Status
from core.health.service import OUTSIDE, check_component, check_health, check_outside, component_names
from core.services import Services

log = structlog.get_logger(__name__)

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def open_http(services: Services) -> AsyncIterator[str | None]:
    """Answer on the port of the settings until the block ends; yields the address, None where no port is set.

    Raises `BadSettings` when the port cannot be had.
    """
    settings = services.settings.http
    if settings.port is None:
        yield None
        return
    runner = web.AppRunner(_application(services), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise BadSettings(f"HTTP_PORT: {settings.host}:{settings.port}: {error.strerror}") from error
        address = address_of(settings, port=runner.addresses[0][1])
        log.info("http_open", address=address)
        yield address
    finally:
        await runner.cleanup()


def _application(services: Services) -> web.Application:
    application = web.Application(middlewares=[_of_this_machine] if is_loopback(services.settings.http.host) else [])
    application[SERVICES] = services
    application.add_routes(
        [web.get("/health", _health), web.get("/health/{component}", _component), web.get("/metrics", _metrics)]
    )
    application.on_response_prepare.append(_nameless)
    return application


async def _health(request: web.Request) -> web.Response:
    report = await check_health(request.app[SERVICES])
    return web.json_response(text=report.model_dump_json(), status=_code(report.status))


async def _component(request: web.Request) -> web.Response:
    services, name = request.app[SERVICES], request.match_info["component"]
    if name in OUTSIDE:
        report = await check_outside(services)
        return web.json_response(text=report.model_dump_json(), status=_code(report.status))
    component = await check_component(services, name)
    if component is None:
        return web.json_response({"components": component_names(services)}, status=404)
    return web.json_response(text=component.model_dump_json(), status=_code(component.status))


async def _metrics(request: web.Request) -> web.Response:
    body = await exposition(request.app[SERVICES])
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _code(status: Status) -> int:
    return 503 if status is Status.UNHEALTHY else 200


@web.middleware
async def _of_this_machine(request: web.Request, handler: _Answer) -> web.StreamResponse:
    """Refuse a page whose name was made to point at this machine: it comes with that name as its host."""
    if not is_loopback(request.url.host or ""):
        raise web.HTTPForbidden(text="asked by a name that is not this machine's\n")
    return await handler(request)


async def _nameless(_request: web.Request, response: web.StreamResponse) -> None:
    """Do not tell what serves."""
    del response.headers["Server"]
