"""KIS stock master files: the daily list of everything listed on one board.

`https://new.real.download.dws.co.kr/common/master/{kospi,kosdaq,konex}_code.mst.zip`, no key needed. One line an
issue, fixed width in bytes, cp949. A name takes a varying number of characters, so lines are cut as bytes.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from core.errors import Malformed
from core.stocks.stock import CODE, Kind, Market, Stock

T = TypeVar("T")

MAX_BYTES: Final = 8_000_000
"""The largest file believed; the real ones stay under 1.5 MB unpacked."""

_ISIN: Final = re.compile(r"[A-Z]{2}[0-9A-Z]{10}")
_OTHER_CODE: Final = re.compile(r"[0-9A-Z]{7,9}")
"""The codes of ETN (Q500001), subscription rights and funds."""

_KINDS: Final = {
    "ST": Kind.COMMON,
    "KN": Kind.COMMON,
    "FS": Kind.COMMON,
    "DR": Kind.COMMON,
    "RT": Kind.REIT,
    "EF": Kind.ETF,
    "FE": Kind.ETF,
    "EN": Kind.ETN,
    "MF": Kind.OTHER,
    "IF": Kind.OTHER,
    "SC": Kind.OTHER,
    "BC": Kind.OTHER,
}
_NOT_STOCKS: Final = frozenset({"EW", "SW", "SR"})
"""Warrants and rights: listed, never asked about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A line that is not what it should be. `line_number` counts from 1; `raw` is its start, for a person to read."""

    line_number: int
    reason: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a file holds. `skipped` counts good lines about other securities (ETN, warrants, rights, funds)."""

    stocks: list[Stock]
    rejected: list[Rejected]
    skipped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """Where the fields of a board's line lie: its width, and byte offsets in the tail that follows the name."""

    width: int
    halted: int
    administrative: int
    listed_on: int
    shares: int
    market_cap: int
    etp: int | None = None
    spac: int | None = None
    preferred: int | None = None


_TAIL: Final = 61
_LAYOUTS: Final = {
    Market.KOSPI: _Layout(
        width=288,
        etp=22,
        spac=29,
        halted=60,
        administrative=62,
        listed_on=105,
        shares=113,
        preferred=158,
        market_cap=212,
    ),
    Market.KOSDAQ: _Layout(
        width=282,
        etp=18,
        spac=24,
        halted=55,
        administrative=57,
        listed_on=100,
        shares=108,
        preferred=153,
        market_cap=206,
    ),
    Market.KONEX: _Layout(width=245, halted=21, administrative=23, listed_on=66, shares=74, market_cap=172),
}


