"""Jobs over prices."""

from __future__ import annotations

from datetime import timedelta

from core.clock import kst_date
from core.market.queries import bars_until, store_bars
from core.market.service import fetch_bars
from core.runs.run import Run
from core.services import Services
from core.stocks.stock import Stock
from jobs.stocks import Begin, each_followed

FIRST_FETCH = timedelta(days=370)
"""How far back a stock without bars is filled."""


async def collect_daily_bars(services: Services, run: Run) -> None:
    """Store the daily bars of every followed stock since its newest one, which is fetched again.

    The newest is fetched again because it may have been stored while its session was open.
    """
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return
    today = kst_date(services.clock.now())

    async def collect(stock: Stock, begin: Begin) -> None:
        async with services.db.begin() as conn:
            newest = await bars_until(conn, stock.code, day=today, limit=1)
        bars = await fetch_bars(services, stock.code, since=newest[-1].day if newest else today - FIRST_FETCH)
        async with begin() as conn:
            await store_bars(conn, stock.code, bars, source="KIS", at=services.clock.now())

    await each_followed(services, run, collect)
