"""Values of KIS rows: every one is text, and blank where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, TypeVar

import orjson

from core.errors import Malformed

T = TypeVar("T")
Row = Mapping[str, Any]

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.0+)?")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,8})?")
_DAY: Final = re.compile(r"[0-9]{8}")
_TIME: Final = re.compile(r"[0-9]{6}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_LABEL: Final = 200

LARGEST: Final = 2**63 - 1
"""The largest whole number the database holds."""

MILLION: Final = 1_000_000
EOK: Final = 100_000_000
"""Units KIS writes amounts of won in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A row that cannot be used: why, and how it came."""

    reason: str
    raw: str


def rejected(row: object, error: Malformed) -> Rejected:
    """The row as it came, for the quarantine."""
    try:
        raw = orjson.dumps(row).decode(errors="replace")
    except orjson.JSONEncodeError:  # nested deeper than it writes, though it has read it
        raw = "a deeply nested row"
    return Rejected(reason=str(error), raw=raw)


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
        return date.fromisoformat(value)
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
    """The object `name` of a reply, whatever the case of its letters, or a list of it alone: KIS answers some services
    either way. Raises `Malformed` where there is none."""
    value = _under(body, name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise Malformed(f"KIS: {name} is no object")
    return value


def _under(body: Row, name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name.lower()), None)


def scaled(row: Row, name: str, unit: int) -> int | None:
    """A whole number written in `unit`s: million won as won, thousand shares as shares."""
    value = whole(row, name)
    if value is None:
        return None
    if abs(value * unit) > LARGEST:
        raise Malformed(f"{name} is too large: {value}")
    return value * unit


def label(row: Row, name: str) -> str | None:
    """A name or word to keep: without control characters, cut to 200 characters."""
    value = text(row, name)
    return None if value is None else _CONTROL.sub(" ", value)[:_LONGEST_LABEL].strip() or None


def clock_time(row: Row, name: str) -> time | None:
    """A time of the day of six digits, as Seoul reads it."""
    value = text(row, name)
    if value is None:
        return None
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        return time(int(value[:2]), int(value[2:4]), int(value[4:]))
    except ValueError:
        raise Malformed(f"{name} is no time: {value[:30]!r}") from None


def flag(row: Row, name: str) -> bool | None:
    """Y or N."""
    value = text(row, name)
    if value not in (None, "Y", "N"):
        raise Malformed(f"{name} is neither Y nor N: {value[:30]!r}")
    return None if value is None else value == "Y"


def listed(body: Row, name: str) -> list[Any]:
    """The rows under `name`, whatever the case of its letters; a single object counts as one row, empty ones as none.

    Raises `Malformed` where there is neither a list nor an object.
    """
    found = _under(body, name)
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise Malformed(f"KIS: {name} is no list")
    return [row for row in found if row]


def object_of(row: object) -> Row:
    """The row as an object; raises `Malformed` for anything else."""
    if not isinstance(row, dict):
        raise Malformed("a row is no object")
    return row


def each(rows: Iterable[object], read: Callable[[Row], T | None]) -> tuple[list[T], tuple[Rejected, ...]]:
    """What `read` makes of every row, and the rows it cannot read; None is a row without content."""
    found: list[T] = []
    bad: list[Rejected] = []
    for row in rows:
        try:
            one = read(object_of(row))
        except Malformed as error:
            bad.append(rejected(row, error))
        else:
            if one is not None:
                found.append(one)
    return found, tuple(bad)
