"""DART's RSS: filings with the minute they came in, in UTC. It names companies, not their numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from lxml import etree

from core.clock import kst_date
from core.disclosures.filing import Division, Filing, Listed, Rejected
from core.disclosures.parsers.text import decoded, line, past, receipt, spaced
from core.errors import Malformed

VERSION: Final = 1

_BOARDS: Final = {
    "유가": Division.KOSPI,
    "코스닥": Division.KOSDAQ,
    "코넥스": Division.KONEX,
    "기타": Division.OTHER,
}
_TITLE: Final = re.compile(r"\s*\((?P<board>[가-힣]{2,4})\)\s*(?P<company>.+?)\s+-\s+(?P<name>\S.*)", re.DOTALL)
_RECEIPT: Final = re.compile(r"rcpNo=([0-9]{14})(?![0-9])")
_PROLOG: Final = re.compile(r"\A\s*<\?xml[^>]*\?>", re.IGNORECASE)
_MOST_TAGS: Final = 100_000
_LONGEST_RAW: Final = 1_000


def parse_feed(body: bytes, *, at: datetime) -> Listed:
    """The items of a feed fetched at `at`; none is no error. Raises `Malformed` if it is no feed or none can be used.

    A feed that breaks off gives the items before the break and a rejected row that says so.
    """
    text = _PROLOG.sub("", decoded(body).replace("\x00", "")).strip()
    root = _root(text)
    items = list(root.iter("{*}item"))
    filings: dict[str, Filing] = {}
    rejected: list[Rejected] = []
    if not text.endswith("</rss>"):
        rejected.append(Rejected(reason="the feed breaks off", raw=text[-200:]))
        items = items[:-1]
    for item in items:
        try:
            filing = _filing(item, at=at)
        except Malformed as error:
            raw = etree.tostring(item, encoding="unicode", with_tail=False)[:_LONGEST_RAW]
            rejected.append(Rejected(reason=str(error), raw=raw))
        else:
            filings.setdefault(filing.receipt, filing)
    if rejected and not filings:
        raise Malformed(f"no usable item of {len(items)}: {rejected[0].reason}")
    return Listed(filings=tuple(filings.values()), rejected=tuple(rejected), total=len(filings), pages=1)


def _root(text: str) -> Any:
    if not 0 < text.count("<") <= _MOST_TAGS or "<!ENTITY" in text[:20_000].upper():
        raise Malformed("not a feed, or one that no reader should open")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        raise Malformed("not XML") from None
    if root is None or not isinstance(root.tag, str) or root.tag.rpartition("}")[2] != "rss":
        raise Malformed("not a feed")
    return root


def _filing(item: Any, *, at: datetime) -> Filing:
    title = _TITLE.fullmatch(spaced(_text(item, "title"), 400))
    if title is None:
        raise Malformed(f"not a title: {line(_text(item, 'title'), 60)!r}")
    link = _RECEIPT.search(_text(item, "guid")) or _RECEIPT.search(_text(item, "link"))
    if link is None:
        raise Malformed("an item without a receipt number")
    filed_at = _moment(_text(item, "date") or _text(item, "pubDate"), at=at)
    return Filing(
        receipt=receipt(link[1]),
        company=line(title["company"]),
        name=spaced(title["name"]),
        filer=line(_text(item, "creator")),
        filed_on=kst_date(filed_at),
        division=_BOARDS.get(title["board"]),
        filed_at=filed_at,
    )


def _text(item: Any, name: str) -> str:
    found = next((child for child in item.iter("{*}" + name) if child is not item), None)
    return "" if found is None else "".join(found.itertext()).strip()


def _moment(written: str, *, at: datetime) -> datetime:
    """`2026-08-26T06:02:00Z` or `Wed, 26 Aug 2026 06:02:00 GMT`: UTC, and where no zone is said UTC as well."""
    written = written.strip()[:60]
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        try:
            moment = parsedate_to_datetime(written)
        except (ValueError, TypeError, IndexError, OverflowError):
            raise Malformed(f"not a time: {written[:40]!r}") from None
    return past(moment if moment.tzinfo else moment.replace(tzinfo=UTC), at=at)
