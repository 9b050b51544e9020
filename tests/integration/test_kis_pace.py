"""One pace for all processes with one app key, kept in a real Redis, against a KIS that enforces the rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.cache import Cache
from core.clock import ManualClock
from core.db import Database
from core.embedded import Addresses
from core.kis.client import KisClient
from core.kis.spacing import OwnSpacing, SharedSpacing, Spacing
from core.settings import KisSettings
from sim.kis.server import KisServer
from sim.market import SimMarket, generated_market
from tests.virtual_time import VirtualClock, run_virtually

RATE = 18.0
START = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DEAD = "redis://127.0.0.1:1/0"

Deeds = list[tuple[str, float]]
DEEDS = st.lists(
    st.tuples(st.sampled_from(["take", "take", "take", "accepted", "refused", "put_off"]), st.floats(0, 2)), max_size=40
)


async def instants(spacing: Spacing, deeds: Deeds) -> list[datetime]:
    clock, given_out = ManualClock(START), []
    for deed, seconds in deeds:
        if deed == "take":
            clock.move(timedelta(seconds=seconds) if seconds < 1 else timedelta())
            turn = await spacing.take(clock.now())
            clock.at = max(clock.at, turn)
            given_out.append(turn)
        elif deed == "accepted":
            spacing.accepted()
        elif deed == "refused":
            await spacing.refused(clock.now())
        else:
            await spacing.put_off(clock.now(), timedelta(seconds=seconds / 20))
    return given_out


@given(deeds=DEEDS)
@settings(max_examples=30)
async def test_what_redis_keeps_follows_the_rules_of_one_process(servers: Addresses, deeds: Deeds) -> None:
    cache = Cache(servers.redis_url)
    try:
        shared = await instants(SharedSpacing(RATE, cache, uuid4().hex), deeds)
    finally:
        await cache.close()
    alone = await instants(OwnSpacing(RATE), deeds)
    assert all(abs(one - other) < timedelta(milliseconds=1) for one, other in zip(shared, alone, strict=True))


@pytest.fixture
async def cache(servers: Addresses) -> AsyncIterator[Cache]:
    cache = Cache(servers.redis_url)
    yield cache
    await cache.close()


async def test_processes_in_turn_are_given_evenly_spaced_instants(cache: Cache) -> None:
    name = uuid4().hex
    processes = [SharedSpacing(RATE, cache, name) for _ in range(3)]
    turns = [await processes[number % 3].take(START) for number in range(30)]
    gaps = {later - earlier for earlier, later in pairwise(turns)}
    assert turns[0] == START
    assert max(gaps) - min(gaps) <= timedelta(microseconds=1)


async def test_another_key_has_a_row_of_its_own(cache: Cache) -> None:
    await SharedSpacing(RATE, cache, uuid4().hex).take(START)
    assert await SharedSpacing(RATE, cache, uuid4().hex).take(START) == START


async def test_a_refusal_of_one_pauses_and_slows_all_and_counts_once(cache: Cache) -> None:
    name = uuid4().hex
    one, other = (SharedSpacing(RATE, cache, name) for _ in range(2))
    usual = one.between
    await one.refused(START)
    await other.refused(START + SECOND / 10)  # it was under way at the same moment
    assert await other.take(START + SECOND / 5) >= START + SECOND
    assert one.between == usual * 2
    assert other.between == pytest.approx(usual * 2, abs=timedelta(milliseconds=1))


async def test_a_clock_set_back_does_not_stop_the_calls(cache: Cache) -> None:
    spacing = SharedSpacing(RATE, cache, uuid4().hex)
    await spacing.take(START)
    earlier = START - timedelta(hours=2)
    assert await spacing.take(earlier) == earlier


class UnreliableCache(Cache):
    """A cache whose Redis can be out of reach, and that counts how often it was asked."""

    out_of_reach, asked = False, 0

    async def run(self, script: str, key: str, *arguments: str | int) -> list[bytes] | None:
        self.asked += 1
        return None if self.out_of_reach else await super().run(script, key, *arguments)


async def test_while_redis_is_away_it_goes_on_evenly_says_so_once_and_comes_back(servers: Addresses) -> None:
    cache, clock = UnreliableCache(servers.redis_url), ManualClock(START)
    spacing = SharedSpacing(RATE, cache, uuid4().hex)
    turns = []
    with capture_logs() as logs:
        for number in range(2_000):
            cache.out_of_reach = 100 <= number < 1_500
            turns.append(await spacing.take(clock.now()))
            clock.at = turns[-1]
    await cache.close()
    assert {later - earlier for earlier, later in pairwise(turns)} == {spacing.between}
    told = [entry["event"] for entry in logs if entry["event"].startswith("kis_pace")]
    assert told == ["kis_pace_not_shared", "kis_pace_shared_again"]
    assert cache.asked < 650, "a dead Redis is asked again every thirty seconds, not for every call"


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=date(2026, 2, 20))


@asynccontextmanager
async def processes(
    kis: KisServer, clock: VirtualClock, database_url: str, redis_urls: Iterable[str]
) -> AsyncIterator[list[KisClient]]:
    """Clients as so many processes have them: nothing in common but the servers."""
    async with AsyncExitStack() as stack:
        clients = []
        for redis_url in redis_urls:
            db, cache = Database(database_url, pool_size=2), Cache(redis_url)
            keys = {"app_key": SecretStr("demo-key"), "app_secret": SecretStr("demo-secret")}
            given = KisSettings(**keys, base_url=kis.url, calls_per_second=RATE)
            client = KisClient(given, db=db, clock=clock, cache=cache)
            for close in (db.close, cache.close, client.close):
                stack.push_async_callback(close)
            await client.quote("005930")
            clients.append(client)
        yield clients


def test_two_processes_with_one_key_use_all_of_its_rate_and_are_never_refused(
    servers: Addresses, database_url: str, market: SimMarket
) -> None:
    async def main() -> None:
        clock = VirtualClock(START)
        kis = KisServer(market, clock.now, calls_per_second=RATE)
        await kis.start()
        async with processes(kis, clock, database_url, [servers.redis_url] * 2) as clients:
            began = clock.now()
            calls = [client.collecting.quote("005930") for client in clients for _ in range(180)]
            await asyncio.gather(*calls)
            took = (clock.now() - began).total_seconds()
        await kis.stop()
        assert kis.refused_for_rate == 0
        assert 360 / RATE / took >= 0.95

    run_virtually(main)


def test_a_question_in_one_process_waits_for_no_collection_of_another(
    servers: Addresses, database_url: str, market: SimMarket
) -> None:
    async def main() -> None:
        clock = VirtualClock(START)
        kis = KisServer(market, clock.now, calls_per_second=RATE)
        await kis.start()
        async with processes(kis, clock, database_url, [servers.redis_url] * 3) as (one, other, third):
            busy = [client.collecting.quote("005930") for client in (one, other) for _ in range(60)]
            collecting = asyncio.gather(*busy)
            waits = []
            for _ in range(8):
                await clock.sleep(0.4)
                asked_at = clock.now()
                await third.quote("005930")
                waits.append((clock.now() - asked_at).total_seconds())
            assert not collecting.done()
            await collecting
        await kis.stop()
        assert kis.refused_for_rate == 0
        assert max(waits) <= 4 / RATE

    run_virtually(main)


def test_with_a_dead_redis_a_process_goes_on_within_the_rate(database_url: str, market: SimMarket) -> None:
    async def main() -> None:
        clock = VirtualClock(START)
        kis = KisServer(market, clock.now, calls_per_second=RATE)
        await kis.start()
        async with processes(kis, clock, database_url, [DEAD]) as (client,):
            began = clock.now()
            await asyncio.gather(*(client.quote("005930") for _ in range(90)))
            took = (clock.now() - began).total_seconds()
        await kis.stop()
        assert kis.refused_for_rate == 0
        assert 90 / RATE / took >= 0.9

    run_virtually(main)


def test_two_processes_with_a_dead_redis_are_refused_and_find_their_pace(database_url: str, market: SimMarket) -> None:
    async def main() -> None:
        clock = VirtualClock(START)
        kis = KisServer(market, clock.now, calls_per_second=RATE)
        await kis.start()
        async with processes(kis, clock, database_url, [DEAD] * 2) as clients:
            answers = await asyncio.gather(*(client.quote("005930") for client in clients for _ in range(60)))
        await kis.stop()
        assert len(answers) == 120
        assert 0 < kis.refused_for_rate <= 30

    run_virtually(main)
