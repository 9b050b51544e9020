"""The price feed: fresh quotes of followed stocks while the market is open.

It asks one quote after the other, at a written share of the calls KIS allows a second, so that those who ask a
question find a fresh quote and still the larger part of the allowance. It takes turns by asking because that needs
nothing but the quotes the product has; a stream of trades may stand in its place without anybody noticing, for all it
does is keep stored quotes fresh. Outside sessions it sleeps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from core.clock import Calendar, Phase, kst_date
from core.errors import StockPilotError
from core.market.service import get_quote
from core.services import Services
from core.settings import Settings
from core.stocks.followed import followed_stocks
from core.stocks.stock import Stock
from core.strategies.worker import Worker

SHARE: Final = 0.25
"""The share of KIS's calls a second that the feed may use."""

LEAST_LAP: Final = timedelta(seconds=10)
"""No stock is asked for more often than this: a quote counts as fresh for as long."""

_OPEN = (Phase.OPENING_HOUR, Phase.SESSION)

log = structlog.get_logger(__name__)


def lacks_kis(settings: Settings) -> str | None:
    """The setting the feed cannot do without, if it is missing."""
    return None if settings.kis.app_key and settings.kis.app_secret else "KIS_APP_KEY, KIS_APP_SECRET"


async def price_feed(services: Services, worker: Worker) -> None:
    """Lap after lap for ever; a stock that cannot be had is counted and asked again in the next lap."""
    clock, calendar = services.clock, services.calendar
    while True:
        begun = clock.now()
        if calendar.phase(begun) not in _OPEN:
            await worker.rest(next_open(calendar, begun) - begun)
            continue
        await lap(services, worker)
        await worker.rest(max(LEAST_LAP - (clock.now() - begun), timedelta(seconds=1)))


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """The first regular open after the instant `at`."""
    today = kst_date(at)
    if calendar.is_session(today) and at < calendar.opens(today):
        return calendar.opens(today)
    return calendar.opens(calendar.next_session(today))


async def lap(services: Services, worker: Worker) -> None:
    """Ask for the quote of every followed stock once, evenly paced, those with priority first; remember how it went."""
    spacing = 1 / (services.settings.kis.rate * SHARE)
    stocks = sorted(await followed_stocks(services), key=lambda stock: (-stock.priority, stock.code))
    missed = 0
    for stock in stocks:
        missed += not await _freshened(services, stock)
        await worker.beat()
        await services.clock.sleep(spacing)
    at = services.clock.now()
    await worker.save({"stocks": len(stocks), "missed": missed, "at": at.isoformat(timespec="seconds")})


async def _freshened(services: Services, stock: Stock) -> bool:
    """Whether the quote of a stock is a fresh one now."""
    asked_at = services.clock.now()
    try:
        quote = await get_quote(services, stock)
    except StockPilotError as error:
        log.info("feed_missed", code=stock.code, error=str(error))
        return False
    return quote.at >= asked_at - LEAST_LAP
