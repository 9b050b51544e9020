"""Daily bars: `inquire-daily-itemchartprice`, FHKST03010100, raw prices, at most 100 rows a call, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from core.errors import Malformed, Unsupported
from core.kis.rows import Rejected, Row, day, decimal, members, not_negative, rejected, text, whole
from core.market.bar import Bar

PATH: Final = "inquire-daily-itemchartprice"
TR_ID: Final = "FHKST03010100"
MOST_ROWS: Final = 100

_RATE_ROUNDING: Final = 0.0051
_LEAST_RATE, _MOST_RATE = 0.001, 1000.0
_NO_EVENT: Final = (None, "0", "00")


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyChart:
    """Bars, oldest first, one a day, and the rows that could not be read."""

    bars: tuple[Bar, ...]
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedBar:
    """A bar and its base price, from which the exchange counts the change of the day; None if the row had none."""

    bar: Bar
    base: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One reply. `full` says that there may be older rows."""

    dated: tuple[DatedBar, ...]
    rejected: tuple[Rejected, ...]
    full: bool


def params(code: str, start: date, end: date) -> dict[str, str]:
    """The query for daily raw bars of [start, end]. In this service `1` is raw and `0` adjusted."""
    return {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": code,
        "FID_INPUT_DATE_1": f"{start:%Y%m%d}",
        "FID_INPUT_DATE_2": f"{end:%Y%m%d}",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "1",
    }


def page_of(code: str, body: Mapping[str, Any], *, start: date, end: date) -> Page:
    """The rows of one reply within [start, end]. Rows without a date are filler and are dropped.

    Raises `Unsupported` where KIS knows no such stock (a price of zero and no row) and `Malformed`.
    """
    rows = body.get("output2")
    if not isinstance(rows, list):
        raise Malformed("KIS: output2 is no list")
    found: list[DatedBar] = []
    bad: list[Rejected] = []
    for row in filter(None, rows):
        try:
            dated = _dated_bar(row, start, end)
        except Malformed as error:
            bad.append(rejected(row, error))
        else:
            found += [dated] if dated else []
    if not found and not bad and not whole(members(body, "output1"), "stck_prpr"):
        raise Unsupported(f"KIS has no stock {code}")
    return Page(dated=tuple(found), rejected=tuple(bad), full=len(rows) >= MOST_ROWS)


def chart_of(pages: Iterable[Page]) -> DailyChart:
    """The pages as one series. Of two rows of one day the first counts."""
    pages = tuple(pages)
    by_day = {dated.bar.day: dated for page in reversed(pages) for dated in reversed(page.dated)}
    ordered = [by_day[day] for day in sorted(by_day)]
    before = [None, *(dated.bar for dated in ordered)]
    bars = tuple(_with_exact_ratio(dated, earlier) for dated, earlier in zip(ordered, before, strict=False))
    return DailyChart(bars=bars, rejected=tuple(row for page in pages for row in page.rejected))


def _dated_bar(row: Any, start: date, end: date) -> DatedBar | None:
    if not isinstance(row, dict):
        raise Malformed("a row is no object")
    on = day(row, "stck_bsop_date")
    if on is None:
        return None
    if not start <= on <= end:
        raise Malformed(f"{on} was not asked for")
    bar = Bar(
        day=on,
        open=not_negative(row, "stck_oprc"),
        high=not_negative(row, "stck_hgpr"),
        low=not_negative(row, "stck_lwpr"),
        close=not_negative(row, "stck_clpr"),
        volume=not_negative(row, "acml_vol"),
        value=not_negative(row, "acml_tr_pbmn"),
        split_ratio=_split_ratio(row),
    )
    _check_prices(bar)
    change = whole(row, "prdy_vrss")
    return DatedBar(bar=bar, base=None if change is None else bar.close - change)


def _check_prices(bar: Bar) -> None:
    """A day without a trade has no open, and its high and low are zero or the old close."""
    if not bar.close:
        raise Malformed("a close of zero")
    if bar.open and not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise Malformed(f"open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close} contradict each other")


def _split_ratio(row: Row) -> float | None:
    """Reference price / previous close, where a reason for re-basing stands beside it. `0.00` and `1.00` are none."""
    rate = decimal(row, "prtt_rate")
    event = any(text(row, name) not in _NO_EVENT for name in ("revl_issu_reas", "flng_cls_code"))
    if not rate or rate == 1.0 or not event:
        return None
    if not _LEAST_RATE <= rate <= _MOST_RATE:
        raise Malformed(f"prtt_rate of {rate}")
    return rate


def _with_exact_ratio(dated: DatedBar, before: Bar | None) -> Bar:
    """The bar with its ratio taken from the prices themselves, since `prtt_rate` has two decimals only."""
    bar, rate = dated.bar, dated.bar.split_ratio
    if rate is None or before is None or dated.base is None or dated.base <= 0:
        return bar
    exact = dated.base / before.close
    return replace(bar, split_ratio=exact) if abs(exact - rate) <= _RATE_ROUNDING else bar


def oldest(page: Page) -> date | None:
    """The oldest day of a page."""
    return min((dated.bar.day for dated in page.dated), default=None)
