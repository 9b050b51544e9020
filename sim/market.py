"""The simulated exchange: issues and their daily bars, seen as of an instant. No HTTP.

A session's bar is whole from its close on. Before that it is shown as far as the session has gone, along a
path through the day's open, low, high and close that depends on the code and the day alone.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise

from core.clock import Calendar, hours_on, kst, kst_date
from core.stocks.stock import Kind, Market
from sim.ticks import limits, on_tick

_HALTED_SESSIONS = 5
"""An issue without a trade for so many sessions is halted."""


@dataclass(frozen=True, slots=True)
class SimBar:
    """One session of one issue: won, shares, and turnover in won. No trade: zero open, high, low and volume."""

    day: date
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SimIssue:
    """A listed issue. `eps` and `bps` are won a share, `par_value` won; None where the world does not know."""

    code: str
    name: str
    market: Market
    kind: Kind = Kind.COMMON
    shares: int = 0
    market_cap: int = 0
    isin: str = ""
    listed_on: date | None = None
    halted: bool = False
    administrative: bool = False
    sector: str = ""
    par_value: int | None = None
    eps: int | None = None
    bps: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimQuote:
    """The state of one issue at an instant. `base` is the day's base price, from which change and limits count."""

    issue: SimIssue
    bar: SimBar
    base: int
    previous: SimBar | None
    lower: int
    upper: int

    @property
    def change(self) -> int:
        """Won since the base price."""
        return self.bar.close - self.base

    @property
    def percent(self) -> float:
        """Percent since the base price."""
        return self.change / self.base * 100 if self.base else 0.0

    @property
    def market_cap(self) -> int:
        """Won."""
        return self.bar.close * self.issue.shares


