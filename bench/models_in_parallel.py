"""A report asked of several models against the slowest single model asked alone, in the same run."""

from __future__ import annotations

import asyncio
import tempfile
from time import perf_counter
from typing import Any

from bench.timing import verdict
from bot.demo import SEED
from core.clock import SystemClock, kst_date
from core.logs import configure_logs
from core.reports.report import UpdateReason
from core.reports.service import make_report
from core.services import open_services
from core.settings import LogSettings, given_settings
from core.stocks.service import refresh_stocks, stock_resolver
from sim.market import generated_market
from sim.world import open_world

MODELS = ("openai:gpt-6-luna", "openai:gpt-4o-mini", "openrouter:deepseek/deepseek-v3.2")
CODES = ("005930", "000660", "005380", "035720", "035420", "051910")
LATENCY_SECONDS = 1.0


async def measure() -> None:
    """Print the mean wall time of a report with all models and with each alone."""
    configure_logs(LogSettings(level="ERROR", file=None))
    clock = SystemClock()
    market = generated_market(SEED, until=kst_date(clock.now()))
    async with open_world(market, clock, llm_latency=LATENCY_SECONDS) as world:
        single = {model: await _seconds(world.settings_overrides(), (model,)) for model in MODELS}
        together = await _seconds(world.settings_overrides(), MODELS)
    for model, seconds in single.items():
        print(f"{model:36} {seconds:5.2f} s a report")
    print(f"{'all together':36} {together:5.2f} s a report")
    print(verdict("all models to the slowest one", together / max(single.values()), 1.2))


async def _seconds(groups: dict[str, dict[str, Any]], models: tuple[str, ...]) -> float:
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        settings = given_settings(groups | {"app": {"data_dir": folder}, "llm": {"models": models}})
        async with open_services(settings) as services:
            await refresh_stocks(services)
            resolver = await stock_resolver(services)
            stocks = [stock for code in CODES if (stock := resolver.get(code))]
            await make_report(services, stocks[0], reason=UpdateReason.FIRST)  # imports and the year of bars
            began = perf_counter()
            for stock in stocks[1:]:
                await make_report(services, stock, reason=UpdateReason.FIRST)
            return (perf_counter() - began) / (len(stocks) - 1)


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
