"""What is due after a pause, a crash, a failure: per policy, and exactly."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from core.clock import KST, Calendar, kst
from core.errors import Unavailable
from core.runs.run import Run, RunRecord, RunState
from core.runs.service import pause, resume
from core.services import Services
from jobs.due import MOST_ATTEMPTS, RETRY_AFTER, due_slots, is_open, wanted_slots
from jobs.run import run_job
from jobs.scheduler import run_due
from jobs.spec import CatchUp, JobSpec, TodayIfWithin
from tests.unit.jobs.specs import make_spec

CALENDAR = Calendar()
FRIDAY = date(2026, 2, 20)
TIMES = (time(10), time(13), time(15, 45))
LATEST = make_spec(schedule=TIMES, sessions_only=True)
TODAY = make_spec(schedule=TIMES, sessions_only=True, catch_up=TodayIfWithin(timedelta(hours=2)))
EVERY = make_spec(schedule=TIMES, sessions_only=True, catch_up=CatchUp.EVERY_SLOT)


def wanted(spec: JobSpec, at: datetime, *, oldest: datetime | None = None) -> list[str]:
    """The wanted slots as Seoul wall-clock text."""
    return [f"{slot.astimezone(KST):%d %H:%M}" for slot in wanted_slots(spec, at, CALENDAR, oldest=oldest)]


def make_run(state: RunState, *, attempts: int = 1, finished_at: datetime | None = None) -> RunRecord:
    """A run of some slot."""
    return RunRecord(
        id=1,
        job="tidy",
        slot=kst(FRIDAY),
        epoch=1,
        state=state,
        started_at=kst(FRIDAY),
        finished_at=finished_at,
        attempts=attempts,
        done=0,
        failed=0,
        total=None,
        seconds=None,
        peak_memory=None,
        cpu_seconds=None,
        warnings=(),
        checkpoint={},
        error=None,
        asked_by=None,
    )


def test_latest_wants_the_newest_slot_however_late() -> None:
    assert wanted(LATEST, kst(date(2026, 2, 22), time(23))) == ["20 15:45"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (time(11, 59), ["20 10:00"]),
        (time(12), []),
        (time(13), ["20 13:00"]),
        (time(15, 1), []),
        (time(17), ["20 15:45"]),
    ],
)
def test_today_wants_the_newest_slot_only_under_its_limit(at: time, expected: list[str]) -> None:
    assert wanted(TODAY, kst(FRIDAY, at)) == expected


def test_today_wants_nothing_of_yesterday() -> None:
    late = make_spec(schedule=(time(23, 50),), catch_up=TodayIfWithin(timedelta(hours=2)))
    assert wanted(late, kst(FRIDAY, time(23, 55))) == ["20 23:50"]
    assert wanted(late, kst(date(2026, 2, 21), time(0, 5))) == []


def test_every_slot_wants_all_since_its_history_begins() -> None:
    expected = ["20 13:00", "20 15:45", "23 10:00"]
    assert wanted(EVERY, kst(date(2026, 2, 23), time(12)), oldest=kst(FRIDAY, time(13))) == expected


def test_every_slot_begins_with_the_newest_one() -> None:
    assert wanted(EVERY, kst(FRIDAY, time(14))) == ["20 13:00"]


@pytest.mark.parametrize(
    ("state", "open_"),
    [
        (RunState.RUNNING, True),
        (RunState.INTERRUPTED, True),
        (RunState.SUCCEEDED, False),
        (RunState.FENCED, False),
    ],
)
def test_unfinished_run_is_taken_up_and_a_settled_one_is_not(state: RunState, open_: bool) -> None:
    assert is_open(make_run(state), kst(FRIDAY, time(12))) is open_
    assert is_open(None, kst(FRIDAY))


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.TIMED_OUT])
def test_failed_run_is_repeated_later_and_not_for_ever(state: RunState) -> None:
    ended = kst(FRIDAY, time(10))
    for attempts in range(1, MOST_ATTEMPTS):
        failed = make_run(state, attempts=attempts, finished_at=ended)
        assert not is_open(failed, ended + attempts * RETRY_AFTER - timedelta.resolution)
        assert is_open(failed, ended + attempts * RETRY_AFTER)
    exhausted = make_run(state, attempts=MOST_ATTEMPTS, finished_at=ended)
    assert not is_open(exhausted, ended + timedelta(days=1))


async def test_slot_that_ran_is_due_no_more(services: Services) -> None:
    at = kst(FRIDAY, time(14))
    (due,) = await due_slots(services, [LATEST], at)
    await run_job(services, LATEST, due.slot, owner="a")
    assert await due_slots(services, [LATEST], at) == []
    assert [again.slot for again in await due_slots(services, [LATEST], kst(FRIDAY, time(16)))] == [
        kst(FRIDAY, time(15, 45))
    ]


async def test_clock_jump_repeats_nothing(services: Services) -> None:
    at = kst(FRIDAY, time(14))
    assert len(await run_due(services, at, specs=[LATEST])) == 1
    assert await run_due(services, at + timedelta(hours=1), specs=[LATEST]) == []
    assert await run_due(services, at, specs=[LATEST]) == []


async def test_three_missed_slots_are_caught_up_by_each_policy(services: Services) -> None:
    specs = [
        make_spec(name="latest", schedule=TIMES, sessions_only=True),
        make_spec(name="backlog", schedule=TIMES, sessions_only=True, catch_up=CatchUp.BACKLOG),
        make_spec(name="today", schedule=TIMES, sessions_only=True, catch_up=TodayIfWithin(timedelta(hours=2))),
        make_spec(name="every", schedule=TIMES, sessions_only=True, catch_up=CatchUp.EVERY_SLOT),
    ]
    before = kst(FRIDAY, time(11))
    assert [state for _, state in await run_due(services, before, specs=specs)] == [RunState.SUCCEEDED] * 4
    due = await due_slots(services, specs, kst(date(2026, 2, 23), time(12, 30)))
    assert [(each.spec.name, f"{each.slot.astimezone(KST):%d %H:%M}", each.missed) for each in due] == [
        ("latest", "23 10:00", 2),
        ("backlog", "23 10:00", 0),
        ("every", "20 13:00", 0),
        ("every", "20 15:45", 0),
        ("every", "23 10:00", 0),
    ]


async def test_missed_slots_are_noted_in_the_run(services: Services) -> None:
    from core.runs.queries import recent_runs

    await run_due(services, kst(FRIDAY, time(10)), specs=[LATEST])
    await run_due(services, kst(FRIDAY, time(16)), specs=[LATEST])
    async with services.db.begin() as conn:
        newest = (await recent_runs(conn, job=LATEST.name))[0]
    assert newest.warnings == ("1 slots before this one were missed",)


async def test_paused_job_is_not_due_until_resumed(services: Services) -> None:
    at = kst(FRIDAY, time(14))
    await pause(services, LATEST.name, by=1)
    assert await due_slots(services, [LATEST], at) == []
    await resume(services, LATEST.name, by=1)
    assert len(await due_slots(services, [LATEST], at)) == 1


async def test_failing_slot_is_tried_three_times_and_then_left(services: Services) -> None:
    async def fail(_services: Services, _run: Run) -> None:
        raise Unavailable("the source does not answer")

    spec = make_spec(run=fail)
    clock, states = services.clock, []
    start = clock.now()
    for minute in range(9):
        states += [state for _, state in await run_due(services, start + timedelta(minutes=minute), specs=[spec])]
    assert states == [RunState.FAILED] * MOST_ATTEMPTS
