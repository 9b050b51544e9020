"""Indices made of the market's own issues, weighted by value: 0001 KOSPI, 1001 KOSDAQ, 2001 KOSPI200, and sizes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.stocks.stock import Kind, Market
from sim.kis.price import EOK
from sim.market import SimBar, SimIssue, SimMarket, SimQuote

DAILY_ROWS, CHART_ROWS = 100, 50
BASES = {"0001": 2_600.0, "0002": 2_500.0, "1001": 850.0, "2001": 350.0}
NAMES = {"0001": "종합", "0002": "대형주", "1001": "KOSDAQ", "2001": "KOSPI200"}


@dataclass(frozen=True, slots=True)
class Level:
    """One session of an index: levels, shares, won."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: int


def _members(market: SimMarket, code: str) -> list[SimIssue]:
    board = Market.KOSDAQ if code == "1001" else Market.KOSPI
    issues = [issue for issue in market.issues.values() if issue.market is board and issue.kind is not Kind.ETF]
    if code in ("0002", "2001"):
        issues = [issue for issue in issues if issue.market_cap >= 20_000 * EOK]
    return issues


_known: weakref.WeakKeyDictionary[SimMarket, dict[str, list[Level]]] = weakref.WeakKeyDictionary()


def _past(market: SimMarket, code: str) -> list[Level]:
    """Every session of the index, whole, oldest first: returns chained by value, so that new issues do not lift it."""
    known = _known.setdefault(market, {})
    if code not in known:
        known[code] = _chained(market, code)
    return known[code]


def _chained(market: SimMarket, code: str) -> list[Level]:
    if not market.days:
        return []
    end = market.calendar.closes(market.days[-1])
    by_day: dict[date, list[tuple[SimBar, int, int]]] = {}
    for issue in _members(market, code):
        before: SimBar | None = None
        for bar in market.bars(issue.code, until=end):
            base = market.base(issue.code, bar.day, before.close if before else bar.close)
            by_day.setdefault(bar.day, []).append((bar, base, issue.shares))
            before = bar
    level, found = BASES[code], []
    for day in sorted(by_day):
        found.append(_level(level, day, by_day[day]))
        level = found[-1].close
    return found


def _level(before: float, day: date, rows: Sequence[tuple[SimBar, int, int]]) -> Level:
    worth = sum(base * shares for _, base, shares in rows) or 1

    def at(name: str) -> float:
        return before * sum((getattr(bar, name) or bar.close) * shares for bar, _, shares in rows) / worth

    levels = {name: round(at(name), 2) for name in ("open", "high", "low", "close")}
    return Level(day, volume=sum(bar.volume for bar, *_ in rows), turnover=sum(bar.value for bar, *_ in rows), **levels)


def _quotes(market: SimMarket, code: str, at: datetime) -> list[SimQuote]:
    return [quote for issue in _members(market, code) if (quote := market.quote(issue.code, at)) is not None]


def _levels(market: SimMarket, code: str, at: datetime, quotes: Sequence[SimQuote] | None = None) -> list[Level]:
    """The sessions until `at`, oldest first; the running one as far as it has gone, by its members' `quotes` then."""
    day, past = market.calendar.latest_session(at), _past(market, code)
    closed = [level for level in past if level.day < day]
    if not any(level.day == day for level in past):
        return closed
    if at >= market.calendar.closes(day):
        return [*closed, next(level for level in past if level.day == day)]
    quotes = _quotes(market, code, at) if quotes is None else quotes
    rows = [(quote.bar, quote.base, quote.issue.shares) for quote in quotes if quote.bar.day == day]
    before = closed[-1].close if closed else BASES[code]
    return [*closed, _level(before, day, rows)]


def now(market: SimMarket, code: str, at: datetime) -> dict[str, str]:
    """The `output` of `inquire-index-price`; zeros for an index there is not."""
    quotes = _quotes(market, code, at) if code in BASES else []
    levels = _levels(market, code, at, quotes) if code in BASES else []
    if not levels:
        return {"bstp_nmix_prpr": "0.00", "bstp_nmix_prdy_vrss": "0.00", "bstp_nmix_prdy_ctrt": "0.00"}
    level, before = levels[-1], levels[-2] if len(levels) > 1 else levels[-1]
    change = level.close - before.close
    return {
        "bstp_nmix_prpr": f"{level.close:.2f}",
        "bstp_nmix_prdy_vrss": f"{change:.2f}",
        "prdy_vrss_sign": _sign(change),
        "bstp_nmix_prdy_ctrt": f"{change / before.close * 100:.2f}",
        "acml_vol": str(level.volume // 1_000),
        "prdy_vol": str(before.volume // 1_000),
        "acml_tr_pbmn": str(level.turnover // 1_000_000),
        "prdy_tr_pbmn": str(before.turnover // 1_000_000),
        "bstp_nmix_oprc": f"{level.open:.2f}",
        "bstp_nmix_hgpr": f"{level.high:.2f}",
        "bstp_nmix_lwpr": f"{level.low:.2f}",
        "ascn_issu_cnt": str(sum(quote.change > 0 for quote in quotes)),
        "uplm_issu_cnt": str(sum(quote.change > 0 and quote.bar.close == quote.upper for quote in quotes)),
        "stnr_issu_cnt": str(sum(quote.change == 0 for quote in quotes)),
        "down_issu_cnt": str(sum(quote.change < 0 for quote in quotes)),
        "lslm_issu_cnt": str(sum(quote.change < 0 and quote.bar.close == quote.lower for quote in quotes)),
    }


def daily(market: SimMarket, code: str, at: datetime, *, until: date) -> dict[str, object]:
    """A hundred sessions back from `until`."""
    levels = [level for level in _levels(market, code, at) if level.day <= until] if code in BASES else []
    return {"output1": now(market, code, at), "output2": _rows(levels, DAILY_ROWS)}


def chart(market: SimMarket, code: str, at: datetime, *, first: date, last: date) -> dict[str, object]:
    """The sessions of [first, last], fifty at most."""
    levels = [level for level in _levels(market, code, at) if first <= level.day <= last] if code in BASES else []
    summary = now(market, code, at) | {"hts_kor_isnm": NAMES.get(code, ""), "bstp_cls_code": code}
    return {"output1": summary, "output2": _rows(levels, CHART_ROWS)}


def _rows(levels: Sequence[Level], most: int) -> list[dict[str, str]]:
    return [
        {
            "stck_bsop_date": f"{level.day:%Y%m%d}",
            "bstp_nmix_prpr": f"{level.close:.2f}",
            "bstp_nmix_oprc": f"{level.open:.2f}",
            "bstp_nmix_hgpr": f"{level.high:.2f}",
            "bstp_nmix_lwpr": f"{level.low:.2f}",
            "acml_vol": str(level.volume // 1_000),
            "acml_tr_pbmn": str(level.turnover // 1_000_000),
            "mod_yn": "N",
        }
        for level in levels[: -most - 1 : -1]
    ]


def _sign(change: float) -> str:
    return "3" if not change else "2" if change > 0 else "5"
