"""Jobs over prices."""

from __future__ import annotations

from core.market.service import collect_bars
from core.runs.run import Run
from core.services import Services
from core.stocks.stock import Stock
from jobs.stocks import each_followed


async def collect_daily_bars(services: Services, run: Run) -> None:
    """Store the daily bars that followed stocks lack; a year for one that has none."""
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return

    async def collect(stock: Stock) -> None:
        await collect_bars(services, stock.code, begin=run.begin)

    await each_followed(services, run, collect)
