"""The article page of n.news.naver.com (`/mnews/article/{office}/{article}`), UTF-8 HTML, times in Seoul's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from bs4 import BeautifulSoup, ParserRejectedMarkup, Tag
from bs4.element import NavigableString

from core.errors import Malformed
from core.news.article import ArticlePage
from core.news.identity import normalised_url
from core.news.parsers.text import LONGEST_BODY, LONGEST_PRESS, LONGEST_TITLE, kst_time, plain

VERSION = 1

# Each: the present place first, then where older pages have it.
_BODIES = ("#dic_area", "#newsct_article", "#articeBody", "#articleBodyContents")
_TITLES = ("#title_area", "h2.media_end_head_headline", 'meta[property="og:title"]', "#articleTitle")
_PRESSES = ('meta[property="og:article:author"]', ".media_end_head_top_logo img[alt]")
_PUBLISHED = ("._ARTICLE_DATE_TIME[data-date-time]", ".article_info .sponsor .t11")
_EDITED = ("._ARTICLE_MODIFY_DATE_TIME[data-modify-date-time]",)
_ORIGINAL = "a.media_end_head_origin_link[href]"
_NOT_BODY = (
    "script, style, noscript, iframe, .end_photo_org, em.img_desc, strong.media_end_summary, .ab_sub_heading, "
    ".ad_area, .vod_area, ._VOD_PLAYER_WRAP"
)
_BLOCKS = frozenset({"br", "p", "div", "li", "tr", "h2", "h3", "h4"})
_BREAK = "\x1f"
_LONGEST_URL = 1_000
_MOST_TAGS = 10_000  # about three times what the page has; two megabytes of nothing but tags would take a minute


def parse_page(body: bytes, *, at: datetime) -> ArticlePage:
    """What the page read at `at` holds; raises `Malformed` where it has no text of an article."""
    markup = body.decode("utf-8", "replace").replace("\x00", "")
    if not 0 < markup.count("<") <= _MOST_TAGS:
        raise Malformed("not a web page, or one with far more markup than an article has")
    try:
        # A processing instruction would have the parser warn that this may be XML.
        page = BeautifulSoup(markup.replace("<?", "&lt;?"), "lxml")
    except ParserRejectedMarkup as error:
        raise Malformed("not a web page") from error
    text = _text(page)
    if not text:
        raise Malformed("a page without the text of an article")
    return ArticlePage(
        body=text,
        title=plain(_first(page, _TITLES), LONGEST_TITLE),
        press=plain(_first(page, _PRESSES).split("|")[0], LONGEST_PRESS),
        published_at=_time(_first(page, _PUBLISHED), at),
        edited_at=_time(_first(page, _EDITED), at),
        original_url=_original(page),
    )


def _text(page: BeautifulSoup) -> str:
    """The paragraphs of the article, one a line, at most `LONGEST_BODY` characters."""
    area = next((found for place in _BODIES if (found := page.select_one(place))), None)
    if area is None:
        return ""
    for other in area.select(_NOT_BODY):
        other.decompose()
    lines = (plain(part, LONGEST_BODY) for part in "".join(_pieces(area)).split(_BREAK))
    return "\n".join(line for line in lines if line)[:LONGEST_BODY].rstrip()


def _pieces(area: Tag) -> Iterator[str]:
    """The text in its order, with a break at both ends of every block; in one walk, however deep the nesting."""
    for node in area.descendants:
        before = node.previous_sibling
        if getattr(node, "name", None) in _BLOCKS or getattr(before, "name", None) in _BLOCKS:
            yield _BREAK
        if type(node) is NavigableString:
            yield node


def _first(page: BeautifulSoup, places: Iterable[str]) -> str:
    """What stands at the first place that has something: an attribute where the tag keeps it there, else its text."""
    for place in places:
        tag = page.select_one(place)
        if tag is not None and (value := _value(tag).strip()):
            return value
    return ""


def _value(tag: Tag) -> str:
    for attribute in ("content", "alt", "data-date-time", "data-modify-date-time"):
        if attribute in tag.attrs:
            return str(tag[attribute])
    return tag.get_text(" ")


def _time(text: str, at: datetime) -> datetime | None:
    try:
        return kst_time(text, at=at)
    except Malformed:
        return None


def _original(page: BeautifulSoup) -> str | None:
    link = page.select_one(_ORIGINAL)
    url = str(link["href"]).strip() if link is not None else ""
    return url if len(url) <= _LONGEST_URL and normalised_url(url) else None
