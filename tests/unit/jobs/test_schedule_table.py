"""The jobs that were promised, and when: the promise written down once, beside what the registry says."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Final, NamedTuple

import pytest

from core.clock import KST, Calendar, kst
from jobs.registry import JOBS
from jobs.slots import slots_between
from jobs.spec import CatchUp, TodayIfWithin

CALENDAR = Calendar()
FRIDAY, SATURDAY, SUNDAY = date(2026, 2, 20), date(2026, 2, 21), date(2026, 2, 22)
HOLIDAY = date(2026, 2, 17)
"""A Tuesday: the lunar new year."""

ALWAYS, SESSIONS, SUNDAYS = "every day", "sessions", "sundays"


class Promise(NamedTuple):
    """When a job is to run: by the step of its minutes, or at times of the day in Seoul."""

    when: timedelta | tuple[time, ...]
    days: str
    catch_up: CatchUp | TodayIfWithin


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


PROMISED: Final = {
    "crawl_news": Promise(minutes(10), ALWAYS, CatchUp.LATEST),
    "search_stock_news": Promise(minutes(10), ALWAYS, CatchUp.LATEST),
    "crawl_disclosures": Promise(minutes(5), ALWAYS, CatchUp.LATEST),
    "collect_minute_bars": Promise(minutes(1), SESSIONS, CatchUp.LATEST),
    "collect_market_data": Promise(minutes(5), SESSIONS, CatchUp.LATEST),
    "collect_daily_bars": Promise((time(15, 40),), SESSIONS, CatchUp.LATEST),
    "match_news": Promise((time(15, 40),), SESSIONS, CatchUp.BACKLOG),
    "generate_reports": Promise((time(10), time(13), time(15, 45)), SESSIONS, TodayIfWithin(timedelta(hours=2))),
    "embed_news": Promise((time(16),), ALWAYS, CatchUp.BACKLOG),
    "collect_investor_trends": Promise((time(16),), SESSIONS, CatchUp.LATEST),
    "evaluate_predictions": Promise((time(16, 30),), SESSIONS, CatchUp.EVERY_SLOT),
    "collect_overtime": Promise((time(18), time(20, 5)), SESSIONS, CatchUp.LATEST),
    "collect_index_daily": Promise((time(18),), SESSIONS, CatchUp.LATEST),
    "collect_product_info": Promise((time(1),), SUNDAYS, CatchUp.LATEST),
    "collect_financials": Promise((time(2),), SUNDAYS, CatchUp.LATEST),
    "dispatch_alerts": Promise(minutes(10), ALWAYS, CatchUp.LATEST),
    "send_briefs": Promise((time(8), time(12), time(16)), ALWAYS, TodayIfWithin(timedelta(hours=2))),
    "check_usage": Promise(minutes(1), ALWAYS, CatchUp.LATEST),
    "check_health": Promise(minutes(1), ALWAYS, CatchUp.LATEST),
    "check_strategies": Promise(minutes(1), ALWAYS, CatchUp.LATEST),
    "housekeeping": Promise((time(3, 30),), ALWAYS, CatchUp.LATEST),
}

NOT_YET: Final[set[str]] = set()
"""Promised and not there. Take a name out when its job arrives."""

OFTENER: Final = {"embed_news": minutes(10)}
"""Promised once a day and as articles arrive: a job that runs as often as articles are read is both."""

ADDED: Final = {
    "refresh_stocks": "stocks must be known before anything is asked about them, every morning and not on Sundays only",
    "refresh_calendar": "the exchange's own calendar, read once a day, corrects ours before the session",
    "repair_minute_bars": "the repair of minutes at the end of the day is hours of work, not part of a minute's job",
    "compare_sources": "daily collection by two sources at once is compared after the close",
}
"""Jobs nobody promised, with the reason for each."""


def slots(name: str, day: date) -> list[time]:
    """The times of day of a job's slots on `day`, in Seoul."""
    found = slots_between(JOBS[name], kst(day) - timedelta.resolution, kst(day, time(23, 59, 59)), CALENDAR)
    return [slot.astimezone(KST).time() for slot in found]


def promised_times(name: str, promise: Promise) -> list[time]:
    """The times of day of a promise; every-minute work of sessions is from the open until a little after the close."""
    when = OFTENER.get(name, promise.when)
    if not isinstance(when, timedelta):
        return list(when)
    first, last = (9 * 60, 17 * 60) if promise.days is SESSIONS else (0, 24 * 60)
    return [time(*divmod(minute, 60)) for minute in range(first, last, when // timedelta(minutes=1))]


def test_every_job_is_promised_or_added_for_a_reason() -> None:
    assert set(JOBS) == set(PROMISED) - NOT_YET | set(ADDED)
    assert PROMISED.keys() >= NOT_YET, "a job that arrived is no longer missing"
    assert not PROMISED.keys() & ADDED.keys()


@pytest.mark.parametrize("name", sorted(set(PROMISED) - NOT_YET))
def test_job_runs_when_it_was_promised_and_catches_up_as_promised(name: str) -> None:
    promise = PROMISED[name]
    times = promised_times(name, promise)
    on = {ALWAYS: {FRIDAY, SATURDAY, SUNDAY, HOLIDAY}, SESSIONS: {FRIDAY}, SUNDAYS: {SUNDAY}}[promise.days]
    for day in (HOLIDAY, FRIDAY, SATURDAY, SUNDAY):
        assert slots(name, day) == (times if day in on else []), f"{day:%A}"
    assert JOBS[name].catch_up == promise.catch_up
    assert JOBS[name].sessions_only == (promise.days is SESSIONS)


@pytest.mark.parametrize("name", [name for name in PROMISED if name in JOBS])
def test_job_of_every_few_minutes_must_end_before_its_next_slot(name: str) -> None:
    when = OFTENER.get(name, PROMISED[name].when)
    if isinstance(when, timedelta) and JOBS[name].catch_up is CatchUp.LATEST and PROMISED[name].days is SESSIONS:
        assert JOBS[name].timeout < when


@pytest.mark.parametrize("name", ["collect_minute_bars", "collect_market_data"])
def test_slots_of_a_session_cover_it_however_late_it_opens(name: str) -> None:
    for day in (FRIDAY, date(2026, 11, 19), date(2026, 1, 2)):
        times = slots(name, day)
        assert times[0] <= CALENDAR.opens(day).astimezone(KST).time()
        assert times[-1] >= CALENDAR.closes(day).astimezone(KST).time()
