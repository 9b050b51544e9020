"""A report asked of several models against the slowest single model asked alone, in the same run."""

from __future__ import annotations

import asyncio
import tempfile
from time import perf_counter

from bench.timing import verdict
from bot.demo import SEED
from core.clock import SystemClock, kst_date
from core.logs import configure_logs
from core.reports.report import UpdateReason
from core.reports.service import make_report
from core.services import open_services
from core.settings import LogSettings, given_settings
from core.stocks.service import refresh_stocks, stock_resolver
from sim.market import SimMarket, generated_market
from sim.world import open_world

MODELS = ("openai:gpt-6-luna", "openai:gpt-4o-mini", "openrouter:deepseek/deepseek-v3.2")
CODES = ("005930", "000660", "005380", "035720", "035420", "051910")
LATENCY_SECONDS = 1.0


async def measure() -> None:
    """Print the mean wall time of a report with all models and with each alone."""
    configure_logs(LogSettings(level="ERROR", file=None))
    market = generated_market(SEED, until=kst_date(SystemClock().now()))
    single = {model: await _seconds(market, (model,)) for model in MODELS}
    together = await _seconds(market, MODELS)
    for model, seconds in single.items():
        print(f"{model:36} {seconds:5.2f} s a report")
    print(f"{'all together':36} {together:5.2f} s a report")
    print(verdict("all models to the slowest one", together / max(single.values()), 1.2))


async def _seconds(market: SimMarket, models: tuple[str, ...]) -> float:
    """The mean seconds of a report asked of `models`, in a world and on servers of its own."""
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with open_world(market, SystemClock(), llm_latency=LATENCY_SECONDS) as world:
            groups = world.settings_overrides() | {"app": {"data_dir": folder}, "llm": {"models": models}}
            async with open_services(given_settings(groups)) as services:
                await refresh_stocks(services)
                resolver = await stock_resolver(services)
                stocks = [stock for code in CODES if (stock := resolver.get(code))]
                await make_report(services, stocks[0], reason=UpdateReason.FIRST)  # what is imported at first use
                began = perf_counter()
                for stock in stocks[1:]:
                    await make_report(services, stock, reason=UpdateReason.FIRST)
                return (perf_counter() - began) / (len(stocks) - 1)


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
