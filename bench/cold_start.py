"""From nothing running to the first answered message, against starting Python with every heavy import.

The child is the production process on private servers that were set up before (a second start); the simulated
services run in this process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from time import perf_counter

from bot.demo import ADMIN_ID, SEED, TOKEN, USER_ID
from core.clock import SystemClock, kst_date
from sim.market import generated_market
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer
from sim.world import open_world

EAGER = (
    "import telegram.ext, sqlalchemy.ext.asyncio, asyncpg, pymilvus, openai, pandas, matplotlib.figure, talib, polars"
)
ROUNDS = 3


async def measure() -> None:
    """Print the seconds to an answer on the first start and on later ones, and the eager imports beside them."""
    clock = SystemClock()
    market = generated_market(SEED, until=kst_date(clock.now()))
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        telegram = TelegramServer(token=TOKEN, now=clock.now)
        url = await telegram.start()
        person = telegram.user(USER_ID, "사람")
        async with open_world(market, clock) as world:
            groups = world.settings_overrides() | {
                "telegram": {"bot_token": TOKEN, "admin_ids": ADMIN_ID, "base_url": url},
                "app": {"data_dir": folder, "jobs": "false"},
                "log": {"file": "-", "level": "ERROR"},
            }
            environment = os.environ | {
                f"{group}_{name}".upper(): ",".join(value) if isinstance(value, tuple) else str(value)
                for group, values in groups.items()
                for name, value in values.items()
            }
            starts = [await _start(person, environment) for _ in range(1 + ROUNDS)]
        await telegram.stop()
    began = perf_counter()
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", EAGER)).wait()
    eager = perf_counter() - began
    later = min(starts[1:])
    print(f"first start, empty folder, to first answer  {starts[0]:5.1f} s")
    print(f"later start to first answer                 {later:5.1f} s")
    print(f"eager imports alone                         {eager:5.1f} s")
    print(f"later start to eager imports: {later / eager:.2f}x")


async def _start(person: TelegramUser, environment: dict[str, str]) -> float:
    began = perf_counter()
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", env=environment)
    try:
        await person.wait_answer(person.send("/help"), timeout=120)
        return perf_counter() - began
    finally:
        child.terminate()
        await child.wait()


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
