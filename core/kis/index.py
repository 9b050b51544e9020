"""Indices and sectors: now (`inquire-index-price`), day by day (`inquire-index-daily-price`, `…-indexchartprice`).

KIS writes their volume in thousand shares and their turnover in million won; here both are whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from core.errors import Malformed, Unsupported
from core.kis.rows import MILLION, Rejected, Row, day, decimal, each, label, listed, members, needed, scaled, whole

NOW: Final = "inquire-index-price", "FHPUP02100000"
DAILY: Final = "inquire-index-daily-price", "FHPUP02120000"
DAILY_ROWS: Final = 100
CHART: Final = "inquire-daily-indexchartprice", "FHKUP03500100"
CHART_ROWS: Final = 50

_THOUSAND: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexQuote:
    """An index now, and how many of its issues rose, fell or stood; `volume` in shares, `turnover` in won.

    `rising` and `falling` include those at their daily limit.
    """

    code: str
    level: float
    change: float
    change_percent: float
    volume: int
    turnover: int
    rising: int
    unchanged: int
    falling: int
    upper_limit: int
    lower_limit: int
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexBar:
    """One session of an index; `volume` in shares, `turnover` in won."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexPage:
    """One reply: bars, newest first as they come, and whether there may be older ones. `name` is None where untold."""

    bars: tuple[IndexBar, ...]
    rejected: tuple[Rejected, ...]
    full: bool
    name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexChart:
    """Bars, oldest first, one a session."""

    bars: tuple[IndexBar, ...]
    rejected: tuple[Rejected, ...] = ()
    name: str | None = None


def now_params(code: str) -> dict[str, str]:
    """The query for an index by its code of four digits."""
    return {"FID_COND_MRKT_DIV_CODE": "U", "FID_INPUT_ISCD": code}


def daily_params(code: str, until: date) -> dict[str, str]:
    """The query for a hundred sessions back from `until`."""
    return now_params(code) | {"FID_PERIOD_DIV_CODE": "D", "FID_INPUT_DATE_1": f"{until:%Y%m%d}"}


def chart_params(code: str, start: date, end: date) -> dict[str, str]:
    """The query for the sessions of [start, end], fifty a call, which paper keys may ask too."""
    return now_params(code) | {
        "FID_INPUT_DATE_1": f"{start:%Y%m%d}",
        "FID_INPUT_DATE_2": f"{end:%Y%m%d}",
        "FID_PERIOD_DIV_CODE": "D",
    }


def quote_of(code: str, body: Row, *, at: datetime) -> IndexQuote:
    """The index in a reply that came at `at`; raises `Unsupported` for an index KIS does not know, and `Malformed`."""
    row = members(body, "output")
    level = decimal(row, "bstp_nmix_prpr")
    if not level:
        raise Unsupported(f"KIS has no index {code}")
    if level < 0:
        raise Malformed(f"KIS: index {code} of {level}")
    upper, lower = _count(row, "uplm_issu_cnt"), _count(row, "lslm_issu_cnt")
    return IndexQuote(
        code=code,
        level=level,
        change=needed(decimal(row, "bstp_nmix_prdy_vrss"), "bstp_nmix_prdy_vrss"),
        change_percent=needed(decimal(row, "bstp_nmix_prdy_ctrt"), "bstp_nmix_prdy_ctrt"),
        volume=_amount(row, "acml_vol", _THOUSAND),
        turnover=_amount(row, "acml_tr_pbmn", MILLION),
        rising=_count(row, "ascn_issu_cnt"),
        unchanged=_count(row, "stnr_issu_cnt"),
        falling=_count(row, "down_issu_cnt"),
        upper_limit=upper,
        lower_limit=lower,
        at=at,
    )


def page_of(body: Row, *, start: date, end: date, most: int) -> IndexPage:
    """The bars of [start, end] in a reply of `DAILY` or `CHART`; earlier rows are beyond what was asked for."""
    rows = listed(body, "output2")
    reached = False

    def read(row: Row) -> IndexBar | None:
        nonlocal reached
        on = day(row, "stck_bsop_date")
        if on is not None and on < start:
            reached = True
            return None
        return _bar(row, on, end)

    found, bad = each(rows, read)
    summary = body.get("output1")
    name = label(summary, "hts_kor_isnm") if isinstance(summary, dict) else None
    return IndexPage(bars=tuple(found), rejected=bad, full=len(rows) >= most and not reached, name=name)


def chart_of(pages: Iterable[IndexPage]) -> IndexChart:
    """The pages as one series. Of two rows of one session the first counts."""
    pages = tuple(pages)
    by_day = {bar.day: bar for page in reversed(pages) for bar in reversed(page.bars)}
    return IndexChart(
        bars=tuple(by_day[on] for on in sorted(by_day)),
        rejected=tuple(row for page in pages for row in page.rejected),
        name=next((page.name for page in pages if page.name), None),
    )


def oldest(page: IndexPage) -> date | None:
    """The oldest session of a page."""
    return min((bar.day for bar in page.bars), default=None)


def _bar(row: Row, on: date | None, end: date) -> IndexBar | None:
    if on is None:
        return None
    if on > end:
        raise Malformed(f"{on} was not asked for")
    levels = {
        name: needed(decimal(row, f"bstp_nmix_{wire}"), wire)
        for name, wire in (("open", "oprc"), ("high", "hgpr"), ("low", "lwpr"), ("close", "prpr"))
    }
    if not 0 < levels["low"] <= min(levels["open"], levels["close"]) <= max(levels["open"], levels["close"]):
        raise Malformed(f"levels contradict each other: {levels}")
    if levels["high"] < max(levels["open"], levels["close"]):
        raise Malformed(f"levels contradict each other: {levels}")
    return IndexBar(
        day=on, volume=_amount(row, "acml_vol", _THOUSAND), turnover=_amount(row, "acml_tr_pbmn", MILLION), **levels
    )


def _amount(row: Row, name: str, unit: int) -> int:
    value = needed(scaled(row, name, unit), name)
    if value < 0:
        raise Malformed(f"{name} is negative: {value}")
    return value


def _count(row: Row, name: str) -> int:
    value = whole(row, name) or 0
    if value < 0:
        raise Malformed(f"{name} is negative: {value}")
    return value
