"""Article pages: one reader for every press, told by a `Layout` where a page keeps what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from core.errors import Malformed
from core.news.article import ArticlePage
from core.news.identity import normalised_url
from core.news.parsers.text import LONGEST_BODY, LONGEST_PRESS, LONGEST_TITLE, decoded, instant, plain

Places = tuple[str, ...]
"""Where something may stand, the best first: `#id`, `.class`, or the name of a `meta` (`og:title`)."""

_SKIPPED = frozenset({"script", "style", "noscript", "iframe", "template", "svg", "button", "figcaption", "select"})
_BLOCKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "section", "article", "figure", "td"})
_BREAK = "\x1f"
_LONGEST_URL = 1_000
_MOST_TAGS = 10_000  # about three times what a page has; two megabytes of nothing but tags would take a minute
_AHEAD = 8_000
"""Bytes before the body that are read: headline and times stand there, menus before them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the pages of one press keep what.

    `not_body` are classes of blocks inside the body that are no text of the article. `begins` are pieces of markup at
    which the body begins, and `ends` such as come after it: what lies far outside is not read, which saves most of
    the work. A body shorter than `whole` characters, or one that has a `paywall` phrase, is only a lead.
    """

    bodies: Places
    titles: Places
    published: Places
    edited: Places = ()
    presses: Places = ()
    original: Places = ()
    not_body: frozenset[str] = frozenset()
    begins: tuple[bytes, ...] = ()
    ends: tuple[bytes, ...] = ()
    press: str = ""
    title_ends: str = ""
    encoding: str = "utf-8"
    whole: int = 0
    paywall: tuple[str, ...] = ()


def read_page(body: bytes, layout: Layout, *, at: datetime) -> ArticlePage:
    """What the page read at `at` holds; raises `Malformed` where it has no text of an article."""
    if not 0 < body.count(b"<") <= _MOST_TAGS:
        raise Malformed("not a web page, or one with far more markup than an article has")
    found = _places(_tree(decoded(_near_body(body, layout), layout.encoding).replace("\x00", "")))
    area = next((found[place] for place in layout.bodies if place in found), None)
    text = "" if area is None else _text(area, layout.not_body)
    if not text:
        raise Malformed("a page without the text of an article")
    return ArticlePage(
        body=text,
        title=plain(_first(found, layout.titles), LONGEST_TITLE).removesuffix(layout.title_ends),
        press=plain(_first(found, layout.presses).split("|")[0], LONGEST_PRESS) or layout.press,
        published_at=_time(_first(found, layout.published), at),
        edited_at=_time(_first(found, layout.edited), at),
        original_url=_address(_first(found, layout.original)),
        partial=len(text) < layout.whole or any(phrase in text for phrase in layout.paywall),
    )


def _near_body(body: bytes, layout: Layout) -> bytes:
    """The head of the page and what is around the body; all of it where no mark is found."""
    start = next((place for mark in layout.begins if (place := body.find(mark)) >= 0), -1)
    if start < 0:
        return body
    stop = len(body)
    for mark in layout.ends:
        place = body.find(mark, start, stop)
        stop = place if place >= 0 else stop
    head = max(body.find(b"</head>", 0, start), 0)
    before = max(head, body.find(b"<", max(0, start - _AHEAD), start))
    return body[:head] + body[before:stop]


def _tree(markup: str) -> Any:
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        # A lone surrogate cannot come out of `decoded`; a page of comments alone has no root.
        tree = etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        raise Malformed("not a web page") from None
    if tree is None:
        raise Malformed("not a web page")
    return tree


def _places(tree: Any) -> Mapping[str, Any]:
    """The first element at every place."""
    found: dict[str, Any] = {}
    for element in tree.iter(etree.Element):
        get = element.attrib.get
        if (name := get("id")) is not None:
            found.setdefault(f"#{name}", element)
        if (classes := get("class")) is not None:
            for name in classes.split():
                found.setdefault(f".{name}", element)
        if element.tag == "meta" and (name := get("property") or get("name")):
            found.setdefault(name, element)
        elif (name := get("itemprop")) is not None:
            found.setdefault(f".{name}", element)
    return found


def _text(area: Any, not_body: frozenset[str]) -> str:
    """The paragraphs of the article, one a line, at most `LONGEST_BODY` characters."""
    lines = (plain(part, LONGEST_BODY) for part in "".join(_pieces(area, not_body)).split(_BREAK))
    return "\n".join(line for line in lines if line)[:LONGEST_BODY].rstrip()


def _pieces(area: Any, not_body: frozenset[str]) -> Iterator[str]:
    """The text in its order, with a break at both ends of every block; in one walk, however deep the nesting."""
    walk = etree.iterwalk(area, events=("start", "end"))
    for event, element in walk:
        if event == "start":
            if element.tag in _BLOCKS:
                yield _BREAK
            if element is not area and (element.tag in _SKIPPED or not_body.intersection(_classes(element))):
                walk.skip_subtree()
            elif element.text:
                yield element.text
        else:
            if element.tag in _BLOCKS:
                yield _BREAK
            if element.tail and element is not area:
                yield element.tail


def _classes(element: Any) -> Iterable[str]:
    return (element.get("class") or "").split()


def _first(found: Mapping[str, Any], places: Iterable[str]) -> str:
    """What stands at the first place that has something: an attribute where the tag keeps it there, else its text."""
    for place in places:
        if (element := found.get(place)) is not None and (value := _value(element).strip()):
            return value
    return ""


def _value(element: Any) -> str:
    for attribute in ("content", "data-date-time", "data-modify-date-time", "datetime", "href"):
        if (value := element.get(attribute)) is not None:
            return str(value)
    return " ".join(element.itertext())


def _time(text: str, at: datetime) -> datetime | None:
    try:
        return instant(text, at=at)
    except Malformed:
        return None


def _address(url: str) -> str | None:
    return url if len(url) <= _LONGEST_URL and normalised_url(url) else None
