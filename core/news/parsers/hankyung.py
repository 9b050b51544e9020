"""Hankyung (한국경제): the RSS feeds of `www.hankyung.com/feed/{section}` and the article page. UTF-8.

An item has a title, a link (which may hold spaces), an author and a time, and neither an id nor a summary.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from core.errors import Malformed
from core.news.article import ArticlePage, Headline, Parsed
from core.news.identity import hankyung_id
from core.news.parsers.feed import read_items, text_of
from core.news.parsers.page import Layout, read_page
from core.news.parsers.text import LONGEST_TITLE, instant, plain

VERSION: Final = 1
PAGE_VERSION: Final = 1
PRESS: Final = "한국경제"

_LAYOUT: Final = Layout(
    bodies=("#articletxt", ".article-body", ".articleBody", "#newsView"),
    titles=(".headline", "og:title", ".title"),
    published=(".txt-date", "article:published_time", ".num"),
    edited=("article:modified_time",),
    not_body=frozenset(
        {"figure", "article-figure", "ad-area-wrap", "ad_wrap", "news_sbj_h", "related-news", "subtitle"}
    ),
    begins=(b'id="articletxt"',),
    ends=(b'class="article-copyright"', b'class="article-related"', b'class="copyright"'),
    press=PRESS,
    whole=300,
    paywall=("한경 프리미엄9",),
)


def parse_feed(body: bytes, *, at: datetime) -> Parsed:
    """The items of a feed read at `at`; raises `Malformed` if it is no such feed."""

    def row(item: Any) -> Headline:
        link = "".join(text_of(item, "link").split())
        known_as, title = hankyung_id(link), plain(text_of(item, "title"), LONGEST_TITLE)
        if known_as is None:
            raise Malformed(f"not the address of an article: {link[:80]!r}")
        if not title:
            raise Malformed("no title")
        return Headline(
            canonical_id=known_as,
            title=title,
            summary="",
            press=PRESS,
            published_at=instant(text_of(item, "pubDate"), at=at),
            url=f"https://www.hankyung.com/article/{known_as.partition(':')[2]}",
        )

    return read_items(body, "item", row)


def parse_page(body: bytes, *, at: datetime) -> ArticlePage:
    """What the page read at `at` holds; raises `Malformed` where it has no text of an article."""
    return read_page(body, _LAYOUT, at=at)
