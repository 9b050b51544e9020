"""Values of KIS rows: every one is text, and blank where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

import orjson

from core.clock import KST
from core.errors import Malformed

T = TypeVar("T")
Row = Mapping[str, Any]

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.0+)?")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,8})?")
_DAY: Final = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A row that cannot be used: why, and how it came."""

    reason: str
    raw: str


def rejected(row: object, error: Malformed) -> Rejected:
    """The row as it came, for the quarantine."""
    return Rejected(reason=str(error), raw=orjson.dumps(row).decode(errors="replace"))


def text(row: Row, name: str) -> str | None:
    """The text without blanks around it, None if nothing is left. Raises `Malformed` for anything but text."""
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text but {type(value).__name__}")
    return value.strip() or None


def whole(row: Row, name: str) -> int | None:
    """A whole number with its sign: won or shares."""
    value = text(row, name)
    if value is None:
        return None
    if not _WHOLE.fullmatch(value):
        raise Malformed(f"{name} is no whole number: {value[:30]!r}")
    return int(value.partition(".")[0])


def decimal(row: Row, name: str) -> float | None:
    """A decimal number with its sign: a ratio or percent."""
    value = text(row, name)
    if value is None:
        return None
    if not _DECIMAL.fullmatch(value):
        raise Malformed(f"{name} is no number: {value[:30]!r}")
    return float(value)


def day(row: Row, name: str) -> date | None:
    """A date of eight digits."""
    value = text(row, name)
    if value is None:
        return None
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError:
        raise Malformed(f"{name} is no date: {value[:30]!r}") from None


def needed(value: T | None, name: str) -> T:
    """The value, which the row cannot do without."""
    if value is None:
        raise Malformed(f"{name} is missing")
    return value


def not_negative(row: Row, name: str) -> int:
    """A whole number the row cannot do without, zero or more."""
    value = needed(whole(row, name), name)
    if value < 0:
        raise Malformed(f"{name} is negative: {value}")
    return value


def members(body: Row, name: str) -> Row:
    """The object `name` of a reply; raises `Malformed` where it is none."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"KIS: {name} is no object")
    return value
