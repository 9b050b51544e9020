"""Maeil (매일경제, MK): the RSS feeds `www.mk.co.kr/rss/{n}/`, the news sitemap and the article page. UTF-8.

The time of a feed's item comes as `+0900` and as `+09:00`. The same number names an article whatever the section.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from core.errors import Malformed
from core.news.article import ArticlePage, Headline, Parsed
from core.news.identity import mk_id
from core.news.parsers.feed import read_items, text_of
from core.news.parsers.page import Layout, read_page
from core.news.parsers.text import LONGEST_SUMMARY, LONGEST_TITLE, instant, plain

VERSION: Final = 1
PAGE_VERSION: Final = 1
PRESS: Final = "매일경제"
_TRANSLATED: Final = ("/en/", "/cn/", "/jp/")

_LAYOUT: Final = Layout(
    bodies=(".news_cnt_detail_wrap", ".articleBody", ".article_body", "#article_body"),
    titles=(".news_ttl", ".top_title", "og:title"),
    title_ends=" - 매일경제",
    published=("article:published_time", ".lasttime"),
    edited=("article:modified_time",),
    not_body=frozenset({"mid_title", "midtitle_text", "thumb_area", "ad_wrap", "ad_contents", "caption", "thumb"}),
    begins=(b'itemprop="articleBody"', b'class="article_body"', b'id="article_body"'),
    ends=(b'class="ad_contents"', b'class="reaction_btn_wrap"', b'id="comment-area"'),
    press=PRESS,
)


def parse_feed(body: bytes, *, at: datetime) -> Parsed:
    """The items of a feed read at `at`; raises `Malformed` if it is no such feed."""

    def row(item: Any) -> Headline | None:
        return _headline(
            text_of(item, "link"), text_of(item, "title"), text_of(item, "description"), text_of(item, "pubDate"), at
        )

    return read_items(body, "item", row)


def parse_sitemap(body: bytes, *, at: datetime) -> Parsed:
    """The articles of the news sitemap read at `at`; raises `Malformed` if it is no such sitemap."""

    def row(item: Any) -> Headline | None:
        return _headline(text_of(item, "loc"), text_of(item, "title"), "", text_of(item, "publication_date"), at)

    return read_items(body, "url", row)


def parse_page(body: bytes, *, at: datetime) -> ArticlePage:
    """What the page read at `at` holds; raises `Malformed` where it has no text of an article."""
    return read_page(body, _LAYOUT, at=at)


def _headline(link: str, title: str, summary: str, published: str, at: datetime) -> Headline | None:
    link = "".join(link.split())
    if _path(link).startswith(_TRANSLATED):
        return None
    known_as, headline = mk_id(link), plain(title, LONGEST_TITLE)
    if known_as is None:
        raise Malformed(f"not the address of an article: {link[:80]!r}")
    if not headline:
        raise Malformed("no title")
    return Headline(
        canonical_id=known_as,
        title=headline,
        summary=plain(summary, LONGEST_SUMMARY),
        press=PRESS,
        published_at=instant(published, at=at),
        url=f"https://www.mk.co.kr{_path(link)}",
    )


def _path(link: str) -> str:
    try:
        return urlsplit(link).path
    except ValueError:
        return ""
