"""RSS 2.0 and the news sitemap: XML from outside, read without entities, tolerant of what is broken in the middle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from lxml import etree

from core.errors import Malformed
from core.news.article import Headline, Parsed, Rejected
from core.news.parsers.text import decoded

_MOST_TAGS: Final = 50_000
_LONGEST_RAW: Final = 8_000
_PROLOG: Final = re.compile(r"\A\s*<\?xml[^>]*\?>", re.IGNORECASE)
_ROOTS: Final = {"rss": "</rss>", "urlset": "</urlset>"}

Row = Callable[[Any], Headline | None]
"""Reads one item; None for one that is not wanted, `Malformed` for one that cannot be used."""


def read_items(body: bytes, item: str, row: Row, *, encoding: str = "utf-8") -> Parsed:
    """The items of a feed, each article once; raises `Malformed` if it is no feed or has no usable item.

    A feed that breaks off gives the items before the break and a rejected row that says so.
    """
    text = _PROLOG.sub("", decoded(body, encoding).replace("\x00", "")).strip()
    root = _root(text)
    headlines: dict[str, Headline] = {}
    rejected: list[Rejected] = []
    items = list(root.iter("{*}" + item))
    if not text.rstrip().endswith(_ROOTS[_name(root)]):
        rejected.append(Rejected(reason="the feed breaks off", raw=text[-200:]))
        items = items[:-1]
    for each in items:
        try:
            headline = row(each)
        except Malformed as error:
            rejected.append(Rejected(reason=str(error), raw=_raw(each)))
        else:
            if headline is not None:
                headlines.setdefault(headline.canonical_id, headline)
    if rejected and not headlines:
        raise Malformed(f"no usable item of {len(items)}: {rejected[0].reason}")
    return Parsed(headlines=tuple(headlines.values()), rejected=tuple(rejected))


def _root(text: str) -> Any:
    if not 0 < text.count("<") <= _MOST_TAGS:
        raise Malformed("not a feed, or one far too long")
    if "<!ENTITY" in text[:20_000].upper():
        raise Malformed("a feed that defines entities")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        raise Malformed("not XML") from None
    if root is None or _name(root) not in _ROOTS:
        raise Malformed("a web page in place of a feed" if "<html" in text[:2_000].lower() else "not a feed")
    return root


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def text_of(item: Any, name: str) -> str:
    """The text of the first child of that name, whatever its namespace; empty where there is none."""
    found = next(_children(item, name), None)
    return "" if found is None else "".join(found.itertext()).strip()


def _children(item: Any, name: str) -> Iterator[Any]:
    return (child for child in item.iter("{*}" + name) if child is not item)


def _raw(item: Any) -> str:
    return etree.tostring(item, encoding="unicode", with_tail=False)[:_LONGEST_RAW]  # type: ignore[no-any-return]
