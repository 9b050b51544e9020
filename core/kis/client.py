"""The KIS client: typed answers, paced calls, a shared token, and a reaction to every kind of refusal."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import httpx
import structlog

from core.clock import Clock
from core.db import Database
from core.errors import NotConfigured
from core.http import Told, tell_nobody
from core.kis import chart, price
from core.kis.chart import DailyChart, Page
from core.kis.errors import MOST_TRIES, Reaction, Refused
from core.kis.pace import Pace
from core.kis.tokens import SharedToken
from core.kis.wire import Wire
from core.market.bar import Quote
from core.settings import KisSettings

log = structlog.get_logger(__name__)

_MOST_PAGES: Final = 60
"""Pages of one chart: 6,000 sessions, more than the exchange's records give."""


class KisClient:
    """Quotations of Korea Investment & Securities. One a process, shared by all callers, so that they share its pace.

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
        transport: httpx.AsyncBaseTransport | None = None,
        told: Told = tell_nobody,
    ) -> None:
        self._clock = clock
        self._wire = Wire(settings, transport=transport, told=told)
        self._token = SharedToken(settings, self._wire, db=db, clock=clock)
        self._pace = Pace(settings.rate, clock)

    @property
    def configured(self) -> bool:
        """Whether there is an app key with its secret."""
        return self._wire.configured

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
                await self._pace.turn()
                body = await self._quotation(path, tr_id, params, token)
            except Refused as refusal:
                tries[refusal.reaction] += 1
                if tries[refusal.reaction] >= MOST_TRIES.get(refusal.reaction, 1):
                    raise refusal.error(self._clock.now()) from None
                log.debug("kis_asked_again", tr_id=tr_id, reaction=refusal.reaction, detail=refusal.detail)
                await self._clock.sleep(_wait(refusal.reaction, tries[refusal.reaction]))
            else:
                self._pace.accepted()
                return body

    async def _quotation(self, path: str, tr_id: str, params: Mapping[str, str], token: str) -> Mapping[str, Any]:
        try:
            return await self._wire.quotation(path, tr_id=tr_id, token=token, params=params)
        except Refused as refusal:
            if refusal.reaction is Reaction.RATE:
                self._pace.refused()
            elif refusal.reaction is Reaction.TOKEN:
                self._token.reject(token)
            raise


def _wait(reaction: Reaction, refusals: int) -> float:
    """Seconds before asking again: the dead token is replaced at once, the rest is waited for, doubling."""
    if reaction is Reaction.TOKEN:
        return 0.0
    first = random.uniform(1.0, 1.5) if reaction is Reaction.RATE else 0.5
    return first * 2.0 ** (refusals - 1)
