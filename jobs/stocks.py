"""Jobs over the stock master, and the walk over followed stocks that other jobs share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.errors import Fenced, StockPilotError
from core.runs.run import Run
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.service import refresh_stocks as refresh
from core.stocks.stock import Stock


async def refresh_stocks(services: Services, run: Run) -> None:
    """Bring the stock master up to date."""
    refreshed = await refresh(services, begin=run.begin)
    run.progress(done=refreshed.listed, failed=refreshed.rejected)


async def each_followed(services: Services, run: Run, work: Callable[[Stock], Awaitable[object]]) -> None:
    """Do `work` for every followed stock in code order, beginning after the one the checkpoint names.

    `work` must change nothing when it is repeated for the same slot: a crash between it and the checkpoint repeats
    it. A stock that fails is counted and noted, and the next one follows.
    """
    stocks = await followed_stocks(services)
    after = run.checkpoint.get("after", "")
    run.progress(total=len(stocks))
    for stock in stocks:
        if stock.code <= after:
            continue
        try:
            await work(stock)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=1)
            run.warn(f"{stock.code}: {type(error).__name__}: {error}")
        else:
            async with run.begin(checkpoint={"after": stock.code}, done=1):
                pass
