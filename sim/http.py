"""The loopback HTTP server under every simulated service: start, stop, what was asked, faults on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from sim.faults import Faults, apply

Now = Callable[[], datetime]
"""What tells the simulated time: aware UTC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request a server received."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: datetime


class SimServer:
    """One simulated service on 127.0.0.1. A stopped one refuses connections and comes back at the same address."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.faults = Faults()
        self.requests: deque[Asked] = deque(maxlen=10_000)
        self._port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at the end; known once started."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> str:
        """Serve; returns the address."""
        app = web.Application(middlewares=[self._receive], client_max_size=64 * 2**20)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self.url

    async def stop(self) -> None:
        """Refuse connections and drop the open ones."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def routes(self) -> list[web.RouteDef]:
        """The paths this service serves."""
        raise NotImplementedError

    @web.middleware
    async def _receive(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                at=self.now(),
            )
        )
        fault = self.faults.take(request.path)
        return await (apply(fault, request, handler) if fault else handler(request))


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """`body` as UTF-8 JSON."""
    raw = orjson.dumps(body)
    return web.Response(body=raw, status=status, headers=headers, content_type="application/json", charset="utf-8")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object a request carries; empty for anything else."""
    try:
        found = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
