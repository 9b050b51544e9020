"""Text, days and times as DART writes them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Final

from core.clock import kst
from core.disclosures.filing import RECEIPT, Division
from core.errors import Malformed
from core.stocks.stock import CODE

LONGEST_NAME: Final = 300
LONGEST_COMPANY: Final = 100
MOST_AHEAD: Final = timedelta(minutes=10)
"""How far ahead of our clock a filing time is believed."""

_DAY: Final = re.compile(r"(20[0-9]{2})[.-]?([0-9]{2})[.-]?([0-9]{2})")
_TIME: Final = re.compile(r"([0-9]{2}):([0-9]{2})")
_CORP: Final = re.compile(r"[0-9]{8}")
_RUN: Final = re.compile(" {2,}")
_MOST_UNREADABLE: Final = 5


def line(value: object, longest: int = LONGEST_COMPANY) -> str:
    """One line of plain text; anything but text is none. Control and invisible characters are left out."""
    return " ".join(spaced(value, longest).split())


def spaced(value: object, longest: int = LONGEST_NAME) -> str:
    """The same with runs of spaces kept as two: in a report name they part the filer's free text from the name."""
    if not isinstance(value, str):
        return ""
    text = unescape(value[: 4 * longest]) if "&" in value else value[: 4 * longest]
    kept = (" " if char.isspace() else char for char in text if char.isspace() or not _invisible(char))
    shown = _RUN.sub("  ", unicodedata.normalize("NFC", "".join(kept)).strip())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _invisible(char: str) -> bool:
    return not " " <= char <= "~" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _beginning(value: object) -> str:
    """How a value begins, for a person to read; of anything but text only what it is, as it may be nested deeply."""
    return repr(value[:40]) if isinstance(value, str) else type(value).__name__


def receipt(value: object) -> str:
    """A receipt number; raises `Malformed` for anything else."""
    if not isinstance(value, str) or not RECEIPT.fullmatch(value.strip()):
        raise Malformed(f"not a receipt number: {_beginning(value)}")
    return value.strip()


def corp_code(value: object) -> str:
    """The eight digits of a company; raises `Malformed` for anything else."""
    if not isinstance(value, str) or not _CORP.fullmatch(value.strip()):
        raise Malformed(f"not a company number: {_beginning(value)}")
    return value.strip()


def stock_code(value: object) -> str | None:
    """A stock code, None where there is none; raises `Malformed` for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return None
    if not CODE.fullmatch(text):
        raise Malformed(f"not a stock code: {text[:40]!r}")
    return text


def division(value: object) -> Division | None:
    """The board, None for a letter nobody knows."""
    return Division(value) if isinstance(value, str) and value in set(Division) else None


def day(value: object, *, at: datetime) -> date:
    """A day: 20260814, 2026.08.14, 2026-08-14; raises `Malformed` for anything else and for one after tomorrow."""
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise Malformed(f"not a day: {_beginning(value)}")
    try:
        shown = date(*map(int, found.groups()))
    except ValueError:
        raise Malformed(f"not a day: {_beginning(value)}") from None
    if kst(shown) > at + timedelta(days=1):
        raise Malformed(f"in the future: {shown}")
    return shown


def minute(on: date, value: str, *, at: datetime) -> datetime:
    """The UTC instant of a time of day in Seoul, `16:44`; raises `Malformed`."""
    found = _TIME.fullmatch(value.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise Malformed(f"not a time: {value[:40]!r}")
    return past(kst(on, time(int(found[1]), int(found[2]))), at=at)


def past(moment: datetime, *, at: datetime) -> datetime:
    """The aware instant in UTC, if it is of this century and no more than ten minutes ahead; raises `Malformed`."""
    try:
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed("not a time of ours") from None
    if not 2000 <= moment.year < 2100:
        raise Malformed(f"not a time of ours: {moment.year}")
    if moment > at + MOST_AHEAD:
        raise Malformed(f"in the future: {moment:%Y-%m-%d %H:%M}")
    return moment


def decoded(body: bytes) -> str:
    """UTF-8, or cp949 where it is not: some pages and old files are, whatever they say of themselves.

    Raises `Malformed` for a reply that is empty or plainly neither.
    """
    if not body.strip():
        raise Malformed("an empty reply")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp949", "replace")
    if text.count("\ufffd") > _MOST_UNREADABLE + len(text) // 5_000:
        raise Malformed("neither UTF-8 nor cp949")
    return text
