"""Text and times as outside lists write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Final

from core.clock import KST
from core.errors import Malformed

LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 1_000
LONGEST_BODY: Final = 20_000
LONGEST_PRESS: Final = 60
MOST_AHEAD: Final = timedelta(minutes=10)
"""How far ahead of our clock a publication time is believed."""

_BOLD: Final = re.compile(r"</?b>", re.IGNORECASE)
_TIME: Final = re.compile(r"(20[0-9]{2})[-.]?([0-9]{2})[-.]?([0-9]{2})\.?[ T]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?")
_COLON: Final = re.compile(r"([+-][0-9]{2}):([0-9]{2})$")
_MOST_UNREADABLE: Final = 5
_SPACES: Final = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")


def plain(text: str, longest: int, *, resolve: int = 2) -> str:
    """One line of at most `longest` characters: no `<b>`, entities resolved (twice, or as often as the source writes
    them), no invisible characters.

    Control characters, zero-width ones and those that turn the direction of writing are left out. Other markup
    stays as the text it is.
    """
    text = _BOLD.sub("", text[: 8 * longest])
    for _ in range(resolve):
        if "&" not in text:
            break
        text = unescape(text)
    line = " ".join(text.split())
    if not line.isprintable():
        line = _visible(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _visible(text: str) -> str:
    """One line of what can be seen of `text`."""
    visible = "".join(" " if char in _SPACES else char for char in text if char in _SPACES or not _invisible(char))
    return " ".join(visible.split())


def _invisible(char: str) -> bool:
    return not " " <= char <= "~" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"}


def kst_time(text: str, *, at: datetime) -> datetime:
    """The UTC instant of a time of Seoul: 20261009063000, 202610090630, 2026-10-09 06:30:00, 2026.10.09 06:30.

    Raises `Malformed` for anything else, and for a time more than ten minutes after `at`.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Malformed(f"not a time: {text[:40]!r}")
    try:
        moment = datetime(*(int(part or 0) for part in found.groups()), tzinfo=KST).astimezone(UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise Malformed(f"not a time: {text[:40]!r}") from None
    if moment > at + MOST_AHEAD:
        raise Malformed(f"in the future: {text[:40]!r}")
    return moment


def instant(text: str, *, at: datetime) -> datetime:
    """The UTC instant of a time as feeds and pages write it: RFC 822, ISO 8601, or one of `kst_time`.

    Without an offset it is Seoul's. Python takes RFC 822's `+09:00` for no offset at all, so the colon goes first.
    Raises `Malformed` as `kst_time` does.
    """
    written = text.strip()[:60]
    if _TIME.fullmatch(written):
        return kst_time(written, at=at)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = _rfc822(written)
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=KST)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"not a time: {written[:40]!r}") from None
    if not 2000 <= moment.year < 2100:
        raise Malformed(f"not a time of ours: {written[:40]!r}")
    if moment > at + MOST_AHEAD:
        raise Malformed(f"in the future: {written[:40]!r}")
    return moment


def _rfc822(written: str) -> datetime:
    try:
        moment = parsedate_to_datetime(_COLON.sub(r"\1\2", written))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Malformed(f"not a time: {written[:40]!r}") from None
    # `-0000` is UTC of an unknown zone, and comes out naive as a time without any offset does.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None and written.endswith("-0000") else moment


def decoded(body: bytes, encoding: str) -> str:
    """The text of a reply whose encoding its source declares; a few unreadable letters are let pass.

    Raises `Malformed` for a reply that is empty or plainly in another encoding.
    """
    if not body.strip():
        raise Malformed("an empty reply")
    text = body.decode(encoding, "replace")
    if text.count("\ufffd") > _MOST_UNREADABLE + len(text) // 5_000:
        raise Malformed(f"not {encoding}")
    return text
