"""Two processes on one database: any of them answers, one of them leads, and nothing is done twice."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from bot.demo import ADMIN_ID, TOKEN, USER_ID
from core.clock import SystemClock, kst_date
from core.db import Database
from core.embedded import Addresses
from core.runs.leadership import TAKEOVER, TRY_EVERY, current_leader
from sim.market import generated_market
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer
from sim.world import open_world
from tests.acceptance.replicas import Proxy, Replica, forget_updates, open_proxy, posted, replica, until
from tests.acceptance.test_command_line import environment_of

SECRET = "secret-of-the-webhook"
PATH = "/telegram"
SLACK = 3.0
"""Seconds a busy machine may add to what is promised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A simulated Telegram with a proxy behind it, and what the replicas are told."""

    telegram: TelegramServer
    proxy: Proxy
    member: TelegramUser
    database: Database
    environment: dict[str, str]

    async def leader(self, among: list[Replica]) -> Replica | None:
        """The replica whose process the database names."""
        async with self.database.read() as conn:
            found = await current_leader(conn)
        return next((each for each in among if found and f":{each.process.pid}:" in found.owner), None)

    async def leads(self, one: Replica, seconds: float) -> float:
        """Wait until this replica leads; returns the seconds that took."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(seconds):
            while await self.leader([one]) is None:  # noqa: ASYNC110 - what other processes do has no event
                await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time() - begun

    async def give_to(self, owner: str, left: str) -> None:
        """Let the lease be somebody else's, for so long."""
        taken = text("UPDATE leader SET owner = :owner, lease_until = now() + CAST(CAST(:left AS text) AS interval)")
        async with self.database.begin() as conn:
            await conn.execute(taken, {"owner": owner, "left": left})

    async def answers(self, said: str, seconds: float = 20) -> int:
        """How many messages came back to a text once the bot took every update and was silent for a moment."""
        sent = self.member.send(said)
        await self.member.wait_until(lambda: bool(self.member.since(sent)), seconds)
        await until(lambda: not self.telegram.world.updates, seconds)
        return len(self.member.since(sent))


@pytest.fixture
async def stage(servers: Addresses, database_url: str) -> AsyncIterator[Stage]:
    """Everything but the replicas."""
    async with _staged(servers, database_url) as opened:
        yield opened


@asynccontextmanager
async def _staged(servers: Addresses, database_url: str) -> AsyncIterator[Stage]:
    clock = SystemClock()
    market = generated_market(7, until=kst_date(clock.now()) + timedelta(days=30))
    telegram = TelegramServer(token=TOKEN, now=clock.now)
    address, database = await telegram.start(), Database(database_url, pool_size=2)
    await forget_updates(servers)
    try:
        async with open_world(market, clock, llm_latency=0.0) as world, open_proxy() as proxy:
            groups = world.settings_overrides() | {
                "telegram": {"bot_token": TOKEN, "base_url": address, "admin_ids": (ADMIN_ID,)},
                "database": {"url": database_url},
                "redis": {"url": servers.redis_url},
            }
            yield Stage(
                telegram=telegram,
                proxy=proxy,
                member=telegram.user(USER_ID, "김하늘"),
                database=database,
                environment=environment_of(groups),
            )
    finally:
        await database.close()
        await telegram.stop()


def by_webhook(stage: Stage) -> dict[str, str]:
    """What replicas behind the proxy are told."""
    url = f"{stage.proxy.url}{PATH}"
    return stage.environment | {"TELEGRAM_WEBHOOK_URL": url, "TELEGRAM_WEBHOOK_SECRET": SECRET}


@pytest.mark.timeout(300)
async def test_two_replicas_share_the_work_and_one_survives_the_other(stage: Stage, tmp_path: Path) -> None:
    environment = by_webhook(stage)
    async with replica(tmp_path, "one", environment) as one, replica(tmp_path, "two", environment) as two:
        both = [one, two]
        await asyncio.gather(*(each.started() for each in both))
        stage.proxy.ports[:] = [each.port for each in both]

        for number in range(6):
            assert await stage.answers(f"/watch {'005930' if number % 2 else '000660'}") == 1
        assert set(stage.proxy.taken) == {one.port, two.port}, "any of them answers"
        await _takes_an_update_once(stage, both)

        leader = await stage.leader(both)
        assert leader is not None
        other = two if leader is one else one
        assert (len(leader.events("leading")), len(other.events("leading"))) == (1, 0)
        assert not other.events("job_started") or {e["job"] for e in other.events("job_started")} == {"refresh_stocks"}

        leader.process.kill()
        assert await stage.answers("/watchlist") == 1, "the other one answers at once"
        assert await stage.leads(other, TAKEOVER.total_seconds() + SLACK) <= TAKEOVER.total_seconds() + SLACK
        await until(lambda: any(e["job"] != "refresh_stocks" for e in other.events("job_started")), 60)
        _each_slot_once(both)

        other.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(other.process.wait(), 20) == 0
        assert await stage.leader([other]) is None, "who stops gives the lease up"
        assert stage.telegram.world.updates.webhook_url, "and leaves the updates to whoever comes next"


async def _takes_an_update_once(stage: Stage, replicas: list[Replica]) -> None:
    sent = stage.member.send("/help")
    await stage.member.wait_until(lambda: bool(stage.member.since(sent)), 20)
    await until(lambda: not stage.telegram.world.updates, 20)
    repeated = {"update_id": stage.telegram.world.updates._next_id - 1, "message": sent.wire()}
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
    before = len(stage.telegram.calls("sendMessage"))
    for each in replicas:
        assert await posted(each.port, PATH, orjson.dumps(repeated), headers) == 200
        assert await posted(each.port, PATH, orjson.dumps(repeated), headers | {next(iter(headers)): "guess"}) == 403
        assert await posted(each.port, PATH, orjson.dumps({"update_id": 1}), {}) == 403
    assert len(stage.telegram.calls("sendMessage")) == before


def _each_slot_once(replicas: list[Replica]) -> None:
    """A slot is begun again only where it was left: no attempt of any slot was begun by two."""
    begun = Counter(
        (event["job"], event["slot"], event["attempt"]) for each in replicas for event in each.events("job_started")
    )
    assert len(begun) >= 3
    assert set(begun.values()) == {1}


@pytest.mark.timeout(300)
async def test_without_a_webhook_one_polls_and_the_other_stands_by(stage: Stage, tmp_path: Path) -> None:
    async with replica(tmp_path, "one", stage.environment) as one, replica(tmp_path, "two", stage.environment) as two:
        both = [one, two]
        await asyncio.gather(*(each.started() for each in both))
        leader = await stage.leader(both)
        assert leader is not None
        other = two if leader is one else one
        assert await stage.answers("/watchlist") == 1
        assert not other.events("leading")

        leader.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(leader.process.wait(), 20) == 0
        assert await stage.leads(other, TRY_EVERY.total_seconds() + SLACK) <= TRY_EVERY.total_seconds() + SLACK
        assert await stage.answers("/watchlist") == 1

        await stage.give_to("a stranger", "1 hour")
        await until(lambda: bool(other.events("leadership_lost")), TRY_EVERY.total_seconds() + SLACK)
        await until(lambda: not stage.telegram.world.updates.polled, 10)
        await stage.give_to("a stranger", "-1 second")
        assert await stage.leads(other, 15) <= 15
        assert await stage.answers("/watchlist") == 1, "it polls and works again"
