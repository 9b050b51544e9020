"""The article page of n.news.naver.com (`/mnews/article/{office}/{article}`), UTF-8 HTML, times in Seoul's."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.news.article import ArticlePage
from core.news.parsers.page import Layout, read_page

VERSION: Final = 2

# Each: the present place first, then where older pages have it.
_LAYOUT: Final = Layout(
    bodies=("#dic_area", "#newsct_article", "#articeBody", "#articleBodyContents"),
    titles=("#title_area", ".media_end_head_headline", "og:title", "#articleTitle"),
    presses=("og:article:author",),
    published=("._ARTICLE_DATE_TIME", ".t11"),
    edited=("._ARTICLE_MODIFY_DATE_TIME",),
    original=(".media_end_head_origin_link",),
    not_body=frozenset(
        {
            "end_photo_org",
            "img_desc",
            "media_end_summary",
            "ab_sub_heading",
            "ad_area",
            "vod_area",
            "_VOD_PLAYER_WRAP",
        }
    ),
    begins=(b'id="dic_area"',),
    ends=(b'class="byline"', b'class="copyright"', b'class="media_end_copyright"'),
)


def parse_page(body: bytes, *, at: datetime) -> ArticlePage:
    """What the page read at `at` holds; raises `Malformed` where it has no text of an article."""
    return read_page(body, _LAYOUT, at=at)
