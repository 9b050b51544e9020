"""Minute bars along the path the day's bar takes: `inquire-time-itemchartprice` and `inquire-time-dailychartprice`.

The last minute before the close is the auction: it is written at the close itself. Beyond the present the running
day is filled with flat minutes without volume, as the real service does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.clock import KST, kst, kst_date
from sim.kis.price import changes
from sim.market import SimBar, SimMarket, partial_bar

TODAY_ROWS, PAST_ROWS = 30, 120
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute: won, shares, and the turnover of the day until its end."""

    at: datetime
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int


def minutes_of(
    market: SimMarket, code: str, day: date, until: datetime, *, since: datetime | None = None
) -> list[Minute]:
    """The minutes of session `day` that have begun by `until`, oldest first; the running one as far as it has gone.

    Those that ended before `since` are left out.
    """
    bar, issue = market.session(code, day), market.issues.get(code)
    if bar is None or issue is None or not bar.open:
        return []
    opens, closes = market.calendar.opens(day), market.calendar.closes(day)
    skipped = max(0, ((since or opens) - opens) // MINUTE)
    begins = opens + skipped * MINUTE
    before = SimBar(day, bar.open, bar.open, bar.open, bar.open, 0, 0)
    if skipped:
        before = partial_bar(issue, bar, (begins - opens) / (closes - opens))
    found: list[Minute] = []
    while begins < closes and begins <= until:
        ends = min(begins + MINUTE, until if until > begins else begins + MINUTE)
        after = partial_bar(issue, bar, (ends - opens) / (closes - opens))
        last = begins + MINUTE >= closes
        found.append(_minute(closes if last else begins, before, after))
        begins, before = begins + MINUTE, after
    return [minute for minute in found if minute.at <= until]


def _minute(at: datetime, before: SimBar, after: SimBar) -> Minute:
    high = after.high if after.high > before.high else max(before.close, after.close)
    low = after.low if after.low < before.low else min(before.close, after.close)
    return Minute(at, before.close, high, low, after.close, max(0, after.volume - before.volume), after.value)


def today(market: SimMarket, code: str, at: datetime, *, anchor: time) -> dict[str, object]:
    """Thirty minutes at or before `anchor` of the newest session that has opened."""
    day = market.calendar.latest_session(at)
    return _answer(market, code, at, day, anchor, TODAY_ROWS)


def past(market: SimMarket, code: str, at: datetime, *, on: date, anchor: time) -> dict[str, object]:
    """120 minutes at or before `anchor` of a session; of the one before where `on` is none."""
    day = on if market.calendar.is_session(on) and on <= kst_date(at) else market.calendar.previous_session(on)
    return _answer(market, code, at, day, anchor, PAST_ROWS)


def _answer(market: SimMarket, code: str, at: datetime, day: date, anchor: time, most: int) -> dict[str, object]:
    quote = market.quote(code, at)
    if quote is None:
        return {"output1": {"stck_prpr": "0", "hts_kor_isnm": ""}, "output2": []}
    until = kst(day, anchor)
    since = min(until, at, market.calendar.closes(day)) - (most + 1) * MINUTE
    rows = minutes_of(market, code, day, at, since=since)
    rows = [*rows, *_filler(rows, until)]
    shown = [minute for minute in rows if minute.at <= until][: -most - 1 : -1]
    summary = {
        **changes(quote),
        "stck_prdy_clpr": str(quote.base),
        "acml_vol": str(quote.bar.volume),
        "acml_tr_pbmn": str(quote.bar.value),
        "hts_kor_isnm": quote.issue.name,
        "stck_prpr": str(quote.bar.close),
    }
    return {"output1": summary, "output2": [_row(minute) for minute in shown]}


def _filler(rows: list[Minute], anchor: datetime) -> list[Minute]:
    if not rows:
        return []
    last = rows[-1]
    count = max(0, min((anchor - last.at) // MINUTE, 600))
    return [
        Minute(last.at + MINUTE * step, last.close, last.close, last.close, last.close, 0, last.turnover)
        for step in range(1, count + 1)
    ]


def _row(minute: Minute) -> dict[str, str]:
    at = minute.at.astimezone(KST)
    return {
        "stck_bsop_date": f"{at:%Y%m%d}",
        "stck_cntg_hour": f"{at:%H%M}00",
        "stck_prpr": str(minute.close),
        "stck_oprc": str(minute.open),
        "stck_hgpr": str(minute.high),
        "stck_lwpr": str(minute.low),
        "cntg_vol": str(minute.volume),
        "acml_tr_pbmn": str(minute.turnover),
    }
