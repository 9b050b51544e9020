"""The one table of everything outside that is read. What a feature declares is taken from there, not told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Malformed
from core.ledger.calls import spent
from core.market.service import DAILY, QUOTES
from core.news.searching import calls_today
from core.news.service import crawl, store_again
from core.news.sources import PAGE_SITES, SOURCES, PageSite, Source
from core.outside.declared import Declared, Family, Off, Quota, Why
from core.outside.disclosures import DISCLOSURES
from core.services import Services
from core.settings import Settings
from core.sources.service import ask_source, record_success
from core.stocks.service import SOURCE as MASTER
from core.stocks.service import refresh_stocks

KIS: Final = (
    *(QUOTES, "kis_multi", "kis_minutes", DAILY, "kis_book", "kis_estimate", "kis_flows", "kis_index"),
    *("kis_index_daily", "kis_overtime", "kis_ratios", "kis_product", "kis_calendar"),
)
"""The parts of KIS by what they bring; a live probe of health sees whether it answers at all."""
PROVIDERS: Final = ("openai", "openrouter")
_LARGEST: Final = "005930"

ENVELOPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "naver_main": ('{"articles":[', "]}"),
        "naver_focus": ('{"articles":[', "]}"),
        "naver_stock": ('[{"items":[', "]}]"),
        "naver_search": ('{"items":[', "]}"),
        "hankyung": ('<rss version="2.0"><channel>', "</channel></rss>"),
        "mk": ('<rss version="2.0"><channel>', "</channel></rss>"),
        "mk_sitemap": ("<urlset>", "</urlset>"),
        "reddit": ('{"data":{"children":[', "]}}"),
    }
)
"""What stands around the rows of each list of news."""


def _news(source: Source) -> Declared:
    def off(settings: Settings) -> Off | None:
        if source.robots_forbids and source.key not in settings.news.sources:
            return Off(why=Why.ROBOTS, switch=f"NEWS_SOURCES={source.key}")
        missing = [f"NEWS_{name.upper()}" for name in source.required if not getattr(settings.news, name)]
        return Off(why=Why.UNSET, switch=", ".join(missing)) if missing else None

    async def probe(services: Services) -> object:
        return await crawl(services, source)

    async def searches(services: Services, conn: AsyncConnection) -> Quota:
        used = await calls_today(conn, at=services.clock.now())
        return Quota(used=used, limit=services.settings.news.naver_daily_calls)

    search = source.key == "naver_search"
    return Declared(
        key=source.key,
        family=Family.NEWS,
        component=source.key,
        off=off,
        probe=None if search else probe,  # what is searched for, and how often, is for its job to share out
        quota=searches if search else None,
        version=source.version,
        again=_again(source),
    )


def _again(source: Source) -> Callable[[Services, str, datetime], Awaitable[int]]:
    before, after = ENVELOPES[source.key]

    async def again(services: Services, raw: str, at: datetime) -> int:
        parsed = await asyncio.to_thread(source.parse, f"{before}{raw}{after}".encode(), at=at)
        if not parsed.headlines:
            raise Malformed(parsed.rejected[0].reason if parsed.rejected else "nothing that is wanted")
        return await store_again(services, source, parsed.headlines, at=at)

    return again


def _pages(site: PageSite) -> Declared:
    def off(settings: Settings) -> Off | None:
        if site.by_name_only and site.key not in settings.news.sources:
            return Off(why=Why.UNDECIDED, switch=f"NEWS_SOURCES={site.key}")
        listing = [source.key for source in SOURCES.values() if source.page is site]
        if not any(SOURCES[key].enabled(settings) for key in listing):
            return Off(why=Why.UNSET, switch=" | ".join(listing))
        return None

    component = next(source.key for source in SOURCES.values() if source.page is site)
    return Declared(key=site.key, family=Family.PAGES, component=component, off=off, version=site.version)


def _kis_key(settings: Settings) -> Off | None:
    both = settings.kis.app_key and settings.kis.app_secret
    return None if both else Off(why=Why.UNSET, switch="KIS_APP_KEY, KIS_APP_SECRET")


async def _ask_quote(services: Services) -> None:
    await ask_source(services, QUOTES, lambda: services.kis.quote(_LARGEST))
    async with services.db.begin() as conn:
        await record_success(conn, QUOTES, items=1, at=services.clock.now(), services=services)


def _kis(key: str) -> Declared:
    probe = _ask_quote if key == QUOTES else None
    return Declared(key=key, family=Family.MARKET, component="kis", off=_kis_key, probe=probe)


def _provider(name: str) -> Declared:
    def off(settings: Settings) -> Off | None:
        key = getattr(settings, name).api_key
        return None if key else Off(why=Why.UNSET, switch=f"{name.upper()}_API_KEY")

    async def probe(services: Services) -> object:
        return await services.llm.probe(name)

    return Declared(key=name, family=Family.MODELS, component=name, off=off, probe=probe, quota=_budget, in_ledger=True)


async def _budget(services: Services, conn: AsyncConnection) -> Quota:
    used = await spent(conn, at=services.clock.now())
    return Quota(used=round(used.today * 100), limit=round(services.settings.llm.daily_budget_usd * 100), cents=True)


_TABLE: Final = (
    *(_news(source) for source in SOURCES.values()),
    *(_pages(site) for site in PAGE_SITES.values()),
    *DISCLOSURES,
    Declared(key=MASTER, family=Family.STOCKS, component=MASTER, off=lambda _settings: None, probe=refresh_stocks),
    *(_kis(key) for key in KIS),
    *(_provider(name) for name in PROVIDERS),
)

DECLARED: Final[Mapping[str, Declared]] = MappingProxyType({each.key: each for each in _TABLE})
"""Every source by key, in the order they are shown."""
