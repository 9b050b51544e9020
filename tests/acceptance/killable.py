"""Servers that can be killed with -9 and started again at the same address, with what they had committed.

`python -m tests.acceptance.killable FOLDER PORT` is a Milvus Lite in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import psutil

from core.embedded.folder import socket_folder
from core.embedded.postgres import postgres_server
from core.embedded.redis import redis_server
from core.errors import Unavailable
from core.vectors import VectorStore

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30


class Killable(Protocol):
    """One of the world's parts."""

    async def start(self) -> str:
        """Run, at the same address each time; returns it."""
        ...

    async def stop(self) -> None:
        """End at once, whatever is under way."""
        ...


class KillablePostgres:
    """PostgreSQL on a folder of its own."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder, self._sockets = folder / "postgres", sockets
        self._stack = AsyncExitStack()

    async def start(self) -> str:
        """Run, recovering what was committed; returns the URL."""
        return await self._stack.enter_async_context(postgres_server(self._folder, self._sockets))

    async def stop(self) -> None:
        """Kill the server and every backend."""
        leader = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        for process in (leader, *leader.children(recursive=True)):
            process.kill()
        await self._stack.aclose()


class KillableRedis:
    """Redis on a folder of its own."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder, self._sockets = folder / "redis", sockets
        self._stack = AsyncExitStack()

    async def start(self) -> str:
        """Run; returns the URL."""
        return await self._stack.enter_async_context(redis_server(self._folder, self._sockets))

    async def stop(self) -> None:
        """Kill the server."""
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "redis-server" and process.cwd() == str(self._folder):
                process.kill()
        await self._stack.aclose()


class KillableMilvus:
    """Milvus Lite in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "milvus.db"
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Run; returns the URL once it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(self._folder), str(self._port)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self._port = int(await asyncio.wait_for(self._process.stdout.readline(), READY_SECONDS))
        url = f"http://127.0.0.1:{self._port}"
        store = VectorStore(url)
        async with asyncio.timeout(READY_SECONDS):
            while not await _answers(store):  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(0.1)
        await store.close()
        return url

    async def stop(self) -> None:
        """Kill the process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


async def _answers(store: VectorStore) -> bool:
    try:
        await store.ping()
    except Unavailable:
        return False
    return True


@asynccontextmanager
async def killable_servers(
    folder: Path,
) -> AsyncIterator[tuple[KillablePostgres, KillableRedis, KillableMilvus]]:
    """The three stores under `folder`, which is made; none is started yet."""
    await asyncio.to_thread(folder.mkdir)
    with socket_folder(folder) as sockets:
        yield KillablePostgres(folder, sockets), KillableRedis(folder, sockets), KillableMilvus(folder)


def serve_milvus(folder: str, port: int) -> None:
    """Serve until killed, or until the parent is gone; the port is printed once bound."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    parent = os.getppid()
    *_, bound = start_server_in_thread(folder, port=port)
    sys.stdout.write(f"{bound}\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        signal.sigtimedwait({signal.SIGTERM}, 0.5)


if __name__ == "__main__":
    serve_milvus(sys.argv[1], int(sys.argv[2]))
