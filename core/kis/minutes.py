"""Minute bars: `inquire-time-itemchartprice` (today) and `inquire-time-dailychartprice` (a past day).

Rows come newest first, at or before an anchor. They carry the volume of their minute but the turnover of the day so
far, so the oldest row of a page only serves as the base of the next one, unless the day begins with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import pairwise
from typing import Final

from core.clock import KST, kst
from core.errors import Malformed
from core.kis.rows import LARGEST, Rejected, Row, clock_time, day, each, listed, members, needed, not_negative, whole
from core.market.bar import MinuteBar

TODAY: Final = "inquire-time-itemchartprice", "FHKST03010200"
TODAY_ROWS: Final = 30
PAST: Final = "inquire-time-dailychartprice", "FHKST03010230"
PAST_ROWS: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class MinutePage:
    """One reply: minutes of the day asked for, oldest first, whose `value` is the turnover of the day so far.

    `full` says that there may be earlier ones.
    """

    running: tuple[MinuteBar, ...]
    rejected: tuple[Rejected, ...]
    full: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MinuteChart:
    """The minutes with a trade, oldest first. Minutes before `since` are not known from it."""

    bars: tuple[MinuteBar, ...]
    since: datetime
    rejected: tuple[Rejected, ...] = ()


def today_params(code: str, anchor: time) -> dict[str, str]:
    """The query for thirty minutes of the running day at or before `anchor`, which must have passed."""
    return {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": code,
        "FID_INPUT_HOUR_1": f"{anchor:%H%M00}",
        "FID_PW_DATA_INCU_YN": "N",
        "FID_ETC_CLS_CODE": "",
    }


def past_params(code: str, on: date, anchor: time) -> dict[str, str]:
    """The query for 120 minutes of a past day at or before `anchor`."""
    return {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": code,
        "FID_INPUT_DATE_1": f"{on:%Y%m%d}",
        "FID_INPUT_HOUR_1": f"{anchor:%H%M00}",
        "FID_PW_DATA_INCU_YN": "N",
        "FID_FAKE_TICK_INCU_YN": "",
    }


def page_of(body: Row, *, on: date, anchor: time, most: int) -> MinutePage:
    """The rows of day `on` until `anchor`; rows of other days are what KIS fills up with before the open, and left out.

    Raises `Malformed` for no row at all of a stock that has traded: that is a fault of KIS, and no quiet day.
    """
    rows = listed(body, "output2")
    if not rows and whole(members(body, "output1"), "acml_vol"):
        raise Malformed("KIS: no minute of a stock that has traded")
    others = sum(isinstance(row, dict) and row.get("stck_bsop_date") != f"{on:%Y%m%d}" for row in rows)

    def read(row: Row) -> MinuteBar | None:
        return _running(row, on, anchor)

    found, bad = each(rows, read)
    by_minute = {bar.at: bar for bar in reversed(found)}
    return MinutePage(
        running=tuple(by_minute[at] for at in sorted(by_minute)), rejected=bad, full=len(rows) >= most and not others
    )


def chart_of(pages: Iterable[MinutePage], *, opens: datetime) -> MinuteChart:
    """The pages, newest first, as one series of minutes with their own turnover; the session opened at `opens`."""
    pages = tuple(pages)
    by_minute = {bar.at: bar for page in reversed(pages) for bar in page.running}
    running = [by_minute[at] for at in sorted(by_minute)]
    from_open = not pages or not pages[-1].full
    own = [_own(None, running[0])] if running and from_open else []
    own += [_own(before, bar) for before, bar in pairwise(running)]
    return MinuteChart(
        bars=tuple(bar for bar in own if bar.volume),
        since=opens if from_open or not own else own[0].at,
        rejected=tuple(row for page in pages for row in page.rejected),
    )


def next_anchor(page: MinutePage) -> time | None:
    """The anchor of the page before: the oldest minute once more, for its turnover. None where the day begins."""
    if not page.full or len(page.running) < 2:
        return None
    return page.running[0].at.astimezone(KST).time()


def _running(row: Row, on: date, anchor: time) -> MinuteBar | None:
    if day(row, "stck_bsop_date") != on:
        return None
    at = needed(clock_time(row, "stck_cntg_hour"), "stck_cntg_hour").replace(second=0)
    if at > anchor:
        raise Malformed(f"{at} was not asked for")
    bar = MinuteBar(
        at=kst(on, at),
        open=not_negative(row, "stck_oprc"),
        high=not_negative(row, "stck_hgpr"),
        low=not_negative(row, "stck_lwpr"),
        close=not_negative(row, "stck_prpr"),
        volume=not_negative(row, "cntg_vol"),
        value=not_negative(row, "acml_tr_pbmn"),
    )
    if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise Malformed(f"open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close} contradict each other")
    if bar.high * bar.volume > LARGEST:
        raise Malformed(f"a volume of {bar.volume}")
    return bar


def _own(before: MinuteBar | None, bar: MinuteBar) -> MinuteBar:
    """The minute with its own turnover; where the totals do not fit the volume its close stands for the average."""
    value = bar.value - (before.value if before else 0)
    fits = bar.low * bar.volume <= value <= bar.high * bar.volume
    return replace(bar, value=value if fits else bar.close * bar.volume)
