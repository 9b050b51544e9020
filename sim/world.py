"""The outside world in one piece: the exchange's API, the news sites and the language models, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from core.clock import Clock
from sim.dart.filings import FilingDesk
from sim.dart.server import DartServer
from sim.hankyung.server import HankyungServer
from sim.http import SimServer
from sim.kis.server import KisServer
from sim.llm.server import LlmServer
from sim.maeil.server import MaeilServer
from sim.market import SimMarket
from sim.naver.newsdesk import NewsDesk
from sim.naver.search import NaverSearchServer
from sim.naver.server import NaverServer
from sim.reddit.server import RedditServer

NEWS_SOURCES = ("naver_main", "naver_focus", "naver_stock", "hankyung_page", "mk_page")
KIS_KEY, KIS_SECRET, LLM_KEY = "demo-key", "demo-secret", "demo-llm-key"
NEWS_KEY, NEWS_SECRET = "demo-news-key", "demo-news-secret"
DART_KEY = "demo-dart-key".ljust(40, "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The running services of one market."""

    market: SimMarket
    newsdesk: NewsDesk
    kis: KisServer
    naver: NaverServer
    hankyung: HankyungServer
    maeil: MaeilServer
    search: NaverSearchServer
    reddit: RedditServer
    dart: DartServer
    llm: LlmServer

    @property
    def servers(self) -> tuple[SimServer, ...]:
        """Every service, for faults that come over all of them."""
        return self.kis, self.naver, self.hankyung, self.maeil, self.search, self.reddit, self.dart, self.llm

    def settings_overrides(self) -> dict[str, dict[str, object]]:
        """The settings that point the product at this world, nested as `core.settings.Settings` is."""
        return {
            "kis": {
                "app_key": KIS_KEY,
                "app_secret": KIS_SECRET,
                "paper": self.kis.paper,
                "base_url": self.kis.url,
                "ws_url": self.kis.ws_url,
                "master_url": f"{self.kis.url}/common/master/",
            },
            "news": {
                "sources": NEWS_SOURCES,
                "naver_stock_url": self.naver.url,
                "naver_mobile_url": self.naver.url,
                "naver_article_url": self.naver.url,
                "hankyung_url": self.hankyung.url,
                "mk_url": self.maeil.url,
                "naver_client_id": NEWS_KEY,
                "naver_client_secret": NEWS_SECRET,
                "naver_search_url": self.search.url,
                "reddit_client_id": NEWS_KEY,
                "reddit_client_secret": NEWS_SECRET,
                "reddit_url": self.reddit.url,
                "reddit_api_url": self.reddit.url,
                "seconds_between_calls": 0.0,
            },
            "dart": {"api_key": DART_KEY, "base_url": f"{self.dart.url}/api", "rss_url": f"{self.dart.url}/api"},
            "openai": {"api_key": LLM_KEY, "base_url": f"{self.llm.url}/v1"},
            "openrouter": {"api_key": LLM_KEY, "base_url": f"{self.llm.url}/api/v1"},
        }


@asynccontextmanager
async def open_world(
    market: SimMarket,
    clock: Clock,
    *,
    seed: int = 7,
    llm_latency: float = 0.2,
    paper: bool = False,
    kis_calls_per_second: float | None = None,
) -> AsyncIterator[World]:
    """Start every service over `market` by the time of `clock`; stop them on leaving.

    `kis_calls_per_second` is what KIS allows: the official rate if None.
    """
    newsdesk = NewsDesk(market, seed=seed)
    world = World(
        market=market,
        newsdesk=newsdesk,
        kis=KisServer(
            market,
            clock.now,
            app_key=KIS_KEY,
            app_secret=KIS_SECRET,
            paper=paper,
            calls_per_second=kis_calls_per_second or (1 if paper else 18),
        ),
        naver=NaverServer(newsdesk, clock.now),
        hankyung=HankyungServer(newsdesk, clock.now),
        maeil=MaeilServer(newsdesk, clock.now),
        search=NaverSearchServer(newsdesk, clock.now, client_id=NEWS_KEY, client_secret=NEWS_SECRET),
        reddit=RedditServer(newsdesk, clock.now, client_id=NEWS_KEY, client_secret=NEWS_SECRET),
        dart=DartServer(FilingDesk(market, seed=seed), clock.now, api_key=DART_KEY),
        llm=LlmServer(clock.now, latency=llm_latency, api_key=LLM_KEY),
    )
    async with AsyncExitStack() as running:
        for server in world.servers:
            await server.start()
            running.push_async_callback(server.stop)
        yield world
