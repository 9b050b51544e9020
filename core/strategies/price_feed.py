"""The price feed: fresh quotes of followed stocks while the market is open.

The most-watched come by the stream of trades, the newest price of each stored once a second. The others, and all while
the stream is down, are asked for one after the other, at a written share of the calls KIS allows a second, so that
those who ask a question find a fresh quote and still the larger part of the allowance. So is a stock of which the
stream tells nothing for a while, for silence may be quiet trade or a dead registration. Outside sessions it sleeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from core.chats.queries import watcher_counts
from core.clock import Calendar, Phase, kst_date
from core.errors import StockPilotError, Unavailable
from core.kis.stream import TickStream
from core.market.queries import store_swept
from core.market.service import QUOTES, get_quote
from core.services import Services
from core.settings import Settings
from core.sources.service import quarantine
from core.stocks.followed import followed_stocks
from core.stocks.stock import Stock
from core.strategies.worker import Worker

SHARE: Final = 0.25
"""The share of KIS's calls a second that the feed may use."""

LEAST_LAP: Final = timedelta(seconds=10)
"""No stock is asked for more often than this: a quote counts as fresh for as long."""

KEEP_EVERY: Final = timedelta(seconds=1)
"""Prices of the stream are stored at most this often."""

QUIET: Final = timedelta(minutes=1)
"""A stock of which the stream tells nothing for so long is asked for."""

DETAILS_EVERY: Final = timedelta(minutes=5)
"""A stock the stream tells of is asked for this often all the same, for its ranges and ratios."""

STREAMING: Final = "streaming"
POLLING: Final = "polling"
"""The notes in what the worker remembers: how quotes come."""

_OPEN = (Phase.OPENING_HOUR, Phase.SESSION)

log = structlog.get_logger(__name__)


def lacks_kis(settings: Settings) -> str | None:
    """The setting the feed cannot do without, if it is missing."""
    return None if settings.kis.app_key and settings.kis.app_secret else "KIS_APP_KEY, KIS_APP_SECRET"


async def price_feed(services: Services, worker: Worker) -> None:
    """Lap after lap for ever; a stock that cannot be had is counted and asked again in the next lap."""
    clock, calendar = services.clock, services.calendar
    while True:
        now = clock.now()
        if calendar.phase(now) not in _OPEN:
            await worker.rest(next_open(calendar, now) - now)
            continue
        async with services.kis.stream() as stream:
            tape = Tape(services, worker, stream)
            while calendar.phase(begun := clock.now()) in _OPEN:
                await lap(services, worker, tape)
                await tape.keep_until(max(begun + LEAST_LAP, clock.now() + timedelta(seconds=1)))


class Tape:
    """What the stream tells, on its way into the store."""

    def __init__(self, services: Services, worker: Worker, stream: TickStream) -> None:
        self._services, self._worker, self._stream = services, worker, stream
        self._kept_at: datetime | None = None
        self._asked_at: dict[str, datetime] = {}

    @property
    def live(self) -> int:
        """How many stocks it tells of now."""
        return len(self._stream.live)

    async def follow(self, stocks: Sequence[Stock]) -> None:
        """Have it tell of the most watched of these."""
        async with self._services.db.read() as conn:
            watchers = await watcher_counts(conn)
        await self._stream.watch({stock.code: watchers.get(stock.code, 0) for stock in stocks})

    def covers(self, code: str) -> bool:
        """Whether the price of a stock is stored from the stream, so that it need not be asked for."""
        now = self._services.clock.now()
        asked_at = self._asked_at.get(code)
        if asked_at is not None and now - asked_at < DETAILS_EVERY and code in self._stream.told_since(now - QUIET):
            return True
        self._asked_at[code] = now
        return False

    async def keep(self) -> None:
        """Store the newest price of each stock, unless that was done within the last second.

        A database that does not answer loses them: the next ones are newer. Raises `Fenced`.
        """
        now = self._services.clock.now()
        if self._kept_at is not None and timedelta() <= now - self._kept_at < KEEP_EVERY:
            return
        self._kept_at = now
        taken = self._stream.take()
        if not taken.quotes and not taken.rejected:
            return
        try:
            async with self._worker.begin() as conn:
                await store_swept(conn, taken.quotes)
                await quarantine(conn, QUOTES, taken.rejected, at=now)
        except Unavailable as error:
            log.info("ticks_not_kept", stocks=len(taken.quotes), error=str(error))

    async def keep_until(self, end: datetime) -> None:
        """Keep until an instant, with heartbeats."""
        clock = self._services.clock
        while (left := end - clock.now()) > timedelta():
            await self.keep()
            await self._worker.beat()
            await clock.sleep(min(left, KEEP_EVERY).total_seconds())
        await self.keep()


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """The first regular open after the instant `at`."""
    today = kst_date(at)
    if calendar.is_session(today) and at < calendar.opens(today):
        return calendar.opens(today)
    return calendar.opens(calendar.next_session(today))


async def lap(services: Services, worker: Worker, tape: Tape) -> None:
    """Ask for the quote of every followed stock that the stream does not tell of, evenly paced, those with priority
    first; remember how it went."""
    spacing = 1 / (services.settings.kis.rate * SHARE)
    stocks = sorted(await followed_stocks(services), key=lambda stock: (-stock.priority, stock.code))
    await tape.follow(stocks)
    missed = 0
    for stock in stocks:
        await tape.keep()
        if tape.covers(stock.code):
            continue
        missed += not await _freshened(services, stock)
        await worker.beat()
        await services.clock.sleep(spacing)
    at, live = services.clock.now(), tape.live
    state = {"stocks": len(stocks), "streamed": live, "missed": missed, "note": STREAMING if live else POLLING}
    await worker.save(state | {"at": at.isoformat(timespec="seconds")})


async def _freshened(services: Services, stock: Stock) -> bool:
    """Whether the quote of a stock is a fresh one now."""
    asked_at = services.clock.now()
    try:
        quote = await get_quote(services, stock)
    except StockPilotError as error:
        log.info("feed_missed", code=stock.code, error=str(error))
        return False
    return quote.at >= asked_at - LEAST_LAP
