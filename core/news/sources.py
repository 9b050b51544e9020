"""The news sources, declared. Adding one is a value here, a parser and a recorded page.

Politeness (one call at a time and a pause between calls of a host) is the fetcher's; circuits are `core.sources`'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import urlsplit

from core.clock import kst_date
from core.news import reddit as reddit_client
from core.news.article import ArticlePage, Headline, Parsed
from core.news.matching import Match
from core.news.parsers import hankyung, mk, naver_lists, naver_page, naver_search, reddit
from core.news.reading import Headers, Listing, Reader, http
from core.settings import NewsSettings, Settings

Listings = Callable[[NewsSettings, datetime, Sequence[str]], Sequence[Listing]]
Kept = Callable[[Headline, Collection[Match]], bool]


class ListParser(Protocol):
    """Reads a list fetched at `at`; raises `Malformed` and nothing else."""

    def __call__(self, body: bytes, *, at: datetime) -> Parsed:
        """The rows of the list."""
        ...


class PageParser(Protocol):
    """Reads an article page fetched at `at`; raises `Malformed` and nothing else."""

    def __call__(self, body: bytes, *, at: datetime) -> ArticlePage:
        """What the page holds."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSite:
    """Where the article pages of a source stand, and how they are read.

    `key` is what they are called among the sources, as they have a host and a state of their own; canonical ids of
    their articles begin with `ids`. Where the terms of
    the site forbid or leave open that they are read by a program (`by_name_only`, the reason), they are not until
    their key stands in the setting `news.sources`.
    """

    key: str
    ids: str
    base: Callable[[NewsSettings], str]
    parse: PageParser
    version: int
    headers: Headers
    by_name_only: str | None = None

    def url(self, news: NewsSettings, address: str) -> str:
        """Where the page of a reader's address is fetched."""
        return self.base(news).rstrip("/") + urlsplit(address).path

    def read(self, settings: Settings) -> bool:
        """Whether these pages are read."""
        return bool(self.base(settings.news)) and (not self.by_name_only or self.key in settings.news.sources)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source of news: where its lists are and how they are read.

    `listings` are the pages to fetch at a moment, for a source with a list a stock those of the given stocks, by code
    or by what they are called there. `job` is the job that reads it. `required` names settings that must not be
    empty. A source that `robots_forbids` (the reason) is off until its key stands in the setting `news.sources`. Of
    what it lists that is stored which `keeps` wants, and its summaries only with `keeps_summary`. A list whose newest
    article is older than `fresh_for` has stood still.
    """

    key: str
    listings: Listings
    parse: ListParser
    version: int
    reader: Reader
    page: PageSite | None = None
    job: str = "crawl_news"
    required: tuple[str, ...] = ()
    robots_forbids: str | None = None
    keeps: Kept = lambda _headline, _matches: True
    keeps_summary: bool = True
    fresh_for: timedelta | None = None

    def off_because(self, settings: Settings) -> str | None:
        """Why this source is off, None when it is on."""
        missing = [name for name in self.required if not getattr(settings.news, name)]
        if missing:
            return f"not set: {', '.join(f'NEWS_{name.upper()}' for name in missing)}"
        if self.robots_forbids and self.key not in settings.news.sources:
            return f"{self.robots_forbids}; NEWS_SOURCES turns it on by name"
        return None

    def enabled(self, settings: Settings) -> bool:
        """Whether this source is read."""
        return self.off_because(settings) is None


ROWS: Final = "20"
"""Rows asked for in one page: what the lists give by themselves. Much larger pages are refused."""
_FORBIDDEN: Final = "robots.txt of the site says Disallow: / and its terms forbid automated collection"
_UNDECIDED: Final = "whether a program may read the pages is for the operator to decide"
_STANDS_STILL: Final = timedelta(days=2)
"""How old the newest article of a list of the whole market may be: on any holiday there is news."""
_SECTIONS: Final = frozenset({"stock", "economy", "business", "realestate", "it"})
"""Sections of Maeil whose stories are kept although they name no issue."""


_KOREAN: Final = re.compile(
    r"\b(?:kospi|kosdaq|ewy|korea[ns]?|samsung|hynix|hyundai|coupang|naver|kakao)\b", re.IGNORECASE
)
"""What a post in English is about that is kept although it names no issue."""


def _nothing(_news: NewsSettings) -> Mapping[str, str]:
    return {}


def _referer(_news: NewsSettings) -> Mapping[str, str]:
    return {"Referer": "https://stock.naver.com/"}


def _market(news: NewsSettings, _at: datetime, _codes: Sequence[str]) -> list[Listing]:
    pages = (("MAINNEWS", 1), ("MAINNEWS", 2), ("FLASHNEWS", 1), ("FLASHNEWS", 2), ("FLASHNEWS", 3))
    url = f"{news.naver_stock_url.rstrip('/')}/api/domestic/news/list"
    return [Listing(url=url, params={"category": name, "page": str(page), "pageSize": ROWS}) for name, page in pages]


def _topics(news: NewsSettings, at: datetime, _codes: Sequence[str]) -> list[Listing]:
    """Market view, companies, overseas, bonds, disclosure memo, currencies: today's, or of the newest day with some."""
    url = f"{news.naver_stock_url.rstrip('/')}/api/domestic/news/focus"
    asked = {
        "page": "1",
        "pageSize": ROWS,
        "date": f"{kst_date(at):%Y%m%d}",
        "enableFallback": "true",
        "maxDays": "3",
    }
    return [Listing(url=url, params={"sid": sid, **asked}) for sid in ("401", "402", "403", "404", "406", "429")]