class SimMarket:
    """A read-only view of issues and bars.

    `bases` holds the base prices that differ from the close before (splits, rights); `shares` the share counts
    that differ from the issue's own, by the day they began.
    """

    def __init__(
        self,
        issues: Mapping[str, SimIssue],
        bars: Mapping[str, Sequence[SimBar]],
        *,
        bases: Mapping[str, Mapping[date, int]] | None = None,
        shares: Mapping[str, Mapping[date, int]] | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.issues = issues
        self.bases = bases or {}
        self.calendar = calendar or Calendar()
        self._bars = bars
        self._known_days: dict[str, list[date]] = {}
        self._known_hours: dict[date, tuple[datetime, datetime]] = {}
        self._shares = shares or {}

    @cached_property
    def days(self) -> list[date]:
        """Every day some issue has a bar of, oldest first."""
        return sorted({day for code in self._bars for day in self._days(code)})

    def _days(self, code: str) -> list[date]:
        if code not in self._known_days:
            self._known_days[code] = [bar.day for bar in self._bars[code]]
        return self._known_days[code]

    def bars(self, code: str, *, until: datetime, last: int | None = None) -> list[SimBar]:
        """The bars of `code` whose session has opened by `until`, oldest first; today's as far as it has gone.

        With `last`, only so many, the newest. Raises `KeyError` for a code the market does not have.
        """
        today = self._opened(until)
        end = bisect_right(self._days(code), today)
        rows = list(self._bars[code][max(0, end - last) if last else 0 : end])
        if rows and rows[-1].day == kst_date(until) and until < self._hours(today)[1]:
            rows[-1] = self._so_far(self.issues[code], rows[-1], until)
        return rows

    def session(self, code: str, day: date) -> SimBar | None:
        """The whole bar of session `day`; None where the issue has none."""
        place = bisect_right(self._days(code), day) - 1 if code in self._bars else -1
        return self._bars[code][place] if place >= 0 and self._bars[code][place].day == day else None

    def quote(self, code: str, at: datetime) -> SimQuote | None:
        """What a trader sees at `at`, or None before the first bar or for an unknown code.

        From the pre-open of a session until its first trade the price is the base price and the rest is zero.
        """
        if code not in self.issues:
            return None
        rows = self.bars(code, until=at, last=_HALTED_SESSIONS)
        today, issue = kst_date(at), self._stands(code, rows)
        if rows and rows[-1].day < today and self._waits_for_open(code, at):
            base = self.base(code, today, rows[-1].close)
            rows.append(SimBar(today, 0, 0, 0, base, 0, 0))
        if not rows or issue is None:
            return None
        bar, previous = rows[-1], rows[-2] if len(rows) > 1 else None
        base = self.base(code, bar.day, previous.close if previous else bar.close)
        lower, upper = limits(base, issue.market, issue.kind)
        return SimQuote(issue=issue, bar=bar, base=base, previous=previous, lower=lower, upper=upper)

    def issue(self, code: str, at: datetime) -> SimIssue | None:
        """The issue as it stood at `at`: its shares, its value, whether it is halted; None if not yet listed."""
        rows = self.bars(code, until=at, last=_HALTED_SESSIONS) if code in self._bars else []
        return self._stands(code, rows)

    def _stands(self, code: str, rows: Sequence[SimBar]) -> SimIssue | None:
        known = self.issues.get(code)
        if known is None or not rows:
            return None
        counts = self._shares.get(code, {})
        since = [day for day in counts if day <= rows[-1].day]
        shares = counts[max(since)] if since else known.shares
        quiet = len(rows) >= _HALTED_SESSIONS and all(bar.open == 0 for bar in rows[-_HALTED_SESSIONS:])
        halted = quiet and known.market is not Market.KONEX
        return replace(known, shares=shares, market_cap=shares * rows[-1].close, halted=halted)

    def listed(self, at: datetime, board: Market | None = None) -> list[SimIssue]:
        """The issues listed at `at` (on `board`): those with a bar on the newest day that has opened."""
        opened = bisect_right(self.days, self._opened(at))
        if not opened:
            return []
        newest = self.days[opened - 1]
        codes = [code for code, issue in self.issues.items() if board in (None, issue.market)]
        found = (self.issue(code, at) for code in codes if _has(self._days(code), newest))
        return [issue for issue in found if issue is not None]

    def base(self, code: str, day: date, otherwise: int) -> int:
        """The base price of `code` on `day`, in won: the close before unless the exchange set another."""
        return self.bases.get(code, {}).get(day, otherwise)

    def _opened(self, at: datetime) -> date:
        day = kst_date(at)
        opened = self.calendar.is_session(day) and at >= self._hours(day)[0]
        return day if opened else self.calendar.previous_session(day)

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        if day not in self._known_hours:
            self._known_hours[day] = self.calendar.opens(day), self.calendar.closes(day)
        return self._known_hours[day]

    def _waits_for_open(self, code: str, at: datetime) -> bool:
        today = kst_date(at)
        return _has(self._days(code), today) and at >= kst(today, hours_on(today).pre_open)

    def _so_far(self, issue: SimIssue, bar: SimBar, at: datetime) -> SimBar:
        opens, closes = self._hours(bar.day)
        return partial_bar(issue, bar, (at - opens) / (closes - opens))


def _has(days: Sequence[date], day: date) -> bool:
    place = bisect_right(days, day)
    return place > 0 and days[place - 1] == day


def partial_bar(issue: SimIssue, bar: SimBar, share: float) -> SimBar:
    """`bar` as it looked when `share` (0 to 1) of its session had passed."""
    if bar.open == 0 or share >= 1:
        return bar
    seed = zlib.crc32(f"{issue.code}{bar.day}".encode())
    first, second = 0.1 + seed % 97 / 97 * 0.3, 0.55 + seed // 97 % 97 / 97 * 0.3
    extremes = (bar.low, bar.high) if seed & 1 else (bar.high, bar.low)
    knots = ((0.0, bar.open), (first, extremes[0]), (second, extremes[1]), (1.0, bar.close))
    price = on_tick(_along(knots, share), issue.kind)
    seen = [level for moment, level in knots if moment <= share] + [price]
    volume = max(1, int(bar.volume * share**0.8))
    average = min(max(bar.value / bar.volume, min(seen)), max(seen))
    return SimBar(bar.day, bar.open, max(seen), min(seen), price, volume, int(volume * average))


def _along(knots: Sequence[tuple[float, int]], share: float) -> float:
    for (left, low), (right, high) in pairwise(knots):
        if share <= right:
            return low + (high - low) * (share - left) / (right - left)
    return knots[-1][1]


def generated_market(seed: int, *, until: date, calendar: Calendar | None = None) -> SimMarket:
    """A market of some sixty well-known issues, deterministic by `seed`, with bars through `until`.

    The same seed gives the same past whatever `until` is.
    """
    from sim.generate import generate

    return generate(seed, until=until, calendar=calendar)