def parse_master(market: Market, data: bytes) -> Parsed:
    """Read a master file, zipped or not. A bad line is rejected with its reason, the others are kept.

    Raises Malformed where the whole file is not a master of this board: empty, a web page, a broken or
    oversized archive, or at least half of its lines rejected.
    """
    lines = [(number, line.rstrip(b"\r")) for number, line in enumerate(_content(data).split(b"\n"), 1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    stocks: dict[str, Stock] = {}
    rejected: list[Rejected] = []
    for number, line in lines:
        try:
            stock = _stock(market, line)
            if stock is not None and stock.code in stocks:
                raise Malformed(f"{stock.code} is listed twice")
        except Malformed as error:
            rejected.append(Rejected(line_number=number, reason=str(error), raw=_excerpt(line)))
        else:
            if stock is not None:
                stocks[stock.code] = stock
    if 2 * len(rejected) >= len(lines):
        reason = rejected[0].reason if rejected else "it is empty"
        raise Malformed(f"not a master file of {market}: {reason} ({len(rejected)} of {len(lines)} lines)")
    return Parsed(stocks=list(stocks.values()), rejected=rejected, skipped=len(lines) - len(stocks) - len(rejected))


def _content(data: bytes) -> bytes:
    """The lines of the file, unpacked where it is an archive."""
    if data.startswith(b"PK"):
        data = _unzip(data)
    if len(data) > MAX_BYTES:
        raise Malformed(f"a master file of {len(data):,} bytes is too large")
    if data.lstrip().startswith(b"<"):
        raise Malformed("a web page came instead of a master file")
    return data


def _unzip(data: bytes) -> bytes:
    """The `.mst` member, read no further than the size believed: its header may lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = next((entry for entry in archive.infolist() if entry.filename.endswith(".mst")), None)
            if member is None:
                raise Malformed("the archive holds no .mst file")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Malformed(f"the archive is packed by an unexpected method ({member.compress_type})")
            with archive.open(member) as file:
                return file.read(MAX_BYTES + 1)
    # RuntimeError: an encrypted member; the others: damage found while reading.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise Malformed(f"the archive cannot be read: {error}") from error


def _stock(market: Market, line: bytes) -> Stock | None:
    """The issue of one line, None where it is no stock. Raises Malformed with the reason."""
    layout = _LAYOUTS[market]
    if len(line) != layout.width:
        raise Malformed(f"{len(line)} bytes instead of {layout.width}")
    code, isin, group = (_ascii(line[start:end]) for start, end in ((0, 9), (9, 21), (_TAIL, _TAIL + 2)))
    if not _ISIN.fullmatch(isin):
        raise Malformed(f"ISIN {isin!r}")
    if group in _NOT_STOCKS or _OTHER_CODE.fullmatch(code):
        return None
    if group not in _KINDS:
        raise Malformed(f"unknown group {group!r}")
    if not CODE.fullmatch(code):
        raise Malformed(f"code {code!r}")
    tail = line[_TAIL:]
    return Stock(
        code=code,
        name=_name(line[21:_TAIL]),
        market=market,
        kind=_kind(layout, code, group, tail),
        listed_on=_date(tail[layout.listed_on : layout.listed_on + 8]),
        shares=_amount(tail[layout.shares : layout.shares + 15], unit=1_000),
        market_cap=_amount(tail[layout.market_cap : layout.market_cap + 9], unit=100_000_000),
        halted=_flag(tail, layout.halted),
        administrative=_flag(tail, layout.administrative),
    )


def _kind(layout: _Layout, code: str, group: str, tail: bytes) -> Kind:
    """What the issue is. Only the common share of a company has a code that ends in 0."""
    kind = _KINDS[group]
    if layout.etp is not None and tail[layout.etp : layout.etp + 1] in (b"3", b"4"):
        return Kind.ETN
    if kind is not Kind.COMMON:
        return kind
    if layout.spac is not None and _flag(tail, layout.spac):
        return Kind.SPAC
    flagged = layout.preferred is not None and tail[layout.preferred : layout.preferred + 1] in (b"1", b"2")
    return Kind.PREFERRED if flagged or not code.endswith("0") else kind


def _ascii(field: bytes) -> str:
    return _decoded(field, "ascii").rstrip()


def _name(field: bytes) -> str:
    name = _decoded(field, "cp949").strip()
    if not name or not name.isprintable():
        raise Malformed(f"name {name!r}")
    return name


def _decoded(field: bytes, encoding: str) -> str:
    try:
        return field.decode(encoding)
    except UnicodeDecodeError as error:
        raise Malformed(f"bytes {field[:24]!r} are not {encoding}") from error


def _flag(tail: bytes, offset: int) -> bool:
    flag = tail[offset : offset + 1]
    if flag not in (b"Y", b"N", b" "):
        raise Malformed(f"flag {flag!r} at byte {_TAIL + offset}")
    return flag == b"Y"


def _date(field: bytes) -> date | None:
    return _number(field, lambda digits: date(int(digits[:4]), int(digits[4:6]), int(digits[6:])))


def _amount(field: bytes, *, unit: int) -> int | None:
    return _number(field, lambda digits: int(digits) * unit)


def _number(field: bytes, convert: Callable[[bytes], T]) -> T | None:
    """The converted digits; blanks and zeros are how the file says it does not know."""
    digits = field.strip()
    if not digits.strip(b"0"):
        return None
    try:
        if not digits.isdigit():
            raise ValueError
        return convert(digits)
    except ValueError:
        raise Malformed(f"number {field!r}") from None


def _excerpt(line: bytes) -> str:
    return line[:120].decode("cp949", errors="replace")
