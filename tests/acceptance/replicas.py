"""Real processes of the bot on one database, and the proxy that stands between Telegram and them."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from core.cache import Cache
from core.embedded import Addresses
from tests.acceptance.crash import ROOT

LOOK_EVERY = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """One process and where it writes its log."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    port: int

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of this name in its log, oldest first."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == name]

    async def started(self) -> None:
        """Wait until it takes updates, or is ready to."""
        await until(lambda: bool(self.events("started")) or self.process.returncode is not None, 60)
        assert self.process.returncode is None, self.log.with_name("console.log").read_text()


@asynccontextmanager
async def replica(folder: Path, name: str, environment: Mapping[str, str]) -> AsyncIterator[Replica]:
    """`python -m bot` in a folder of its own; killed at the end if it still lives."""
    place, port = folder / name, free_port()
    await asyncio.to_thread(place.mkdir)
    own = {"LOG_FILE": str(place / "app.log"), "MILVUS_URI": str(place / "milvus.db")}
    with (place / "console.log").open("wb") as console:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot"),
            cwd=place,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(place)}
            | dict(environment)
            | own
            | {"TELEGRAM_WEBHOOK_PORT": str(port)},
            stdout=console,
            stderr=console,
        )
        try:
            yield Replica(name=name, process=process, log=place / "app.log", port=port)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@dataclass(kw_only=True, slots=True)
class Proxy:
    """Gives every request to the next replica that takes it, as a load balancer does."""

    ports: list[int] = field(default_factory=list)
    taken: Counter[int] = field(default_factory=Counter)
    url: str = ""
    _turn: int = 0

    async def pass_on(self, request: web.Request) -> web.Response:
        """Ask the replicas in turn until one answers."""
        body = await request.read()
        for _ in range(len(self.ports)):
            self._turn += 1
            port = self.ports[self._turn % len(self.ports)]
            try:
                status = await posted(port, request.path, body, request.headers)
            except aiohttp.ClientError:
                continue
            self.taken[port] += 1
            return web.Response(status=status)
        return web.Response(status=502)


@asynccontextmanager
async def open_proxy() -> AsyncIterator[Proxy]:
    """A proxy before no replica yet."""
    proxy = Proxy()
    application = web.Application()
    application.router.add_post("/{path:.*}", proxy.pass_on)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port, *_ = runner.addresses[0]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()


async def posted(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status a replica answers a webhook request with."""
    kept = {name: value for name, value in headers.items() if name.lower().startswith(("x-telegram", "content-type"))}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{port}{path}", data=body, headers=kept) as answer,
    ):
        return answer.status


async def forget_updates(servers: Addresses) -> None:
    """Every simulated Telegram counts its updates from the same number."""
    cache = Cache(servers.redis_url)
    await cache.clear()
    await cache.close()


async def until(done: Callable[[], bool], seconds: float) -> float:
    """Wait until `done`; returns the seconds that took. Raises `TimeoutError`."""
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what other processes do has no event to wait for
            await asyncio.sleep(LOOK_EVERY)
    return asyncio.get_running_loop().time() - begun


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
