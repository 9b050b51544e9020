"""Reading article pages during one crawl, and giving up on a host that does not give them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError
from core.news.article import ArticlePage
from core.news.sources import PageSite
from core.services import Services
from core.sources.service import get_source, record_failure, record_success
from core.sources.status import Circuit

log = structlog.get_logger(__name__)

_MOST_FAILURES: Final = 3
"""Failures in a row after which the pages of this crawl are left alone."""
_TELLING: Final = 6
"""Pages in a row without the text of an article from which on it is not they that are odd: the site has changed."""


class Gone(Malformed):
    """An article whose page was taken down."""


@dataclass(kw_only=True, slots=True)
class Pages:
    """The pages of a source. What happens to them is kept until it is noted."""

    services: Services
    site: PageSite | None
    closed: bool
    failures: int = 0
    unusable: int = 0
    read_since: int = 0
    failure: StockPilotError | None = None

    async def read(self, address: str, *, gone: bool = False) -> ArticlePage | None:
        """The page at a reader's address, or None where it cannot be had: what the list says is worth keeping
        without it.

        With `gone`, a page that stood there and does not any more raises `Gone`.
        """
        if self.closed or self.site is None:
            return None
        news = self.services.settings.news
        explain = _gone if gone else None
        try:
            body = await self.services.fetcher.get(
                self.site.url(news, address), headers=self.site.headers(news), explain=explain
            )
            page = await asyncio.to_thread(self.site.parse, body, at=self.services.clock.now())
        except Gone:
            raise
        except Malformed as error:
            log.info("page_unusable", site=self.site.key, address=address, error=str(error))
            self.unusable += 1
            if self.unusable >= _TELLING:
                self.failure = Malformed(f"{self.unusable} pages in a row: {error}")
            return None
        except StockPilotError as error:
            self.failure = error
            self.failures += 1
            self.closed = isinstance(error, Blocked | QuotaExceeded) or self.failures >= _MOST_FAILURES
            return None
        self.failures = self.unusable = 0
        self.read_since += 1
        return page

    async def note(self, conn: AsyncConnection) -> None:
        """Note how the pages did since the last time, under a name of their own."""
        at = self.services.clock.now()
        if self.site is not None and self.read_since:
            await record_success(conn, self.site.key, items=self.read_since, at=at, services=self.services)
        if self.site is not None and self.failure is not None:
            await record_failure(conn, self.site.key, error=self.failure, at=at, services=self.services)
        self.read_since, self.failure = 0, None


def _gone(status: int, _body: bytes, _at: datetime) -> StockPilotError | None:
    return Gone(f"taken down ({status})") if status in {404, 410} else None


async def open_pages(services: Services, site: PageSite | None) -> Pages:
    """The pages of a site: none where they are not to be read, and closed while their circuit is open."""
    if site is None or not site.read(services.settings):
        return Pages(services=services, site=None, closed=True)
    async with services.db.begin() as conn:
        status = await get_source(conn, site.key)
    return Pages(services=services, site=site, closed=status.circuit(services.clock.now()) is Circuit.OPEN)
