"""Daily charts: `inquire-daily-itemchartprice` (FHKST03010100) and `inquire-daily-price` (FHKST01010400)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby

from sim.kis.price import EOK, capital, changes, ratios, sign
from sim.market import SimBar, SimMarket, SimQuote
from sim.ticks import limits

MOST_ROWS = 100
RECENT_ROWS = 30
EVENT = 0.02
"""How far a base price must lie from the close before to count as a split or a rights issue."""

PERIODS: dict[str, Callable[[date], object]] = {
    "D": lambda day: day,
    "W": lambda day: day.isocalendar()[:2],
    "M": lambda day: (day.year, day.month),
    "Y": lambda day: day.year,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One bar of a chart, the close its change counts from, and the reference ratio of an event on that day."""

    bar: SimBar
    base: int
    ratio: float = 1.0


def rows_of(market: SimMarket, code: str, at: datetime, *, adjusted: bool) -> list[Row]:
    """Every bar of `code` until `at`, oldest first. Adjusted prices carry later splits and rights back."""
    bars, rows = market.bars(code, until=at), []
    for before, bar in zip([None, *bars[:-1]], bars, strict=True):
        base = market.base(code, bar.day, before.close if before else bar.close)
        rows.append(Row(bar, base, _ratio(market, before, bar, base)))
    return _adjust(rows) if adjusted else rows


def _ratio(market: SimMarket, before: SimBar | None, bar: SimBar, base: int) -> float:
    if before is None or market.calendar.previous_session(bar.day) != before.day:
        return 1.0  # a gap in the record is no event
    ratio = base / before.close if before.close else 1.0
    return ratio if abs(ratio - 1) > EVENT else 1.0


def _adjust(rows: Sequence[Row]) -> list[Row]:
    factor, found = 1.0, []
    for row in reversed(rows):
        found.append(_scaled(row, factor))
        factor *= row.ratio
    return found[::-1]


def _scaled(row: Row, factor: float) -> Row:
    if factor == 1.0:
        return row
    bar = row.bar
    scaled = SimBar(
        bar.day,
        round(bar.open * factor),
        round(bar.high * factor),
        round(bar.low * factor),
        round(bar.close * factor),
        round(bar.volume / factor),
        bar.value,
    )
    return replace(row, bar=scaled, base=round(row.base * factor))


def chart(
    market: SimMarket, code: str, at: datetime, *, first: str, last: str, period: str, adjusted: bool
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """`output1` and `output2`: at most 100 rows newest first within the dates (YYYYMMDD, both included)."""
    quote = market.quote(code, at)
    if quote is None:
        return {"prdy_vrss": "0", "prdy_vrss_sign": "3", "prdy_ctrt": "0.00", "stck_prpr": "0", "hts_kor_isnm": ""}, [
            {}
        ]
    rows = _by_period(rows_of(market, code, at, adjusted=adjusted), period)
    within = [row for row in rows if first <= f"{row.bar.day:%Y%m%d}" <= last]
    return _summary(quote), [_chart_row(row, quote) for row in within[: -MOST_ROWS - 1 : -1]]


def _by_period(rows: Sequence[Row], period: str) -> list[Row]:
    if period == "D":
        return list(rows)
    key = PERIODS[period]
    return [_merged(list(group)) for _, group in groupby(rows, key=lambda row: key(row.bar.day))]


def _merged(rows: Sequence[Row]) -> Row:
    bars = [row.bar for row in rows]
    traded = [bar for bar in bars if bar.open] or bars
    merged = SimBar(
        bars[-1].day,
        traded[0].open,
        max(bar.high for bar in traded),
        min(bar.low for bar in traded),
        bars[-1].close,
        sum(bar.volume for bar in bars),
        sum(bar.value for bar in bars),
    )
    return Row(merged, rows[0].base)


def _chart_row(row: Row, quote: SimQuote) -> dict[str, str]:
    bar, event = row.bar, row.ratio != 1.0
    return {
        "stck_bsop_date": f"{bar.day:%Y%m%d}",
        "stck_clpr": str(bar.close),
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(bar.value),
        "flng_cls_code": "00",
        "prtt_rate": f"{row.ratio if event else 0:.2f}",
        "mod_yn": "N" if bar.open else "Y",
        "prdy_vrss_sign": _row_sign(row, quote),
        "prdy_vrss": str(bar.close - row.base),
        "revl_issu_reas": "01" if event else "",
    }


def _row_sign(row: Row, quote: SimQuote) -> str:
    lower, upper = limits(row.base, quote.issue.market, quote.issue.kind)
    return sign(row.bar.close - row.base, price=row.bar.close, lower=lower, upper=upper)


def _summary(quote: SimQuote) -> dict[str, str]:
    bar, issue, before = quote.bar, quote.issue, quote.previous or SimBar(quote.bar.day, 0, 0, 0, quote.base, 0, 0)
    return {
        **changes(quote),
        "stck_prdy_clpr": str(quote.base),
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(bar.value),
        "hts_kor_isnm": issue.name,
        "stck_prpr": str(bar.close),
        "stck_shrn_iscd": issue.code,
        "prdy_vol": str(before.volume),
        "stck_mxpr": str(quote.upper),
        "stck_llam": str(quote.lower),
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "stck_prdy_oprc": str(before.open),
        "stck_prdy_hgpr": str(before.high),
        "stck_prdy_lwpr": str(before.low),
        "askp": str(bar.close),
        "bidp": str(bar.close),
        "prdy_vrss_vol": str(bar.volume - before.volume),
        "vol_tnrt": f"{bar.volume / issue.shares * 100 if issue.shares else 0:.2f}",
        "stck_fcam": str(issue.par_value or 0),
        "lstn_stcn": str(issue.shares),
        "cpfn": str(capital(issue)),
        "hts_avls": str(quote.market_cap // EOK),
        **{name: value for name, value in ratios(quote).items() if name != "bps"},
        "itewhol_loan_rmnd_ratem name": "0.00",
    }


def recent(market: SimMarket, code: str, at: datetime, *, period: str, adjusted: bool) -> list[dict[str, str]]:
    """The `output` rows of `inquire-daily-price`: the last 30, newest first. Volume rate is a change in percent."""
    if code not in market.issues:
        return [{}]
    rows = _by_period(rows_of(market, code, at, adjusted=adjusted), period)
    older: list[Row | None] = [None, *rows[:-1]]
    found = [_recent_row(before, row) for before, row in zip(older, rows, strict=True)]
    return found[: -RECENT_ROWS - 1 : -1]


def _recent_row(before: Row | None, row: Row) -> dict[str, str]:
    bar, change = row.bar, row.bar.close - row.base
    earlier = before.bar.volume if before else 0
    return {
        "stck_bsop_date": f"{bar.day:%Y%m%d}",
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "stck_clpr": str(bar.close),
        "acml_vol": str(bar.volume),
        "prdy_vrss_vol_rate": f"{(bar.volume - earlier) / earlier * 100 if earlier else 0:.2f}",
        "prdy_vrss": str(change),
        "prdy_vrss_sign": "3" if not change else "2" if change > 0 else "5",
        "prdy_ctrt": f"{change / row.base * 100 if row.base else 0:.2f}",
        "hts_frgn_ehrt": "0.00",
        "frgn_ntby_qty": "0",
        "flng_cls_code": "00",
        "acml_prtt_rate": f"{row.ratio:.2f}",
    }
