"""Redis: values that may be lost. A dead Redis is a miss, never an error of the asker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import Unavailable

log = structlog.get_logger(__name__)


class Cache:
    """Byte values with a time to live, and one computation at a time per key."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        self._running: dict[str, asyncio.Future[bytes]] = {}
        self._down = False

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or Redis is down."""
        try:
            value = await self._redis.get(key)
        except (RedisError, OSError) as error:
            self._lost(error)
            return None
        self._found()
        return bytes(value) if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """Keep `value` for `ttl`; does nothing when Redis is down."""
        try:
            await self._redis.set(key, value, px=ttl)
        except (RedisError, OSError) as error:
            self._lost(error)

    async def claim(self, key: str, ttl: timedelta) -> bool:
        """Whether this is the first claim of `key` within `ttl`; also True when Redis is down and cannot tell."""
        try:
            return bool(await self._redis.set(key, b"", px=ttl, nx=True))
        except (RedisError, OSError) as error:
            self._lost(error)
            return True

    async def run(self, script: str, key: str, *arguments: str | int) -> list[bytes] | None:
        """What a Lua script answers, a list of texts, run over `key` in one piece; None when Redis is down."""
        try:
            answer = await self._redis.register_script(script)(keys=[key], args=arguments)
        except (RedisError, OSError) as error:
            self._lost(error)
            return None
        self._found()
        return [bytes(each) for each in answer]

    async def delete(self, key: str) -> None:
        """Forget `key`; does nothing when Redis is down."""
        try:
            await self._redis.delete(key)
        except (RedisError, OSError) as error:
            self._lost(error)

    async def clear(self) -> None:
        """Forget everything; raises `Unavailable`."""
        try:
            await self._redis.flushdb()
        except (RedisError, OSError) as error:
            raise Unavailable(f"redis: {type(error).__name__}") from error

    async def shared(self, key: str, ttl: timedelta, compute: Callable[[], Awaitable[bytes]]) -> bytes:
        """The cached value, or the computed one; callers who ask while it is computed share the result.

        An error of `compute` reaches every waiting caller and is not cached.
        """
        if (value := await self.get(key)) is not None:
            return value
        if (running := self._running.get(key)) is None:
            running = self._running[key] = asyncio.ensure_future(self._compute(key, ttl, compute))
            running.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(running)

    async def _compute(self, key: str, ttl: timedelta, compute: Callable[[], Awaitable[bytes]]) -> bytes:
        value = await compute()
        await self.set(key, value, ttl)
        return value

    async def ping(self) -> int:
        """Bytes of memory Redis uses; raises `Unavailable`."""
        try:
            return int((await self._redis.info("memory"))["used_memory"])
        except (RedisError, OSError) as error:
            raise Unavailable(f"redis: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _lost(self, error: Exception) -> None:
        if not self._down:
            log.warning("cache_lost", error=type(error).__name__)
        self._down = True

    def _found(self) -> None:
        if self._down:
            log.info("cache_recovered")
        self._down = False
