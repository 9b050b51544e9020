"""Prices: the quote now, and the daily bars of closed sessions, asked from KIS only where they are missing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Calendar, Phase
from core.db import Database
from core.errors import Malformed, NotConfigured, StockPilotError, Unavailable, Unsupported
from core.kis.chart import DailyChart
from core.market import queries
from core.market.bar import Bar, Quote
from core.market.coverage import first_session, missing_days, settled_at
from core.market.overtime import regular_quote
from core.services import Services
from core.sources.chain import Link, first_of
from core.sources.service import ask_source, quarantine, record_success
from core.stocks.queries import get_stock
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)

QUOTES: Final = "kis_quote"
DAILY: Final = "kis_daily"
"""The sources, as `/health` names them."""

KEPT: Final = "kept"
"""What is stored, as a link of a chain of sources."""

BAR_SOURCE: Final = "일봉"
"""The source of a quote that is really the close of a daily bar."""

YEAR: Final = 250
"""Sessions of a year."""

_QUOTE_SECONDS: Final = 10
_DETAILS_FOR: Final = timedelta(minutes=10)
"""How long ranges and ratios go with newer prices that a sweep or the stream of trades brought."""

_EOK: Final = 100_000_000
_OUTSIDE = (Unavailable, NotConfigured, Malformed, Unsupported)

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


async def get_quote(services: Services, stock: Stock) -> Quote:
    """The price of a stock: from KIS, at most ten seconds old, else the newest one known.

    The quote itself says what it is: `at` is when the price stood (the close, outside a session) and `source` is
    `KIS` or `일봉` (the close of a daily bar). Raises `NotConfigured`, `Unavailable`, `Malformed` or `Unsupported`
    (no such stock) where nothing is known.
    """

    async def kept() -> Quote:
        known = (await known_quotes(services, [stock.code])).get(stock.code)
        if known is None:
            raise Unsupported(f"no price of {stock.code} is kept")
        return known

    links = (Link(source=QUOTES, ask=lambda: _live_quote(services, stock)), Link(source=KEPT, ask=kept))
    quote = (await first_of(links, at=services.clock.now())).value
    return replace(quote, market_cap=_market_cap(quote, stock))


async def known_quotes(services: Services, codes: Sequence[str]) -> dict[str, Quote]:
    """The newest stored price of each code, a quote or the close of a bar; asks nobody outside."""
    async with services.db.read() as conn:
        quotes = await queries.stored_quotes(conn, codes)
        bars = await queries.last_bars(conn, codes, count=2)
    closes = {code: _closing_quote(code, rows, services.calendar) for code, rows in bars.items()}
    return closes | {code: quote for code, quote in quotes.items() if code not in closes or quote.at >= closes[code].at}


async def get_bars(services: Services, code: str, *, as_of: datetime, sessions: int = YEAR) -> list[Bar]:
    """The raw daily bars of the last `sessions` sessions that had closed by `as_of`, oldest first.

    Fewer where the stock is younger. Missing ones are asked from KIS first: all of them on the first ask, later what
    came since. Where KIS fails, what is stored is returned; raises as `get_quote` where nothing is.
    """
    last = services.calendar.last_closed_session(min(as_of, services.clock.now()))
    failure: StockPilotError | None = None
    try:
        await _complete(services, code, first_session(services.calendar, last, sessions), last, services.db.begin)
    except _OUTSIDE as error:
        failure = error
    async with services.db.read() as conn:
        bars = await queries.bars_until(conn, code, day=last, limit=sessions)
    if failure is not None and not bars:
        raise failure
    if failure is not None:
        log.info("bars_from_store", code=code, newest=bars[-1].day.isoformat(), error=str(failure))
    return bars


async def fetch_bars(services: Services, code: str, *, since: date) -> list[Bar]:
    """The bars from `since` to the last closed session as KIS has them now, oldest first; stores none of them.

    Raises as `get_quote`.
    """
    chart = await _ask_chart(services, code, since, services.calendar.last_closed_session(services.clock.now()))
    async with services.db.begin() as conn:
        await quarantine(conn, DAILY, chart.rejected, at=services.clock.now())
    return list(chart.bars)


async def collect_bars(services: Services, code: str, *, sessions: int = YEAR, begin: Begin | None = None) -> int:
    """Store the missing bars of the last `sessions` closed sessions; returns how many were written.

    Raises as `get_quote`; nothing is asked where nothing is missing.
    """
    last = services.calendar.last_closed_session(services.clock.now())
    first = first_session(services.calendar, last, sessions)
    return await _complete(services, code, first, last, begin or services.db.begin)


def _market_cap(quote: Quote, stock: Stock) -> int | None:
    """The worth of all shares in won, as near as the sources tell it.

    KIS tells it in whole 억 and the master the shares in whole thousands, both rounded down, so the larger is the
    nearer one; where they are further apart than that the master is out of date.
    """
    told, counted = quote.market_cap, quote.price * (stock.shares or 0) or None
    if told is None or counted is None:
        return told or counted
    return counted if told <= counted < told + _EOK else told


async def _live_quote(services: Services, stock: Stock) -> Quote:
    if not services.kis.configured:
        raise NotConfigured("KIS: no app key, so no live quotes")
    if not stock.active:
        raise Unsupported(f"{stock.code} is not listed any more: its last price has no moment of today")
    code = stock.code
    slot = int(services.clock.now().timestamp()) // _QUOTE_SECONDS
    ttl = timedelta(seconds=_QUOTE_SECONDS)
    raw = await services.cache.shared(f"quote:{code}:{slot}", ttl, lambda: _asked_quote(services, code))
    values: dict[str, Any] = orjson.loads(raw)
    return Quote(**values | {"at": datetime.fromisoformat(values["at"])})


async def _asked_quote(services: Services, code: str) -> bytes:
    calendar, now = services.calendar, services.clock.now()
    async with services.db.read() as conn:
        since, details_since = now - timedelta(seconds=_QUOTE_SECONDS), now - _DETAILS_FOR
        fresh = await queries.whole_quote(conn, code, since=since, details_since=details_since)
    if fresh is not None:
        return orjson.dumps(fresh)
    asked = await ask_source(services, QUOTES, lambda: services.kis.quote(code))
    now = services.clock.now()
    session = calendar.latest_session(now)
    quote = replace(asked, at=min(now, calendar.closes(session)))
    if not quote.volume and calendar.phase(now) is Phase.PRE_OPEN:
        quote = await _with_last_session(services, quote)
    async with services.db.begin() as conn:
        if quote.at < now:
            quote = await regular_quote(conn, quote, calendar, day=session, at=now)
        await queries.store_quote(conn, quote)
        await record_success(conn, QUOTES, items=1, at=now, services=services)
    return orjson.dumps(quote)


async def _with_last_session(services: Services, quote: Quote) -> Quote:
    """The quote with what the last session brought: shortly before the open KIS tells of the empty day to come.

    Unchanged where that session is not known, or was on another scale.
    """
    try:
        bars = await get_bars(services, quote.code, as_of=quote.at)
    except _OUTSIDE:
        return quote
    last = _closing_quote(quote.code, bars, services.calendar) if bars else None
    if last is None or (last.at, last.price) != (quote.at, quote.price):
        return quote
    day = ("change", "change_percent", "volume", "value", "open", "high", "low")
    return replace(quote, **{name: getattr(last, name) for name in day})


def _closing_quote(code: str, bars: Sequence[Bar], calendar: Calendar) -> Quote:
    """The close of the last bar; its change counts from the close before, on the scale of that day."""
    bar = bars[-1]
    base = max(1, round(bars[-2].close * (bar.split_ratio or 1))) if len(bars) > 1 else bar.close
    return Quote(
        code=code,
        price=bar.close,
        change=bar.close - base,
        change_percent=round((bar.close - base) / base * 100, 2),
        volume=bar.volume,
        value=bar.value,
        at=calendar.closes(bar.day),
        source=BAR_SOURCE,
        open=bar.open or None,
        high=bar.high or None,
        low=bar.low or None,
    )


_AGAIN_AFTER: Final = timedelta(hours=6)
_MOST_TRIES: Final = 3
"""How often bars are asked for some of whose rows could not be used, and how far apart. Then they count as answered:
a row that stays wrong must not be asked for for ever, and the day's newest is asked for again tomorrow anyway."""

