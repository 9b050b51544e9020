"""The stock master files: fixed-width cp949 lines, one file a board, zipped.

A line is a 61-byte head (code 9, ISIN 12, name 40) and a tail of 227 (KOSPI), 221 (KOSDAQ) or 184 (KONEX) bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime

from core.stocks.stock import Kind, Market
from sim.kis.price import EOK
from sim.market import SimIssue, SimMarket, SimQuote

_TRADING = (
    "base:9 unit:5 overtime_unit:5 halted:1 liquidation:1 administrative:1 warning:2 warning_notice:1 unfaithful:1 "
    "backdoor:1 ex_kind:2 par_change:2 increase:2 margin:3 credit:1 credit_days:3 previous_volume:12 par_value:12 "
    "listed_on:8 shares:15 capital:21 settlement:2 offer_price:7 preferred:1 short_hot:1 surge:1 krx300:1 "
)
_ACCOUNTS = "sales:9 operating:9 ordinary:9 net:5 roe:9 as_of:8 cap:9 "
_CREDIT = "over_limit:1 collateral:1 lending:1"

LAYOUTS: Mapping[Market, tuple[tuple[str, int], ...]] = {
    market: tuple((name, int(width)) for name, width in (field.split(":") for field in layout.split()))
    for market, layout in {
        Market.KOSPI: (
            "group:2 size:1 large:4 medium:4 small:4 manufacturing:1 low_liquidity:1 governance:1 kospi200:1 "
            "kospi100:1 kospi50:1 krx:1 etp:1 elw:1 krx100:1 auto:1 semiconductor:1 bio:1 bank:1 spac:1 energy:1 "
            "steel:1 overheated:1 media:1 construction:1 blank:1 securities:1 ship:1 insurance:1 transport:1 sri:1 "
            + _TRADING
            + "kospi:1 "
            + _ACCOUNTS
            + "affiliate:3 "
            + _CREDIT
        ),
        Market.KOSDAQ: (
            "group:2 size:1 large:4 medium:4 small:4 venture:1 low_liquidity:1 krx:1 etp:1 krx100:1 auto:1 "
            "semiconductor:1 bio:1 bank:1 spac:1 energy:1 steel:1 overheated:1 media:1 construction:1 caution:1 "
            "securities:1 ship:1 insurance:1 transport:1 kosdaq150:1 " + _TRADING + _ACCOUNTS + "affiliate:3 " + _CREDIT
        ),
        Market.KONEX: "group:2 " + _TRADING + _ACCOUNTS + _CREDIT,
    }.items()
}
"""Name and width in bytes of every field of the tail, in order."""

FILES = {Market.KOSPI: "kospi_code.mst", Market.KOSDAQ: "kosdaq_code.mst", Market.KONEX: "konex_code.mst"}


def line(market: Market, *, code: str, isin: str, name: str, values: Mapping[str, str]) -> bytes:
    """One line without its end. A value is cut to its width; a field not given is blank."""
    head = code.ljust(9).encode() + isin.ljust(12).encode() + _cut(name, 40)
    return head + b"".join(_cut(values.get(field, ""), width) for field, width in LAYOUTS[market])


def _cut(text: str, width: int) -> bytes:
    raw = text.encode("cp949", "replace")[:width]
    return raw.decode("cp949", "ignore").encode("cp949").ljust(width)


def master_file(market: SimMarket, board: Market, at: datetime) -> bytes:
    """The zipped file of one board as of `at`."""
    quotes = [market.quote(issue.code, at) for issue in market.listed(at, board)]
    lines = [_issue_line(quote) for quote in quotes if quote is not None]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILES[board], b"".join(row + b"\n" for row in lines))
    return packed.getvalue()


def _issue_line(quote: SimQuote) -> bytes:
    issue = quote.issue
    return line(issue.market, code=issue.code, isin=issue.isin, name=issue.name, values=_values(quote))


def _values(quote: SimQuote) -> dict[str, str]:
    issue = quote.issue
    flags = dict.fromkeys(FLAGS.split(), "N") | dict.fromkeys(ZEROS, "0") | dict.fromkeys(SECTORS, "0000")
    return flags | {
        "group": _group(issue),
        "size": "1" if issue.market_cap >= 20_000 * EOK else "2" if issue.market_cap >= 3_000 * EOK else "3",
        "etp": "1" if issue.kind is Kind.ETF else " ",
        "spac": _yes(issue.kind is Kind.SPAC),
        "kospi": "Y",
        "base": f"{quote.base:09d}",
        "unit": "00001",
        "overtime_unit": "00001",
        "halted": _yes(issue.halted),
        "administrative": _yes(issue.administrative),
        **dict.fromkeys(("warning", "ex_kind", "par_change", "increase"), "00"),
        "margin": "100" if issue.administrative else "020",
        "credit": _yes(not issue.administrative),
        "credit_days": "000" if issue.administrative else "090",
        "previous_volume": f"{quote.previous.volume if quote.previous else 0:012d}",
        "par_value": f"{issue.par_value or 0:012d}",
        "listed_on": f"{issue.listed_on:%Y%m%d}" if issue.listed_on else "0" * 8,
        "shares": f"{issue.shares // 1000:015d}",
        "capital": f"{(issue.par_value or 0) * issue.shares:021d}",
        "settlement": "12",
        "preferred": _preferred(issue),
        **dict.fromkeys(("sales", "operating", "ordinary"), "0" * 9),
        "net": "00000",
        "roe": "000000.00",
        "as_of": "0" * 8,
        "cap": f"{quote.base * issue.shares // EOK:09d}",
    }


FLAGS = (  # columns that are N unless said otherwise
    "manufacturing low_liquidity governance venture krx krx100 auto semiconductor bio bank energy steel media "
    "construction securities ship insurance transport sri caution kosdaq150 liquidation warning_notice unfaithful "
    "backdoor short_hot surge krx300 kospi100 kospi50 elw over_limit collateral lending"
)
ZEROS = ("kospi200", "overheated")
SECTORS = ("large", "medium", "small")


def _group(issue: SimIssue) -> str:
    if issue.kind in (Kind.ETF, Kind.REIT):
        return "EF" if issue.kind is Kind.ETF else "RT"
    return "FS" if issue.code.startswith("9") else "ST"


def _preferred(issue: SimIssue) -> str:
    if issue.kind is not Kind.PREFERRED:
        return "0"
    return "1" if issue.code.endswith("5") else "2"


def _yes(truth: bool) -> str:
    return "Y" if truth else "N"
