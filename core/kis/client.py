"""The KIS client: typed answers, paced calls, a shared token, and a reaction to every kind of refusal."""

from __future__ import annotations

import asyncio
import copy
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self

import httpx
import structlog

from core.cache import Cache
from core.clock import KST, Clock
from core.db import Database
from core.errors import NotConfigured, StockPilotError
from core.http import Told, tell_nobody
from core.kis import book, chart, finance, holidays, index, investors, minutes, multi, overtime, price, product
from core.kis.book import OrderBook
from core.kis.chart import DailyChart, Page
from core.kis.errors import MOST_TRIES, Reaction, Refused
from core.kis.finance import Ratios
from core.kis.index import IndexChart, IndexPage, IndexQuote
from core.kis.investors import FlowEstimate, Flows
from core.kis.minutes import MinuteChart, MinutePage
from core.kis.multi import Quotes
from core.kis.overtime import OvertimeDay
from core.kis.pace import Lane, Pace, Turn
from core.kis.product import ProductInfo, StockInfo
from core.kis.rows import Rejected
from core.kis.spacing import OwnSpacing, SharedSpacing, Spacing
from core.kis.stream import TickStream
from core.kis.tokens import SharedToken
from core.kis.wire import Wire, name_of_key
from core.market.bar import Quote
from core.settings import KisSettings

log = structlog.get_logger(__name__)

_MOST_PAGES: Final = 60
"""Pages of one chart: 6,000 sessions, more than the exchange's records give."""