def _of_stocks(news: NewsSettings, _at: datetime, codes: Sequence[str]) -> list[Listing]:
    base = f"{news.naver_mobile_url.rstrip('/')}/api/news/stock"
    return [Listing(url=f"{base}/{code}", params={"pageSize": ROWS, "page": "1"}, tag=code) for code in codes]


def _hankyung(news: NewsSettings, _at: datetime, _codes: Sequence[str]) -> list[Listing]:
    """Securities, the economy, everything: some fifty items each, so a busy day needs all three."""
    base = f"{news.hankyung_url.rstrip('/')}/feed"
    return [Listing(url=f"{base}/{section}", params={}) for section in ("finance", "economy", "all-news")]


def _mk_feeds(news: NewsSettings, _at: datetime, _codes: Sequence[str]) -> list[Listing]:
    """Securities, business, the economy."""
    base = f"{news.mk_url.rstrip('/')}/rss"
    return [Listing(url=f"{base}/{number}/", params={}) for number in ("50200011", "50100032", "30100041")]


def _mk_sitemap(news: NewsSettings, _at: datetime, _codes: Sequence[str]) -> list[Listing]:
    return [Listing(url=f"{news.mk_url.rstrip('/')}/sitemap/latest-articles/", params={})]


def _searches(news: NewsSettings, _at: datetime, names: Sequence[str]) -> list[Listing]:
    """The newest hits of each name, or of the market's; further back is what an earlier search has seen."""
    path = "/search/v1/news" if news.naver_search_api == "hub" else "/v1/search/news.json"
    asked = {"display": "100", "start": "1", "sort": "date"}
    return [
        Listing(url=news.naver_search_address + path, params={"query": name, **asked}) for name in names or ("코스피",)
    ]


def _search_key(news: NewsSettings) -> Mapping[str, str]:
    key, secret = (
        value.get_secret_value() if value else "" for value in (news.naver_client_id, news.naver_client_secret)
    )
    if news.naver_search_api == "hub":
        return {"X-NCP-APIGW-API-KEY-ID": key, "X-NCP-APIGW-API-KEY": secret}
    return {"X-Naver-Client-Id": key, "X-Naver-Client-Secret": secret}


def _about_a_stock(_headline: Headline, matches: Collection[Match]) -> bool:
    return bool(matches)


