"""The cache may be lost at any moment, and a computation is shared by those who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core.cache import Cache
from core.embedded import Addresses
from core.errors import Unavailable

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def cache(servers: Addresses) -> AsyncIterator[Cache]:
    cache = Cache(servers.redis_url)
    await cache.clear()
    yield cache
    await cache.close()


@pytest.fixture
async def dead() -> AsyncIterator[Cache]:
    cache = Cache("redis://127.0.0.1:1/0")
    yield cache
    await cache.close()


async def test_a_value_is_kept_and_forgotten(cache: Cache) -> None:
    assert await cache.get("a") is None
    await cache.set("a", "값".encode(), MINUTE)
    assert await cache.get("a") == "값".encode()
    await cache.delete("a")
    assert await cache.get("a") is None


async def test_those_who_ask_at_once_share_one_computation(cache: Cache) -> None:
    computed = 0
    begun, released = asyncio.Event(), asyncio.Event()

    async def compute() -> bytes:
        nonlocal computed
        computed += 1
        begun.set()
        await released.wait()
        return b"x"

    asked = [asyncio.create_task(cache.shared("k", MINUTE, compute)) for _ in range(20)]
    await begun.wait()
    released.set()
    assert await asyncio.gather(*asked) == [b"x"] * 20
    assert await cache.shared("k", MINUTE, compute) == b"x"
    assert computed == 1


async def test_one_who_gives_up_does_not_stop_the_others(cache: Cache) -> None:
    released = asyncio.Event()

    async def compute() -> bytes:
        await released.wait()
        return b"x"

    impatient, patient = (asyncio.create_task(cache.shared("k", MINUTE, compute)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    released.set()
    assert await patient == b"x"


async def test_an_error_reaches_everybody_and_is_not_kept(cache: Cache) -> None:
    async def fail() -> bytes:
        raise Unavailable("down")

    async def work() -> bytes:
        return b"x"

    outcomes = await asyncio.gather(*(cache.shared("k", MINUTE, fail) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await cache.shared("k", MINUTE, work) == b"x"


async def test_a_dead_redis_is_a_miss_and_not_an_error(dead: Cache) -> None:
    async def work() -> bytes:
        return b"x"

    assert await dead.get("a") is None
    await dead.set("a", b"x", MINUTE)
    await dead.delete("a")
    assert await dead.shared("a", MINUTE, work) == b"x"
    with pytest.raises(Unavailable):
        await dead.ping()


async def test_first_claim_of_a_key_is_granted_and_no_other_one_within_its_time(cache: Cache, dead: Cache) -> None:
    assert sorted(await asyncio.gather(*(cache.claim("once", MINUTE) for _ in range(5)))) == [False] * 4 + [True]
    assert await cache.claim("another", MINUTE)
    assert [await dead.claim("once", MINUTE) for _ in range(2)] == [True, True], "who cannot know lets it happen"
