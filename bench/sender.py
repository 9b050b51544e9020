"""Alerts to many chats: the rate reached against the limit the sender keeps, and taking one letter up from a full
outbox against one empty round trip to the same database.

The simulated Telegram takes 50 ms for a message and keeps the real limits, so every refusal for haste shows.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from time import perf_counter

from sqlalchemy import text

from bench.timing import alternate, p, verdict
from bot.demo import TOKEN
from bot.hooks import open_hooks
from core.clock import SystemClock
from core.delivery import queries
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Destination, HookName
from core.delivery.pace import A_SECOND
from core.delivery.sender import drain
from core.logs import configure_logs
from core.services import Services, open_services
from core.settings import LogSettings, given_settings
from sim.telegram.server import TelegramServer

CHATS = 560
LATENCY = 0.05
FULL = 100_000
ROUNDS = 200


async def measure() -> None:
    """Print both ratios."""
    configure_logs(LogSettings(level="ERROR", file=None))
    telegram = TelegramServer(token=TOKEN, now=SystemClock().now, limits=True)
    for chat in range(1, CHATS + 1):
        telegram.user(chat, "사람").send("/start")
    telegram.fail_next("sendMessage", hang=LATENCY, times=FULL)
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        groups = {"app": {"data_dir": folder}, "telegram": {"base_url": await telegram.start()}}
        async with open_services(given_settings(groups)) as services:
            await _rate(services, telegram)
            await _claims(services)
    await telegram.stop()


async def _rate(services: Services, telegram: TelegramServer) -> None:
    await _put(services, "rate", range(1, CHATS + 1))
    async with open_hooks(services, token=TOKEN) as hooks:
        began = perf_counter()
        await drain(services, hooks=hooks)
        taken = perf_counter() - began
    rate, calls = CHATS / taken, len(telegram.calls("sendMessage"))
    print(f"{CHATS} chats in {taken:.1f} s: {rate:.1f} a second; {calls - CHATS} refused or repeated")
    print(verdict("rate reached to the limit", rate / A_SECOND, 0.95, at_most=False))


async def _claims(services: Services) -> None:
    for first in range(1, FULL, 5_000):
        await _put(services, "full", range(CHATS + first, CHATS + first + 5_000))
    async with services.db.read() as conn:
        await queries.walk_in_order(conn)

        async def claim() -> None:
            at = services.clock.now()
            assert await queries.claim(conn, at=at, hooks=[HookName.TELEGRAM], busy=range(CHATS, CHATS + 28))

        async def round_trip() -> None:
            await conn.execute(text("SELECT 1"))

        claims, trips = await alternate(claim, round_trip, rounds=ROUNDS)
    print(f"taking one of {FULL:,} up: p50 {p(claims, 50):.2f} ms, p99 {p(claims, 99):.2f} ms")
    print(verdict("p99 to 50 ms", p(claims, 99) / 50, 1))
    print(f"p50 to an empty round trip: {p(claims, 50) / p(trips, 50):.1f}x")


async def _put(services: Services, key: str, chats: Iterable[int]) -> None:
    alert = Alert(kind=AlertKind.STRATEGY_RECOVERED, key=key, facts={"strategy": "rsi"})
    async with services.db.begin() as conn:
        to = [Destination(HookName.TELEGRAM, chat) for chat in chats]
        await queries.add(conn, alert, to, at=services.clock.now())


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