def _about_korea(headline: Headline, matches: Collection[Match]) -> bool:
    return bool(matches) or bool(_KOREAN.search(headline.title))


def _of_the_economy(headline: Headline, matches: Collection[Match]) -> bool:
    return bool(matches) or urlsplit(headline.url).path.split("/")[2:3] in [[section] for section in _SECTIONS]


_NAVER_PAGE: Final = PageSite(
    key="naver_page",
    ids="naver:",
    base=lambda news: news.naver_article_url,
    parse=naver_page.parse_page,
    version=naver_page.VERSION,
    headers=_referer,
)
_HANKYUNG_PAGE: Final = PageSite(
    key="hankyung_page",
    ids="hankyung:",
    base=lambda news: news.hankyung_url,
    parse=hankyung.parse_page,
    version=hankyung.PAGE_VERSION,
    headers=_nothing,
    by_name_only=_UNDECIDED,
)
_MK_PAGE: Final = PageSite(
    key="mk_page",
    ids="mk:",
    base=lambda news: news.mk_url,
    parse=mk.parse_page,
    version=mk.PAGE_VERSION,
    headers=_nothing,
    by_name_only=_UNDECIDED,
)


def _naver(
    key: str, listings: Listings, parse: ListParser, address: str, *, fresh_for: timedelta | None = None
) -> Source:
    return Source(
        key=key,
        listings=listings,
        parse=parse,
        version=naver_lists.VERSION,
        reader=http(_referer),
        page=_NAVER_PAGE,
        required=(address, "naver_article_url"),
        robots_forbids=_FORBIDDEN,
        fresh_for=fresh_for,
    )


_SOURCES = (
    _naver("naver_main", _market, naver_lists.parse_articles, "naver_stock_url", fresh_for=_STANDS_STILL),
    _naver("naver_focus", _topics, naver_lists.parse_articles, "naver_stock_url"),
    _naver("naver_stock", _of_stocks, naver_lists.parse_clusters, "naver_mobile_url"),
    Source(
        key="hankyung",
        listings=_hankyung,
        parse=hankyung.parse_feed,
        version=hankyung.VERSION,
        reader=http(_nothing),
        page=_HANKYUNG_PAGE,
        required=("hankyung_url",),
        fresh_for=_STANDS_STILL,
    ),
    Source(
        key="mk",
        listings=_mk_feeds,
        parse=mk.parse_feed,
        version=mk.VERSION,
        reader=http(_nothing),
        page=_MK_PAGE,
        required=("mk_url",),
        fresh_for=_STANDS_STILL,
    ),
    Source(
        key="mk_sitemap",
        listings=_mk_sitemap,
        parse=mk.parse_sitemap,
        version=mk.VERSION,
        reader=http(_nothing),
        page=_MK_PAGE,
        required=("mk_url",),
        fresh_for=_STANDS_STILL,
        keeps=_of_the_economy,
    ),
    Source(
        key="naver_search",
        listings=_searches,
        parse=naver_search.parse_search,
        version=naver_search.VERSION,
        reader=http(_search_key, explain=naver_search.refusal),
        job="search_stock_news",
        required=("naver_client_id", "naver_client_secret"),
        keeps=_about_a_stock,
        # The terms restrict keeping results: a description is matched and forgotten.
        keeps_summary=False,
    ),
    Source(
        key="reddit",
        listings=reddit_client.new_posts,
        parse=reddit.parse_listing,
        version=reddit.VERSION,
        reader=reddit_client.reader,
        required=("reddit_client_id", "reddit_client_secret"),
        keeps=_about_korea,
    ),
)

SOURCES: Final[Mapping[str, Source]] = MappingProxyType({source.key: source for source in _SOURCES})
"""Every source by key, in the order they are read: lists of the market first, so that their titles are kept."""

PAGE_SITES: Final[Mapping[str, PageSite]] = MappingProxyType(
    {site.key: site for source in _SOURCES if (site := source.page) is not None}
)
"""Every site of article pages by key."""
