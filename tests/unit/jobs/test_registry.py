"""The table of jobs, by enumeration."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from core.clock import KST, Calendar, kst
from jobs.registry import JOBS
from jobs.slots import latest_slot, next_slot, slots_between
from jobs.spec import JobSpec

CALENDAR = Calendar()
FRIDAY = date(2026, 2, 20)


@pytest.mark.parametrize("spec", JOBS.values(), ids=JOBS.keys())
def test_job_has_a_schedule_a_summary_and_time_to_finish(spec: JobSpec) -> None:
    slot = next_slot(spec, kst(FRIDAY), CALENDAR)
    assert slot is not None
    assert latest_slot(spec, slot, CALENDAR) == slot
    assert spec.summary
    assert timedelta(seconds=30) <= spec.timeout < timedelta(hours=24)


def test_jobs_that_go_first_stand_first() -> None:
    names = list(JOBS)
    for spec in JOBS.values():
        assert all(names.index(first) < names.index(spec.name) for first in spec.after)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("refresh_stocks", ["07:30"]),
        ("collect_daily_bars", ["15:40"]),
        ("generate_reports", ["10:00", "13:00", "15:45"]),
        ("evaluate_predictions", ["16:30"]),
    ],
)
def test_slots_of_a_session(name: str, expected: list[str]) -> None:
    slots = slots_between(JOBS[name], kst(FRIDAY), kst(FRIDAY, time(23, 59)), CALENDAR)
    assert [f"{slot.astimezone(KST):%H:%M}" for slot in slots] == expected


@pytest.mark.parametrize("name", ["crawl_news", "embed_news"])
def test_news_is_read_every_ten_minutes_of_every_day(name: str) -> None:
    sunday = date(2026, 2, 22)
    assert len(list(slots_between(JOBS[name], kst(sunday), kst(sunday + timedelta(days=1)), CALENDAR))) == 144
