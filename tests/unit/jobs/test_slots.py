"""Slots around weekends, holidays and days with other hours, and what a cron text may say."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import KST, Calendar, kst
from jobs.slots import WEEKDAYS, cron_times, latest_slot, next_slot, slots_between
from jobs.spec import JobSpec
from tests.unit.jobs.specs import make_spec

CALENDAR = Calendar()
REPORTS = make_spec(schedule=(time(10), time(13), time(15, 45)), sessions_only=True)
CRAWL = make_spec(schedule="*/10 * * * *")


def walls(spec: JobSpec, first: datetime, last: datetime) -> list[str]:
    """The slots in a span, as Seoul wall-clock text."""
    return [f"{slot.astimezone(KST):%m-%d %H:%M}" for slot in slots_between(spec, first, last, CALENDAR)]


def on(day: date) -> list[str]:
    """The wall-clock times of the reports of one day."""
    return [text[6:] for text in walls(REPORTS, kst(day), kst(day + timedelta(days=1)))]


def test_session_job_skips_the_weekend() -> None:
    friday, monday = date(2026, 2, 20), date(2026, 2, 23)
    assert walls(REPORTS, kst(friday, time(13)), kst(monday, time(10))) == ["02-20 15:45", "02-23 10:00"]


@pytest.mark.parametrize("holiday", [date(2026, 2, 17), date(2026, 6, 3), date(2026, 7, 17), date(2026, 12, 31)])
def test_session_job_has_no_slot_on_a_holiday(holiday: date) -> None:
    assert on(holiday) == []


def test_times_of_an_ordinary_session_stand_as_written() -> None:
    assert on(date(2026, 2, 20)) == ["10:00", "13:00", "15:45"]


def test_late_open_moves_the_opening_slot_alone() -> None:
    assert on(date(2026, 1, 2)) == ["11:00", "13:00", "15:45"]


def test_examination_day_moves_opening_and_closing_slots() -> None:
    assert on(date(2026, 11, 19)) == ["11:00", "13:00", "16:45"]


def test_job_of_every_day_runs_on_holidays_at_the_written_time() -> None:
    daily = make_spec(schedule=(time(7, 30),))
    assert walls(daily, kst(date(2026, 2, 16)), kst(date(2026, 2, 18))) == ["02-16 07:30", "02-17 07:30"]


def test_span_excludes_its_start_and_includes_its_end() -> None:
    start = kst(date(2026, 2, 20), time(9))
    assert walls(CRAWL, start, start + timedelta(minutes=20)) == ["02-20 09:10", "02-20 09:20"]


def test_latest_and_next_slot_meet_at_the_slot_itself() -> None:
    slot = kst(date(2026, 2, 20), time(15, 45))
    assert latest_slot(REPORTS, slot, CALENDAR) == slot
    assert latest_slot(REPORTS, slot - timedelta.resolution, CALENDAR) == kst(date(2026, 2, 20), time(13))
    assert next_slot(REPORTS, slot, CALENDAR) == kst(date(2026, 2, 23), time(10))


def test_latest_slot_looks_back_over_a_long_holiday() -> None:
    assert latest_slot(REPORTS, kst(date(2026, 2, 19), time(9)), CALENDAR) == kst(date(2026, 2, 13), time(15, 45))


@given(st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.times(), st.integers(0, 3_000), st.integers(0, 3_000))
def test_slots_of_a_span_are_those_of_its_parts(day: date, wall: time, first: int, second: int) -> None:
    begin = kst(day, wall)
    middle, end = begin + timedelta(minutes=first), begin + timedelta(minutes=first + second)
    for spec in (REPORTS, CRAWL):
        whole = list(slots_between(spec, begin, end, CALENDAR))
        parts = [*slots_between(spec, begin, middle, CALENDAR), *slots_between(spec, middle, end, CALENDAR)]
        assert whole == parts == sorted(set(whole))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 1 * * sun", ["01:00"]),
        ("*/20 9-10 * * sat,sun", ["09:00", "09:20", "09:40", "10:00", "10:20", "10:40"]),
        ("5,35 23 22 2 *", ["23:05", "23:35"]),
        ("0 9 * * mon-fri", []),
        ("0 9 21 * *", []),
        ("0 0-23/12 * * fri-sun", ["00:00", "12:00"]),
    ],
)
def test_cron_fields_name_the_times_of_a_sunday(text: str, expected: list[str]) -> None:
    sunday = date(2026, 2, 22)
    assert [f"{wall:%H:%M}" for wall in cron_times(text, sunday)] == expected


@pytest.mark.parametrize(
    "text", ["0 8 * * 1-5", "0 8 * *", "60 8 * * *", "* 24 * * *", "0 8 * * fri-mon", "0 8 0 * *", "x * * * *", ""]
)
def test_cron_refuses_numbered_weekdays_and_nonsense(text: str) -> None:
    with pytest.raises(ValueError):
        cron_times(text, date(2026, 2, 20))


@given(st.sampled_from(WEEKDAYS), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_named_weekday_is_the_day_of_that_name(name: str, day: date) -> None:
    assert bool(cron_times(f"0 0 * * {name}", day)) == (f"{day:%a}".lower() == name)
