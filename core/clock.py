"""The one clock: aware UTC now, and the sessions and phases of the Korean exchange.

Sessions come from `exchange_calendars` XKRX plus corrections read from the exchange's own calendar.
Hours are data with from-dates: on 2026-09-14 the ten-minute single-price session after the close
(16:00-18:00) was replaced by a continuous after-market (16:00-20:00).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo

KST = ZoneInfo("Asia/Seoul")


def kst(day: date, at: time | None = None) -> datetime:
    """The UTC instant of a wall-clock time in Seoul on `day` (midnight unless `at` says otherwise)."""
    return datetime.combine(day, at or time(), KST).astimezone(UTC)


def kst_date(at: datetime) -> date:
    """The date in Seoul at an aware instant."""
    return at.astimezone(KST).date()


class Phase(StrEnum):
    """Where the trading day stands."""

    CLOSED_DAY = "closed_day"
    PRE_OPEN = "pre_open"
    OPENING_HOUR = "opening_hour"
    SESSION = "session"
    CLOSING_PRICE = "closing_price"
    AFTER_HOURS = "after_hours"
    AFTER_CLOSE = "after_close"


@dataclass(frozen=True, slots=True)
class Hours:
    """Trading hours in Seoul wall-clock time, in force from a date on."""

    from_date: date
    pre_open: time
    open: time
    close: time
    closing_price: tuple[time, time]
    after_hours: tuple[time, time]
    after_hours_kind: str


HOURS = (
    Hours(
        from_date=date(2016, 8, 1),
        pre_open=time(8, 30),
        open=time(9),
        close=time(15, 30),
        closing_price=(time(15, 40), time(16)),
        after_hours=(time(16), time(18)),
        after_hours_kind="single_price",
    ),
    Hours(
        from_date=date(2026, 9, 14),
        pre_open=time(8, 30),
        open=time(9),
        close=time(15, 30),
        closing_price=(time(15, 40), time(16)),
        after_hours=(time(16), time(20)),
        after_hours_kind="continuous",
    ),
)


def hours_on(day: date) -> Hours:
    """The hours in force on `day`; days before the first entry use the first."""
    return next((hours for hours in reversed(HOURS) if hours.from_date <= day), HOURS[0])


CORRECTIONS: Mapping[date, bool] = {
    date(2026, 6, 3): False,  # local elections
    date(2026, 7, 17): False,  # Constitution Day, a public holiday again since 2026
}
"""Days the library has wrong."""

SHIFTED_DAYS: Mapping[date, tuple[time, time]] = {
    date(2026, 11, 19): (time(10), time(16, 30)),  # college entrance examination
}
"""Open and close of sessions that run later than usual, where the library does not know them yet."""


@dataclass(frozen=True)
class Calendar:
    """KRX sessions. `corrections` maps a date to whether it trades, and overrules the library; what the exchange's own
    calendar said and was learned from it overrules both."""

    corrections: Mapping[date, bool] = field(default_factory=lambda: CORRECTIONS)
    shifted: Mapping[date, tuple[time, time]] = field(default_factory=lambda: SHIFTED_DAYS)
    _learned: dict[date, bool] = field(default_factory=dict, repr=False, compare=False)
    _known: dict[tuple[str, date], datetime] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _xkrx(self) -> Any:
        import exchange_calendars

        return exchange_calendars.get_calendar("XKRX", start="2018-01-01", end="2027-12-31")

    @cached_property
    def _sessions(self) -> frozenset[date]:
        known = {stamp.date() for stamp in self._xkrx.sessions}
        corrections = {**self.corrections, **self._learned}
        known |= {day for day, trades in corrections.items() if trades}
        return frozenset(known - {day for day, trades in corrections.items() if not trades})

    def learn(self, days: Mapping[date, bool]) -> None:
        """Follow the exchange's own calendar for these days: whether each is a session."""
        self._learned.update(days)
        self._known.clear()
        self.__dict__.pop("_sessions", None)

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on `day`."""
        return day in self._sessions

    def next_session(self, day: date) -> date:
        """The first session after `day`."""
        return self._step(day, timedelta(days=1))

    def previous_session(self, day: date) -> date:
        """The last session before `day`."""
        return self._step(day, timedelta(days=-1))

    def _step(self, day: date, step: timedelta) -> date:
        for _ in range(40):
            day += step
            if self.is_session(day):
                return day
        raise ValueError(f"no session within 40 days of {day}")

    def session_after(self, day: date, count: int) -> date:
        """The session `count` sessions after `day` (which need not be one)."""
        for _ in range(count):
            day = self.next_session(day)
        return day

    def latest_session(self, at: datetime) -> date:
        """The newest session that has opened by the instant `at`."""
        day = kst_date(at)
        if self.is_session(day) and at >= self.opens(day):
            return day
        return self.previous_session(day)

    def last_closed_session(self, at: datetime) -> date:
        """The newest session whose regular close (closing auction included) lies at or before `at`."""
        day = kst_date(at)
        if self.is_session(day) and at >= self.closes(day):
            return day
        return self.previous_session(day)

    def opens(self, day: date) -> datetime:
        """The instant of the regular open of session `day`, late opens included."""
        if day in self.shifted:
            return kst(day, self.shifted[day][0])
        return self._instant("session_open", day, hours_on(day).open)

    def closes(self, day: date) -> datetime:
        """The instant of the regular close of session `day`, shifted closes included."""
        if day in self.shifted:
            return kst(day, self.shifted[day][1])
        return self._instant("session_close", day, hours_on(day).close)

    def _instant(self, lookup: str, day: date, otherwise: time) -> datetime:
        if (lookup, day) not in self._known:  # the library takes forty microseconds, and everything asks
            added = self.corrections.get(day) or self._learned.get(day)
            if added and not self._xkrx.is_session(day.isoformat()):
                return kst(day, otherwise)
            moment: datetime = getattr(self._xkrx, lookup)(day.isoformat()).to_pydatetime()
            self._known[lookup, day] = moment.astimezone(UTC)
        return self._known[lookup, day]

    def phase(self, at: datetime) -> Phase:
        """The phase of the trading day at the instant `at`."""
        day = kst_date(at)
        if not self.is_session(day):
            return Phase.CLOSED_DAY
        hours, opens, closes = hours_on(day), self.opens(day), self.closes(day)
        shift = closes - kst(day, hours.close)
        if at < opens:
            return Phase.PRE_OPEN
        if at < opens + timedelta(hours=1):
            return Phase.OPENING_HOUR
        if at < closes:
            return Phase.SESSION
        for phase, (start, end) in (
            (Phase.CLOSING_PRICE, hours.closing_price),
            (Phase.AFTER_HOURS, hours.after_hours),
        ):
            if kst(day, start) + shift <= at < kst(day, end) + shift:
                return phase
        return Phase.AFTER_CLOSE


class Clock(Protocol):
    """What tells the time. Everything that needs it takes one of these, or an `at=`."""

    def now(self) -> datetime:
        """Aware UTC now."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)


class ShiftedClock:
    """A clock that started at `start` when it was made and runs at the machine's rate: the demo's."""

    def __init__(self, start: datetime) -> None:
        self._shift = start - SystemClock().now()

    def now(self) -> datetime:
        """Aware UTC now, shifted."""
        return SystemClock().now() + self._shift

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to, for tests and simulated days. Sleeping moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant last set."""
        return self.at

    def move(self, by: timedelta) -> None:
        """Move forward, or back for a clock jump."""
        self.at += by

    async def sleep(self, seconds: float) -> None:
        """Move the clock and let other tasks run; no real time passes."""
        self.move(timedelta(seconds=seconds))
        await asyncio.sleep(0)
