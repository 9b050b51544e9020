"""Reading article pages during one crawl, and giving up on a host that does not give them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError
from core.news.article import ArticlePage, Headline
from core.news.sources import Source
from core.services import Services
from core.sources.service import get_source, record_failure, record_success
from core.sources.status import Circuit

log = structlog.get_logger(__name__)

_MOST_FAILURES: Final = 3
"""Failures in a row after which the pages of this crawl are left alone."""


@dataclass(kw_only=True, slots=True)
class Pages:
    """The pages of a source. What happens to them is kept until it is noted."""

    services: Services
    source: Source
    closed: bool
    failures: int = 0
    read_since: int = 0
    failure: StockPilotError | None = None

    async def read(self, headline: Headline) -> ArticlePage | None:
        """The page of an article, or None where it cannot be had: what the list says is worth keeping without it."""
        if self.closed:
            return None
        url = self.source.page_url(self.services.settings.news, headline.canonical_id)
        try:
            body = await self.services.fetcher.get(url, headers=self.source.headers)
            page = await asyncio.to_thread(self.source.parse_page, body, at=self.services.clock.now())
        except Malformed as error:
            log.info("page_unusable", source=self.source.key, article=headline.canonical_id, error=str(error))
            return None
        except StockPilotError as error:
            self.failure = error
            self.failures += 1
            self.closed = isinstance(error, Blocked | QuotaExceeded) or self.failures >= _MOST_FAILURES
            return None
        self.failures = 0
        self.read_since += 1
        return page

    async def note(self, conn: AsyncConnection) -> None:
        """Note how the pages did since the last time, under a name of their own."""
        at = self.services.clock.now()
        if self.read_since:
            await record_success(conn, self.source.page_key, items=self.read_since, at=at)
        if self.failure is not None:
            await record_failure(conn, self.source.page_key, error=self.failure, at=at)
        self.read_since, self.failure = 0, None


async def open_pages(services: Services, source: Source) -> Pages:
    """The pages of a source, closed from the start while their circuit is open."""
    async with services.db.begin() as conn:
        status = await get_source(conn, source.page_key)
    return Pages(services=services, source=source, closed=status.circuit(services.clock.now()) is Circuit.OPEN)