_backfills: WeakKeyDictionary[Database, defaultdict[str, asyncio.Lock]] = WeakKeyDictionary()
"""One backfill a stock at a time, so that those who ask meanwhile share it."""


async def _complete(services: Services, code: str, first: date, last: date, begin: Begin) -> int:
    """Ask for and store the bars that [first, last] lacks. Days are covered once all their rows could be used, or could
    not be used again and again."""
    gap = await _gap(services, code, first, last)
    if gap is None or await _rests(services, code, gap):
        return 0
    locks = _backfills.setdefault(services.db, defaultdict(asyncio.Lock))
    async with locks[code]:
        gap = await _gap(services, code, first, last)
        if gap is None or await _rests(services, code, gap):
            return 0
        chart = await _ask_chart(services, code, *gap)
        now = services.clock.now()
        wanted_again = bool(chart.rejected) and await _ask_again(services, code, gap)
        async with begin() as conn:
            written = await queries.store_bars(conn, code, chart.bars, source="KIS", at=now)
            until = (
                gap[1] if now >= settled_at(services.calendar, gap[1]) else services.calendar.previous_session(gap[1])
            )
            # An empty answer may be a passing fault of KIS: it covers nothing.
            if chart.bars and not wanted_again and gap[0] <= until:
                await queries.cover(conn, code, since=gap[0], until=until)
            await quarantine(conn, DAILY, chart.rejected, at=now)
        return written


