"""Text and times as outside lists write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
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
_SPACES: Final = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")


def plain(text: str, longest: int) -> str:
    """One line of at most `longest` characters: no `<b>`, entities resolved (twice at most), no invisible characters.

    Control characters, zero-width ones and those that turn the direction of writing are left out. Other markup
    stays as the text it is.
    """
    text = _BOLD.sub("", text[: 8 * longest])
    for _ in range(2):
        if "&" not in text:
            break
        text = unescape(text)
    visible = "".join(" " if char in _SPACES else char for char in text if char in _SPACES or not _invisible(char))
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


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