class KisClient:
    """Quotations of Korea Investment & Securities. One a process, shared by all callers, so that they share its pace;
    by `cache` all processes with one app key share it.

    Every question raises `NotConfigured` (no app key), `Unavailable` (network, refusals that outlast the retries),
    `QuotaExceeded` (the rate, with when to try again), `Blocked` (wrong key or environment), `Unsupported` (no such
    stock, not served) or `Malformed` (no answer to be read). No error holds a secret.
    """

    def __init__(
        self,
        settings: KisSettings,
        *,
        db: Database,
        clock: Clock,
        cache: Cache | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        told: Told = tell_nobody,
    ) -> None:
        self._clock, self._ws_address = clock, settings.ws_address
        self._wire = Wire(settings, transport=transport, told=told)
        self._token = SharedToken(settings, self._wire, db=db, clock=clock)
        spacing: Spacing = OwnSpacing(settings.rate)
        if cache is not None:
            spacing = SharedSpacing(settings.rate, cache, name_of_key(settings))
        self._pace = Pace(spacing, clock)
        self._lane = Lane.ASKED

    @property
    def configured(self) -> bool:
        """Whether there is an app key with its secret."""
        return self._wire.configured

    @property
    def collecting(self) -> Self:
        """This client for scheduled work, whose calls leave only while nobody waits for an answer to a question."""
        other = copy.copy(self)
        other._lane = Lane.COLLECTING
        return other

    async def quote(self, code: str) -> Quote:
        """The price now. KIS does not say when it was made: `at` is the moment of the answer."""
        body = await self._ask(price.PATH, price.TR_ID, price.params(code))
        return price.quote_of(code, body, at=self._clock.now())

    async def daily_bars(self, code: str, start: date, end: date) -> DailyChart:
        """The raw daily bars of the sessions in [start, end], oldest first, 100 a call.

        The bar of a running session is among them as far as it has gone: ask for closed sessions only.
        """
        pages: list[Page] = []
        while start <= end and len(pages) < _MOST_PAGES:
            body = await self._ask(chart.PATH, chart.TR_ID, chart.params(code, start, end))
            page = chart.page_of(code, body, start=start, end=end)
            pages.append(page)
            oldest = chart.oldest(page)
            if oldest is None or not page.full:
                break
            end = oldest - timedelta(days=1)
        return chart.chart_of(pages)

    async def quotes(self, codes: Sequence[str]) -> Quotes:
        """The prices now of any number of stocks, thirty a call, the calls side by side; without ranges and ratios.

        Where some calls fail the rest counts; raises the first failure where all do.
        """
        batches = [codes[start : start + multi.MOST_CODES] for start in range(0, len(codes), multi.MOST_CODES)]
        answers = await asyncio.gather(*(self._thirty(batch) for batch in batches), return_exceptions=True)
        found: list[Quotes] = []
        failures: list[StockPilotError] = []
        for answer in answers:
            if isinstance(answer, StockPilotError):
                failures.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append(answer)
        if failures and not found:
            raise failures[0]
        if failures:
            log.warning("kis_quotes_missing", calls=len(failures), error=str(failures[0]))
        return Quotes(
            quotes=tuple(quote for some in found for quote in some.quotes),
            rejected=tuple(row for some in found for row in some.rejected),
        )

    async def _thirty(self, codes: Sequence[str]) -> Quotes:
        body = await self._ask(multi.PATH, multi.TR_ID, multi.params(codes))
        return multi.quotes_of(codes, body, at=self._clock.now())

    async def order_book(self, code: str) -> OrderBook:
        """What waits to be bought and sold now."""
        body = await self._ask(book.PATH, book.TR_ID, book.params(code))
        return book.book_of(code, body, at=self._clock.now())

    async def flows(self, code: str) -> Flows:
        """What the groups of investors bought net in each of the last thirty sessions whose figures are out."""
        return investors.recent_of(await self._ask(*investors.RECENT, investors.recent_params(code)))

    async def flows_until(self, code: str, until: date, *, pages: int = 1) -> Flows:
        """The same back from the session `until`, thirty a page. Not served to paper keys, nor before 15:41."""
        found: list[Flows] = []
        while len(found) < pages:
            body = await self._ask(*investors.DAILY, investors.daily_params(code, until))
            page = investors.daily_of(body, until=until)
            found.append(page)
            if not page.days:
                break
            until = page.days[0].day - timedelta(days=1)
        return Flows(
            days=tuple(day for page in reversed(found) for day in page.days),
            rejected=tuple(row for page in found for row in page.rejected),
        )

    async def flow_estimates(self, code: str) -> tuple[tuple[FlowEstimate, ...], tuple[Rejected, ...]]:
        """What foreigners and institutions are estimated to have bought net since the open, oldest first."""
        return investors.estimates_of(await self._ask(*investors.ESTIMATE, investors.estimate_params(code)))

    async def minutes_today(self, code: str, *, opens: datetime, until: datetime, since: datetime) -> MinuteChart:
        """The minutes from about `since` to the one that began at `until`, which must have ended; thirty a call.

        `opens` is when the running session did. Every minute with a trade is there from the chart's own `since` on.
        """
        return await self._minutes(code, opens=opens, until=until, since=since, past=False)

    async def minutes_on(self, code: str, *, opens: datetime, until: datetime) -> MinuteChart:
        """The minutes of the whole past session that opened at `opens`, 120 a call; not served to paper keys."""
        return await self._minutes(code, opens=opens, until=until, since=opens, past=True)

    async def _minutes(
        self, code: str, *, opens: datetime, until: datetime, since: datetime, past: bool
    ) -> MinuteChart:
        on = opens.astimezone(KST).date()
        anchor: time | None = until.astimezone(KST).time().replace(second=0, microsecond=0)
        pages: list[MinutePage] = []
        while anchor is not None and len(pages) < _MOST_PAGES:
            if past:
                body = await self._ask(*minutes.PAST, minutes.past_params(code, on, anchor))
            else:
                body = await self._ask(*minutes.TODAY, minutes.today_params(code, anchor))
            most = minutes.PAST_ROWS if past else minutes.TODAY_ROWS
            page = minutes.page_of(body, on=on, anchor=anchor, most=most)
            pages.append(page)
            if len(page.running) > 1 and page.running[1].at <= since:
                break
            anchor = minutes.next_anchor(page)
        return minutes.chart_of(pages, opens=opens)

    async def index(self, code: str) -> IndexQuote:
        """An index or sector now, by its code of four digits; not served to paper keys."""
        body = await self._ask(*index.NOW, index.now_params(code))
        return index.quote_of(code, body, at=self._clock.now())

    async def index_chart(self, code: str, start: date, end: date) -> IndexChart:
        """The sessions of an index in [start, end], oldest first, fifty a call."""
        return await self._index_sessions(code, start, end, listed=False)

    async def index_list(self, code: str, start: date, end: date) -> IndexChart:
        """The same by the service that lists a hundred a call, but not to paper keys."""
        return await self._index_sessions(code, start, end, listed=True)

    async def _index_sessions(self, code: str, start: date, end: date, *, listed: bool) -> IndexChart:
        pages: list[IndexPage] = []
        while start <= end and len(pages) < _MOST_PAGES:
            if listed:
                body = await self._ask(*index.DAILY, index.daily_params(code, end))
            else:
                body = await self._ask(*index.CHART, index.chart_params(code, start, end))
            most = index.DAILY_ROWS if listed else index.CHART_ROWS
            page = index.page_of(body, start=start, end=end, most=most)
            pages.append(page)
            oldest = index.oldest(page)
            if oldest is None or not page.full:
                break
            end = oldest - timedelta(days=1)
        return index.chart_of(pages)

    async def overtime(self, code: str) -> tuple[tuple[OvertimeDay, ...], tuple[Rejected, ...]]:
        """The last days' trade in the single-price session after the close, oldest first."""
        return overtime.days_of(await self._ask(overtime.PATH, overtime.TR_ID, overtime.params(code)))

    async def ratios(self, code: str, *, quarters: bool) -> tuple[tuple[Ratios, ...], tuple[Rejected, ...]]:
        """The financial ratios of all years or all quarters, oldest first; not served to paper keys."""
        body = await self._ask(finance.PATH, finance.TR_ID, finance.params(code, quarters=quarters))
        return finance.ratios_of(body, quarters=quarters)

    async def stock_info(self, code: str) -> StockInfo:
        """What KIS keeps of an issue, a delisted one too; not served to paper keys."""
        return product.stock_of(code, await self._ask(*product.STOCK, product.params(code)))

    async def product_info(self, code: str) -> ProductInfo:
        """How KIS classes an issue; not served to paper keys."""
        return product.product_of(code, await self._ask(*product.PRODUCT, product.params(code)))

    async def sessions(self, first: date) -> tuple[Mapping[date, bool], tuple[Rejected, ...]]:
        """Whether the market opens on each of 24 days from `first` on. KIS asks to be asked once a day at most."""
        return holidays.days_of(await self._ask(holidays.PATH, holidays.TR_ID, holidays.params(first)))

    def stream(self) -> TickStream:
        """The stream of trades, to be opened with `async with`; one at a time an app key."""
        return TickStream(self._ws_address, self._wire, clock=self._clock)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def _ask(self, path: str, tr_id: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """The reply to one question, asked again as the refusals allow."""
        if not self.configured:
            raise NotConfigured("KIS: KIS_APP_KEY and KIS_APP_SECRET are not set")
        tries: Counter[Reaction] = Counter()
        while True:
            try:
                token = await self._token.current()
                turn = await self._pace.turn(self._lane)
                body = await self._quotation(path, tr_id, params, token, turn)
            except Refused as refusal:
                tries[refusal.reaction] += 1
                if tries[refusal.reaction] >= MOST_TRIES.get(refusal.reaction, 1):
                    raise refusal.error(self._clock.now()) from None
                log.debug("kis_asked_again", tr_id=tr_id, reaction=refusal.reaction, detail=refusal.detail)
                await self._clock.sleep(_wait(refusal.reaction, tries[refusal.reaction]))
            else:
                self._pace.accepted()
                return body

    async def _quotation(
        self, path: str, tr_id: str, params: Mapping[str, str], token: str, turn: Turn
    ) -> Mapping[str, Any]:
        try:
            return await self._wire.quotation(
                path, tr_id=tr_id, token=token, params=params, left=lambda: self._pace.left(turn)
            )
        except Refused as refusal:
            if refusal.reaction is Reaction.RATE:
                await self._pace.refused()
            elif refusal.reaction is Reaction.TOKEN:
                self._token.reject(token)
            raise


def _wait(reaction: Reaction, refusals: int) -> float:
    """Seconds before asking again: the dead token is replaced at once, the rest is waited for, doubling."""
    if reaction is Reaction.TOKEN:
        return 0.0
    first = random.uniform(1.0, 1.5) if reaction is Reaction.RATE else 0.5
    return first * 2.0 ** (refusals - 1)
