"""Private PostgreSQL, Redis and Milvus Lite, run from the wheels that carry them.

They listen on Unix sockets, so no port can be taken, and never outlive their owner: see `process`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.embedded.folder import held, socket_folder, socket_path
from core.embedded.postgres import clone_database, drop_database, postgres_at, postgres_server
from core.embedded.redis import redis_server
from core.errors import BadSettings

__all__ = ["Addresses", "clone_database", "drop_database", "private_servers", "running_postgres"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where the private servers answer; empty for one that was not asked for."""

    database_url: str
    redis_url: str
    milvus_uri: str


@asynccontextmanager
async def private_servers(data_dir: Path, *, postgres: bool, redis: bool, milvus: bool) -> AsyncIterator[Addresses]:
    """Run what is asked for under `data_dir` (`postgres/`, `redis/`, `milvus.db/`) and stop it on exit.

    Milvus Lite is a library: its address is the folder that `VectorStore` opens, and nothing is started here.
    After a crash the servers of the lost owner are waited for, and everything committed is there again.

    Raises:
        BadSettings: in one line, when the folder is in use, not writable or of another PostgreSQL version,
            or when a server does not start.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(held(data_dir))
        sockets = stack.enter_context(socket_folder(folder))
        starting = {}
        if postgres:
            starting["postgres"] = stack.enter_async_context(postgres_server(folder / "postgres", sockets))
        if redis:
            starting["redis"] = stack.enter_async_context(redis_server(folder / "redis", sockets))
        # Collecting the errors makes gather wait for the slower one, so that none is left behind.
        results = await asyncio.gather(*starting.values(), return_exceptions=True)
        for result in results:
            if isinstance(result, OSError):
                raise BadSettings(f"APP_DATA_DIR: {result.filename or folder}: {result.strerror}") from result
            if isinstance(result, BaseException):
                raise result
        urls = dict(zip(starting, map(str, results), strict=True))
        yield Addresses(
            database_url=urls.get("postgres", ""),
            redis_url=urls.get("redis", ""),
            milvus_uri=str(folder / "milvus.db") if milvus else "",
        )


async def running_postgres(data_dir: Path) -> str | None:
    """The URL of the private PostgreSQL that another process runs under `data_dir` now, if one does."""
    return await postgres_at(socket_path(data_dir))