async def _rests(services: Services, code: str, gap: tuple[date, date]) -> bool:
    """Whether these bars were asked for a short while ago and some rows could not be used."""
    tried = await _tried(services, code)
    if tried is None or tried["until"] != gap[1].isoformat():
        return False
    at = datetime.fromisoformat(tried["at"])
    return at <= services.clock.now() < at + _AGAIN_AFTER


async def _ask_again(services: Services, code: str, gap: tuple[date, date]) -> bool:
    """Note that some rows could not be used; whether they are to be asked for again."""
    tried = await _tried(services, code)
    times = 1 + (tried["times"] if tried else 0)
    if times >= _MOST_TRIES:
        await services.cache.delete(f"bars:again:{code}")
        return False
    noted = {"times": times, "until": gap[1].isoformat(), "at": services.clock.now().isoformat()}
    await services.cache.set(f"bars:again:{code}", orjson.dumps(noted), timedelta(days=7))
    return True


async def _tried(services: Services, code: str) -> dict[str, Any] | None:
    raw = await services.cache.get(f"bars:again:{code}")
    return orjson.loads(raw) if raw else None


async def _gap(services: Services, code: str, first: date, last: date) -> tuple[date, date] | None:
    async with services.db.read() as conn:
        covered = await queries.get_coverage(conn, code)
        if covered is None and await get_stock(conn, code) is None:
            raise Unsupported(f"no stock {code}")
    return missing_days(covered, first=first, last=last)


async def _ask_chart(services: Services, code: str, first: date, last: date) -> DailyChart:
    async def ask() -> DailyChart:
        chart = await services.kis.daily_bars(code, first, last)
        if chart.rejected and not chart.bars:
            raise Malformed(f"KIS: no readable bar of {code}: {chart.rejected[0].reason}")
        return chart

    if not services.kis.configured:
        raise NotConfigured("KIS: no app key, so no daily bars")
    chart = await ask_source(services, DAILY, ask)
    async with services.db.begin() as conn:
        await record_success(conn, DAILY, items=1, at=services.clock.now(), services=services)
    return chart
