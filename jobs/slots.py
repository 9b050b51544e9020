"""When a job is to run: pure arithmetic on Seoul's wall clock and the exchange's calendar.

A slot is the aware UTC instant a run is for. Seoul has had no daylight saving time since 1988.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from core.clock import Calendar, hours_on, kst, kst_date
from jobs.spec import JobSpec

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FARTHEST = timedelta(days=35)
"""How far `latest_slot` and `next_slot` look: farther than any long holiday and any monthly job."""

_DAY = timedelta(days=1)


def slots_between(spec: JobSpec, after: datetime, until: datetime, calendar: Calendar) -> Iterator[datetime]:
    """The slots after the instant `after` and not after `until`, oldest first."""
    day = kst_date(after)
    while day <= kst_date(until):
        yield from (slot for slot in _slots_of(spec, day, calendar) if after < slot <= until)
        day += _DAY


def latest_slot(spec: JobSpec, at: datetime, calendar: Calendar) -> datetime | None:
    """The newest slot not after `at`."""
    day, oldest = kst_date(at), kst_date(at - FARTHEST)
    while day >= oldest:
        for slot in reversed(_slots_of(spec, day, calendar)):
            if slot <= at:
                return slot
        day -= _DAY
    return None


def next_slot(spec: JobSpec, at: datetime, calendar: Calendar) -> datetime | None:
    """The first slot after `at`."""
    return next(slots_between(spec, at, at + FARTHEST, calendar), None)


def _slots_of(spec: JobSpec, day: date, calendar: Calendar) -> tuple[datetime, ...]:
    if spec.sessions_only and not calendar.is_session(day):
        return ()
    if isinstance(spec.schedule, str):
        return _cron_slots(spec.schedule, day)
    if not spec.sessions_only:
        return tuple(kst(day, wall) for wall in sorted(spec.schedule))
    return on_session(spec.schedule, day, calendar)


def on_session(times: Iterable[time], day: date, calendar: Calendar) -> tuple[datetime, ...]:
    """When times of the day are on session `day`, which may open or close late."""
    return tuple(sorted(kst(day, wall) + _delay(wall, day, calendar) for wall in times))


@lru_cache  # every tick asks for today's slots of every job, of which those of a minute are 1,440
def _cron_slots(schedule: str, day: date) -> tuple[datetime, ...]:
    return tuple(kst(day, wall) for wall in cron_times(schedule, day))


def _delay(wall: time, day: date, calendar: Calendar) -> timedelta:
    """How much later a session's slot is on a day that opens or closes late.

    Times up to an hour after the usual open go with the open, times from the usual close on with the close.
    """
    usual = hours_on(day)
    if kst(day, wall) <= kst(day, usual.open) + timedelta(hours=1):
        return calendar.opens(day) - kst(day, usual.open)
    return calendar.closes(day) - kst(day, usual.close) if wall >= usual.close else timedelta()


def cron_times(text: str, day: date) -> tuple[time, ...]:
    """The times of `day` that five cron fields name: minute, hour, day of month, month, weekday by name.

    A day must satisfy all of its three fields. Raises `ValueError` for anything else, a numbered weekday included:
    whether 0 is Sunday or Monday depends on who reads it.
    """
    minutes, hours, days, months, weekdays = cron_fields(text)
    if day.day not in days or day.month not in months or day.weekday() not in weekdays:
        return ()
    return tuple(time(hour, minute) for hour in hours for minute in minutes)


@lru_cache
def cron_fields(text: str) -> tuple[tuple[int, ...], ...]:
    """The values each of five cron fields names, in order: minutes, hours, days, months, weekdays from Monday, 0."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"five fields expected: {text!r}")
    *numbers, weekdays = fields
    if any(letter.isdigit() for letter in weekdays):
        raise ValueError(f"weekdays are named, mon to sun: {text!r}")
    for number, name in enumerate(WEEKDAYS):
        weekdays = weekdays.replace(name, str(number))
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12))
    return (*(_field(field, *bound) for field, bound in zip(numbers, bounds, strict=True)), _field(weekdays, 0, 6))


def _field(field: str, low: int, high: int) -> tuple[int, ...]:
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        named = range(int(first), int(last or first) + 1, int(step or 1))
        if not named or named[0] < low or named[-1] > high:
            raise ValueError(f"not within {low}-{high}: {field!r}")
        values.update(named)
    return tuple(sorted(values))
