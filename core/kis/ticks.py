"""What comes over the stream of trades: frames of records, answers to registrations, pings. Pure.

A frame of trades is `0|H0STCNT0|003|…`: plain or encrypted, the kind, how many records, and their fields joined by `^`.
Fields are only ever added at the end of a record (46 until 2026-09-14, 47 since), so its width is counted, never known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Final

import orjson

from core.clock import KST
from core.errors import Malformed
from core.kis.rows import Rejected, Row, clock_time, day, decimal, each, needed, not_negative, text, whole
from core.logs import redact
from core.market.bar import Quote

VERSION: Final = 1
"""Raised whenever the same frame would be read otherwise."""

TR_ID: Final = "H0STCNT0"
KNOWN_WIDTHS: Final = (46, 47)
LONGEST: Final = 100_000
"""The longest frame believed; twenty records are some 6,000 characters."""

_PLACES: Final = {
    "MKSC_SHRN_ISCD": 0,
    "STCK_CNTG_HOUR": 1,
    "STCK_PRPR": 2,
    "PRDY_VRSS": 4,
    "PRDY_CTRT": 5,
    "STCK_OPRC": 7,
    "STCK_HGPR": 8,
    "STCK_LWPR": 9,
    "ACML_VOL": 13,
    "ACML_TR_PBMN": 14,
    "BSOP_DATE": 33,
    "HOUR_CLS_CODE": 43,
    "MARKET_CLS_CODE": 46,
}
"""Where in a record the fields are that are read; the last one is not in every record."""
_LEAST_WIDTH: Final = 46
_EXPECTED: Final = frozenset("ABCD")
_OTHER_MARKETS: Final = frozenset("135")
_COUNT: Final = re.compile(r"[0-9]{1,3}")
_CODE: Final = re.compile(r"[0-9A-Z]{6,9}")
_LONGEST_WORD: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Trades:
    """The trades of one frame in the order they came, the records that cannot be read, and how wide a record was.

    Only trades of the regular session: expected prices and those of the sessions around it are left out.
    """

    quotes: tuple[Quote, ...]
    rejected: tuple[Rejected, ...]
    width: int


class Said(StrEnum):
    """What the server says of a registration."""

    ON = "on"
    """Trades of it come, from now on or already."""
    OFF = "off"
    """None of it come, from now on or already."""
    FULL = "full"
    """No more registrations."""
    AGAIN = "again"
    """It failed over there: register again."""
    KEY = "key"
    """The approval key is not known: a new one is needed."""
    IN_USE = "in_use"
    """Another connection has this app key."""
    REFUSED = "refused"
    """Anything else; the same registration always will be refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to the registration of `code` (empty where it names none); `detail` is KIS's own, for the log."""

    said: Said
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back as it came."""

    raw: str


_ANSWERS: Final = {
    "OPSP0000": Said.ON,
    "OPSP0001": Said.OFF,
    "OPSP0002": Said.ON,
    "OPSP0003": Said.OFF,
    "OPSP0007": Said.AGAIN,
    "OPSP0008": Said.FULL,
    "OPSP0011": Said.KEY,
    "OPSP8996": Said.IN_USE,
}


def read_frame(raw: str) -> Trades | Answer | Ping:
    """What one message of the stream says. Raises `Malformed`; a record that cannot be read spoils only itself."""
    if len(raw) > LONGEST:
        raise Malformed(f"a frame of {len(raw):,} characters")
    if raw[:1] in ("0", "1"):
        return _trades(raw)
    return _control(raw)


def registration(code: str, *, approval_key: str, on: bool) -> str:
    """The message that registers a stock, or ends it. It holds the approval key."""
    header = {"approval_key": approval_key, "custtype": "P", "tr_type": "1" if on else "2", "content-type": "utf-8"}
    return orjson.dumps({"header": header, "body": {"input": {"tr_id": TR_ID, "tr_key": code}}}).decode()


def _trades(raw: str) -> Trades:
    parts = raw.split("|", 3)
    if len(parts) != 4:
        raise Malformed("a frame without its four parts")
    encrypted, kind, count, content = parts
    if encrypted != "0" or kind != TR_ID:
        raise Malformed(f"a frame nobody asked for: {encrypted}|{kind}"[:40])
    if not _COUNT.fullmatch(count) or not int(count):
        raise Malformed(f"a frame of {count[:10]!r} records")
    fields = content.split("^")
    width, over = divmod(len(fields), int(count))
    if over or width < _LEAST_WIDTH:
        raise Malformed(f"{len(fields)} fields for {int(count)} records")
    records = [_named(fields[start : start + width]) for start in range(0, len(fields), width)]
    quotes, bad = each(records, _quote)
    return Trades(quotes=tuple(quotes), rejected=bad, width=width)


def _named(fields: Sequence[str]) -> Row:
    """The fields that are read by their names, with the record as it came for the quarantine."""
    named = {name: fields[place] for name, place in _PLACES.items() if place < len(fields)}
    return named | {"RECORD": "^".join(fields)}


def _quote(row: Row) -> Quote | None:
    """The price after a trade, None for one outside the regular session or only expected."""
    code = text(row, "MKSC_SHRN_ISCD") or ""
    if not _CODE.fullmatch(code):
        raise Malformed(f"no code of a stock: {code[:20]!r}")
    if text(row, "HOUR_CLS_CODE") in _EXPECTED or text(row, "MARKET_CLS_CODE") in _OTHER_MARKETS:
        return None
    price = not_negative(row, "STCK_PRPR")
    if not price:
        raise Malformed("a price of zero")
    on, at = needed(day(row, "BSOP_DATE"), "BSOP_DATE"), needed(clock_time(row, "STCK_CNTG_HOUR"), "STCK_CNTG_HOUR")
    return Quote(
        code=code,
        price=price,
        change=needed(whole(row, "PRDY_VRSS"), "PRDY_VRSS"),
        change_percent=needed(decimal(row, "PRDY_CTRT"), "PRDY_CTRT"),
        volume=not_negative(row, "ACML_VOL"),
        value=not_negative(row, "ACML_TR_PBMN"),
        at=_instant(on, at),
        source="KIS",
        open=whole(row, "STCK_OPRC") or None,
        high=whole(row, "STCK_HGPR") or None,
        low=whole(row, "STCK_LWPR") or None,
    )


def _instant(on: date, at: time) -> datetime:
    try:
        return datetime.combine(on, at, KST).astimezone(UTC)
    except OverflowError:
        raise Malformed(f"no moment: {on} {at}") from None


def _control(raw: str) -> Answer | Ping:
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Malformed("neither trades nor JSON") from None
    header = message.get("header") if isinstance(message, dict) else None
    if not isinstance(header, dict):
        raise Malformed("a message without a header")
    if header.get("tr_id") == "PINGPONG":
        return Ping(raw)
    body = message.get("body")
    if not isinstance(body, dict):
        raise Malformed("a message without a body")
    code, key = body.get("msg_cd"), header.get("tr_key")
    words = [word for word in (code, body.get("msg1")) if isinstance(word, str)]
    return Answer(
        said=_ANSWERS.get(code, Said.REFUSED) if isinstance(code, str) else Said.REFUSED,
        code=key if isinstance(key, str) and _CODE.fullmatch(key) else "",
        detail=redact(" ".join(words))[:_LONGEST_WORD],
    )
