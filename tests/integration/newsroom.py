"""A newsroom that prints only what it is told to, on every simulated site of news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.clock import ManualClock
from core.news.sources import SOURCES
from sim.hankyung.server import HankyungServer
from sim.http import SimServer
from sim.maeil.server import MaeilServer
from sim.naver.newsdesk import Article
from sim.naver.search import NaverSearchServer
from sim.naver.server import NaverServer
from sim.reddit.server import RedditServer
from tests.integration.articles import QuietDesk

KEY, SECRET = "test-news-key", "test-news-secret"


@dataclass(frozen=True, kw_only=True, slots=True)
class Newsroom:
    """The desk and the sites over it."""

    clock: ManualClock
    desk: QuietDesk
    naver: NaverServer
    hankyung: HankyungServer
    maeil: MaeilServer
    search: NaverSearchServer
    reddit: RedditServer

    @property
    def sites(self) -> tuple[SimServer, ...]:
        """Every site."""
        return self.naver, self.hankyung, self.maeil, self.search, self.reddit

    def site_of(self, key: str) -> SimServer:
        """The site that a source or its pages stand on."""
        by_name: dict[str, SimServer] = {
            "naver_search": self.search,
            "hankyung": self.hankyung,
            "mk": self.maeil,
            "reddit": self.reddit,
        }
        return next((site for name, site in by_name.items() if key.startswith(name)), self.naver)

    def settings(self) -> dict[str, Any]:
        """The group `news` of the settings, with every source and site switched on."""
        return {
            "sources": (*SOURCES, "hankyung_page", "mk_page"),
            **dict.fromkeys(("naver_stock_url", "naver_mobile_url", "naver_article_url"), self.naver.url),
            "hankyung_url": self.hankyung.url,
            "mk_url": self.maeil.url,
            "naver_client_id": KEY,
            "naver_client_secret": SECRET,
            "naver_search_url": self.search.url,
            "reddit_client_id": KEY,
            "reddit_client_secret": SECRET,
            "reddit_url": self.reddit.url,
            "reddit_api_url": self.reddit.url,
        }

    def plant(
        self, title: str, body: str = "본문이다.", *, ago: int = 30, office: str = "001", codes: tuple[str, ...] = ()
    ) -> Article:
        """Print an article `ago` minutes before now."""
        at = self.clock.now() - timedelta(minutes=ago)
        return self.desk.plant(title, body, at, codes, office=office)


@asynccontextmanager
async def open_newsroom(clock: ManualClock) -> AsyncIterator[Newsroom]:
    """Start every site over an empty desk."""
    desk = QuietDesk()
    room = Newsroom(
        clock=clock,
        desk=desk,
        naver=NaverServer(desk, clock.now),
        hankyung=HankyungServer(desk, clock.now),
        maeil=MaeilServer(desk, clock.now),
        search=NaverSearchServer(desk, clock.now, client_id=KEY, client_secret=SECRET),
        reddit=RedditServer(desk, clock.now, client_id=KEY, client_secret=SECRET),
    )
    async with AsyncExitStack() as running:
        for site in room.sites:
            await site.start()
            running.push_async_callback(site.stop)
        yield room
