"""The news sources, declared. Adding one is a value here, a parser and a recorded page.

Politeness (one call at a time and a pause between calls of a host) is the fetcher's; circuits are `core.sources`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from core.clock import kst_date
from core.news.article import ArticlePage, Parsed
from core.news.identity import article_path
from core.news.parsers import naver_lists, naver_page
from core.settings import NewsSettings, Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One page of a list to fetch. `tag` is the stock whose own list it is."""

    url: str
    params: Mapping[str, str]
    tag: str | None = None

    def __str__(self) -> str:
        return " ".join([self.url.split("://")[-1], *(f"{name}={value}" for name, value in self.params.items())])


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
class Source:
    """A source of news: where its lists and pages are, and how they are read.

    `listings` are the pages to fetch at a moment, for a source with a list a stock those of the given codes.
    `page_key` is what the pages are called among the sources, as they stand on a host of their own.
    `required` names settings that must not be empty. A source that `robots_forbids` (the reason) is off until its key
    stands in the setting `news.sources`.
    """

    key: str
    listings: Callable[[NewsSettings, datetime, Sequence[str]], Sequence[Listing]]
    parse: ListParser
    page_key: str
    page_url: Callable[[NewsSettings, str], str]
    parse_page: PageParser
    version: int
    headers: Mapping[str, str]
    required: tuple[str, ...] = ()
    robots_forbids: str | None = None

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


def _naver_page(news: NewsSettings, canonical_id: str) -> str:
    return news.naver_article_url.rstrip("/") + article_path(canonical_id)


def _naver(
    key: str,
    listings: Callable[[NewsSettings, datetime, Sequence[str]], Sequence[Listing]],
    parse: ListParser,
    address: str,
) -> Source:
    return Source(
        key=key,
        listings=listings,
        parse=parse,
        page_key="naver_page",
        page_url=_naver_page,
        parse_page=naver_page.parse_page,
        version=naver_lists.VERSION,
        required=(address, "naver_article_url"),
        robots_forbids="robots.txt of the site says Disallow: / and its terms forbid automated collection",
        headers={"Referer": "https://stock.naver.com/"},
    )


_SOURCES = (
    _naver("naver_main", _market, naver_lists.parse_articles, "naver_stock_url"),
    _naver("naver_focus", _topics, naver_lists.parse_articles, "naver_stock_url"),
    _naver("naver_stock", _of_stocks, naver_lists.parse_clusters, "naver_mobile_url"),
)

SOURCES: Final[Mapping[str, Source]] = MappingProxyType({source.key: source for source in _SOURCES})
"""Every source by key, in the order they are read: lists of the market first, so that their titles are kept."""
