"""Jobs over market data. What they ask of KIS waits behind the questions of people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Fenced, StockPilotError
from core.market import flows
from core.market.asking import Answers
from core.market.service import collect_bars
from core.market.sweep import sweep
from core.runs.run import Run
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.queries import list_stocks
from core.stocks.stock import Stock
from jobs.stocks import each_followed

T = TypeVar("T")

BATCH: Final = 60
"""Stocks that are asked about side by side and written together."""


async def collect_daily_bars(services: Services, run: Run) -> None:
    """Store the daily bars that followed stocks lack; a year for one that has none."""
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return
    services = _collecting(services)

    async def collect(stock: Stock) -> None:
        await collect_bars(services, stock.code, begin=run.begin)

    await each_followed(services, run, collect)


async def collect_market_data(services: Services, run: Run) -> None:
    """Prices of every listed stock."""
    if not _open_for(services, run):
        return
    services = _collecting(services)
    codes = [stock.code for stock in await listed_stocks(services)]
    run.progress(total=len(codes))
    swept = await sweep(services, codes, run.begin)
    run.progress(done=swept.priced)


async def collect_investor_trends(services: Services, run: Run) -> None:
    """What each group of investors bought net of every listed stock, followed ones first."""
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return
    services = _collecting(services)
    await each_batch(services, run, lambda codes: flows.ask(services, codes), flows.store(services))


async def listed_stocks(services: Services) -> list[Stock]:
    """Every listed stock: followed ones first, those with priority before the others; then by value, largest first."""
    followed = {stock.code for stock in await followed_stocks(services)}
    async with services.db.read() as conn:
        stocks = [stock for stock in await list_stocks(conn) if stock.active]
    return sorted(
        stocks, key=lambda stock: (stock.code not in followed, -stock.priority, -(stock.market_cap or 0), stock.code)
    )


async def each_batch(
    services: Services,
    run: Run,
    ask: Callable[[Sequence[str]], Awaitable[Answers[T]]],
    store: Callable[[AsyncConnection, Answers[T]], Awaitable[object]],
) -> None:
    """Ask about every listed stock, `BATCH` at once, and store what came in the transaction of the checkpoint.

    The order of stocks may change between two attempts, so the checkpoint holds the codes that are done.
    """
    done = set(run.checkpoint.get("done", ()))
    codes = [stock.code for stock in await listed_stocks(services) if stock.code not in done]
    run.progress(total=len(codes) + len(done))
    for start in range(0, len(codes), BATCH):
        batch = codes[start : start + BATCH]
        try:
            answers = await ask(batch)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=len(batch))
            run.warn(f"{batch[0]} to {batch[-1]}: {type(error).__name__}: {error}")
            continue
        done |= set(batch) - answers.failed.keys()
        async with run.begin(checkpoint={"done": sorted(done)}, done=len(batch) - len(answers.failed)) as conn:
            await store(conn, answers)
        run.progress(failed=len(answers.failed))
        for code, failure in answers.failed.items():
            run.warn(f"{code}: {type(failure).__name__}: {failure}")


def _collecting(services: Services) -> Services:
    """The services with a KIS client whose calls leave after the questions of people."""
    return replace(services, kis=services.kis.collecting)


def _open_for(services: Services, run: Run) -> bool:
    """Whether the slot lies within the session's regular hours and there is a key; a missing key is noted."""
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return False
    calendar, slot = services.calendar, run.slot
    day = calendar.latest_session(slot)
    return calendar.opens(day) < slot <= calendar.closes(day)
