"""The table of jobs as a reader needs it, and runs that are asked for."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta

import pytest
from sqlalchemy import text

from bot.texts import texts
from bot.views.timetable import timetable as in_words
from core.chats.member import Language
from core.clock import ManualClock
from core.errors import Conflict
from core.runs.control import Missed
from core.runs.run import RunState
from core.services import Services
from jobs.control import Control, described, timetable
from jobs.registry import JOBS
from jobs.spec import CatchUp, TodayIfWithin
from tests.conftest import NOW
from tests.unit.jobs.specs import forever, make_spec

DAILY = (time(15, 45), time(10))


@pytest.mark.parametrize(
    ("schedule", "sessions_only", "korean", "english"),
    [
        ("*/10 * * * *", False, "10분마다", "every 10 min"),
        ("* * * * *", False, "1분마다", "every 1 min"),
        ("*/5 9-15 * * *", True, "거래일 09–15시 5분마다", "sessions 09–15h every 5 min"),
        (DAILY, True, "거래일 10:00, 15:45", "sessions 10:00, 15:45"),
        ((time(3, 30),), False, "매일 03:30", "daily 03:30"),
        ("0 1 * * sun", False, "일요일 01:00", "Sun 01:00"),
        ("30 2 1,15 * *", False, "매월 1, 15일 02:30", "day 1, 15 of the month 02:30"),
        ("5 * * * *", False, "매일 매시 5분", "daily hourly at :5"),
        ("0,20 8-11 * * mon-fri", False, None, None),
        ("0,7 8-11 * * *", False, "매일 하루 8번 (08:00–11:07)", "daily 8 times a day (08:00–11:07)"),
    ],
)
def test_a_schedule_is_told_in_words(
    schedule: str | tuple[time, ...], sessions_only: bool, korean: str | None, english: str | None
) -> None:
    found = timetable(make_spec(schedule=schedule, sessions_only=sessions_only))
    told = in_words(found, texts(Language.KO)), in_words(found, texts(Language.EN))
    assert told == (korean, english) or korean is None
    assert all(told)


def test_every_job_can_be_described() -> None:
    for spec in JOBS.values():
        job = described(spec)
        assert (job.name, job.summary, job.after) == (spec.name, spec.summary, spec.after)
        assert in_words(job.timetable, texts(Language.KO))


@pytest.mark.parametrize(
    ("policy", "missed", "late"),
    [
        (CatchUp.EVERY_SLOT, Missed.EVERY_SLOT, None),
        (CatchUp.BACKLOG, Missed.BACKLOG, None),
        (TodayIfWithin(timedelta(hours=2)), Missed.TODAY, timedelta(hours=2)),
    ],
)
def test_what_becomes_of_missed_slots_is_told(
    policy: CatchUp | TodayIfWithin, missed: Missed, late: timedelta | None
) -> None:
    job = described(make_spec(catch_up=policy))
    assert (job.missed, job.late) == (missed, late)


async def test_a_job_is_asked_for_once_a_second_at_most(services: Services, clock: ManualClock) -> None:
    control = Control(services, [make_spec()])
    first = await control.start("tidy", by=1)
    assert (await first.ended).state is RunState.SUCCEEDED
    with pytest.raises(Conflict):
        await control.start("tidy", by=1)
    clock.move(timedelta(seconds=1))
    second = await control.start("tidy", by=1)
    assert (await second.ended).slot == NOW + timedelta(seconds=1)


async def test_a_refused_run_leaves_neither_a_run_nor_a_note(services: Services) -> None:
    one, other = (Control(services, [make_spec(run=forever)]) for _ in range(2))
    await one.start("tidy", by=1)
    with pytest.raises(Conflict):
        await other.start("tidy", by=2)
    await one.stop()
    async with services.db.begin() as conn:
        assert (await conn.execute(text("SELECT actor_id, action FROM audit"))).all() == [(1, "run")]
        assert (await conn.execute(text("SELECT state FROM job_run"))).scalars().all() == ["interrupted"]
        assert (await conn.execute(text("SELECT count(*) FROM job_lease"))).scalar_one() == 0


async def test_ten_who_ask_at_once_start_one_run(services: Services) -> None:
    controls = [Control(services, [make_spec(run=forever)]) for _ in range(10)]
    results = await asyncio.gather(*(control.start("tidy", by=1) for control in controls), return_exceptions=True)
    assert [type(result) for result in results].count(Conflict) == 9
    await asyncio.gather(*(control.stop() for control in controls))
