"""A whole session at the size of the market: does every job keep its slots, and how much of KIS's rate is used?

2,700 stocks from 08:00 to 20:30 in virtual time, over real HTTP to the simulated exchange, with a real Redis and a real
PostgreSQL that waits for no disk. A quarter of a million calls: twenty-two minutes of work for one core, of which a
machine that is busy with other things makes an hour; the figures of the day stay the same.
SESSION_DAY="120 09:00 10:00" makes it smaller.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from bench.timing import verdict
from core.clock import KST
from core.embedded import Addresses, private_servers
from core.logs import configure_logs
from core.settings import LogSettings, Settings, given_settings
from tests.acceptance.session_day import RATE, Plan, SessionDay, open_day
from tests.haste import never_wait_for_the_disk
from tests.virtual_time import run_virtually

DAY = date(2026, 11, 20)
STOCKS = 2_700
HOUR = timedelta(hours=1)
USABLE = 0.95
"""The share of KIS's rate that a minute with enough to ask must use."""


async def measure(plan: Plan) -> None:
    """Live the day and print its figures."""
    configure_logs(LogSettings(level="ERROR", file=None))
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with private_servers(Path(folder) / "servers", postgres=True, redis=True, milvus=True) as addresses:
            await never_wait_for_the_disk(addresses.database_url)
            await asyncio.to_thread(run_virtually, lambda: _live(plan, _settings(folder, addresses)))


def _settings(folder: str, addresses: Addresses) -> Callable[..., Settings]:
    def build(**groups: dict[str, Any]) -> Settings:
        places: dict[str, dict[str, Any]] = {
            "app": {"data_dir": folder},
            "database": {"url": addresses.database_url},
            "redis": {"url": addresses.redis_url},
            "milvus": {"uri": addresses.milvus_uri},
        }
        return given_settings(places | groups)

    return build


async def _live(plan: Plan, build: Callable[..., Settings]) -> None:
    async with open_day(plan, build) as day:
        began = perf_counter()
        telling = asyncio.create_task(_tell(day, began))
        await day.live()
        telling.cancel()
        print("\n".join(await _table(day)))
        print(f"{perf_counter() - began:.0f} real seconds, {process_time():.0f} of them this process's own work")


async def _tell(day: SessionDay, began: float) -> None:
    while True:
        await day.clock.sleep(HOUR.total_seconds())
        now = day.clock.now().astimezone(KST)
        lines = "\n".join(await _table(day))
        print(f"-- {now:%H:%M} after {perf_counter() - began:.0f} real seconds\n{lines}", file=sys.stderr, flush=True)


async def _table(day: SessionDay) -> list[str]:
    lines = [f"{'job':24}{'slots':>7}{'on time':>9}{'latest':>10}{'KIS calls':>11}{'done':>10}{'failed':>8}"]
    kept = await day.kept()
    for job in kept.values():
        latest = str(timedelta(seconds=round(job.latest.total_seconds())))
        figures = f"{job.slots:7,}{job.on_time:9,}{latest:>10}{job.calls:11,}{job.rows:10,}{job.failed_rows:8,}"
        lines.append(f"{job.job:24}{figures}")
    late = [f"{job.job} {slot}" for job in kept.values() for slot in job.late]
    full = max(day.tally.minutes, default=day.clock.now())
    for minute, calls in day.tally.minutes.items():
        full = minute if calls > day.tally.minutes[full] else full
    rejected, failed = day.world.kis.refused_for_rate, sum(job.failed_runs for job in kept.values())
    lines += [
        f"KIS: {day.tally.calls:,} calls, {rejected} rejected; fullest minute {full.astimezone(KST):%H:%M} with "
        f"{day.tally.peak:.0%} of {RATE:g} a second; at most {day.tally.most_in_a_second} in any second",
        f"late: {', '.join(late[:10]) or 'none'}; runs that failed: {failed}; missed slots: {len(await day.missed())}",
    ]
    for kind in ("quote", "report"):
        asked = [question for question in day.questions if question.kind == kind]
        unanswered = sum(bool(question.error) for question in asked)
        wait = day.waited(kind)
        lines.append(f"{kind}s: {len(asked)} asked, {unanswered} without an answer, p95 {wait:.2f} simulated seconds")
    if day.plan.stocks >= STOCKS:  # fewer do not fill a minute
        lines.append(verdict(f"fullest minute to {USABLE:.0%} of the rate", day.tally.peak / USABLE, 1, at_most=False))
    lines.append(verdict("p95 of a quote to 1 s", day.waited("quote"), 1))
    return lines


def main() -> None:
    """Run the benchmark."""
    stocks, begin, end = (os.environ.get("SESSION_DAY") or f"{STOCKS} 08:00 20:30").split()
    plan = Plan(day=DAY, stocks=int(stocks), begin=time.fromisoformat(begin), end=time.fromisoformat(end))
    asyncio.run(measure(plan))
