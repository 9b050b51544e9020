"""The scheduler: what a tick starts, in which order, and how it stops. APScheduler is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from telegram.ext import Application, JobQueue

from core.clock import ManualClock
from core.runs.queries import list_locks, recent_runs
from core.runs.run import Run, RunState
from core.services import Services
from jobs.due import Due
from jobs.scheduler import TICK, Scheduler, ready, run_due, schedule
from jobs.spec import JobSpec
from tests.conftest import NOW
from tests.unit.core.runs.leases import take
from tests.unit.jobs.specs import forever, make_spec


class Stage:
    """Jobs that say when they begin and end only when told to."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.go = asyncio.Event()
        self.changed = asyncio.Condition()

    def job(self, name: str, **values: Any) -> JobSpec:
        """A job of this stage."""

        async def work(_services: Services, _run: Run) -> None:
            async with self.changed:
                self.began.append(name)
                self.changed.notify_all()
            await self.go.wait()

        return make_spec(name=name, run=work, **values)

    async def until(self, names: list[str]) -> None:
        """Wait until just these jobs have begun."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: sorted(self.began) == sorted(names)), 10)


@pytest.fixture
async def queue() -> AsyncIterator[JobQueue[Any]]:
    """The running job queue of a bot that is not connected."""
    application = Application.builder().token("1:none").build()
    assert application.job_queue is not None
    await application.job_queue.start()
    yield application.job_queue
    await application.job_queue.stop(wait=False)


def due(*specs: JobSpec) -> list[Due]:
    """These jobs, due."""
    return [Due(spec=spec, slot=NOW + number * timedelta(minutes=1)) for number, spec in enumerate(specs)]


def test_job_waits_for_one_that_is_due_or_runs_and_goes_before_it() -> None:
    stocks, news = make_spec(name="stocks"), make_spec(name="news", after=("stocks",))
    assert [each.spec.name for each in ready(due(stocks, news), frozenset())] == ["stocks"]
    assert ready(due(news), frozenset({"stocks"})) == []
    assert [each.spec.name for each in ready(due(news), frozenset())] == ["news"]


def test_only_the_oldest_slot_of_a_job_is_started_and_none_while_it_runs() -> None:
    spec = make_spec()
    (first,) = ready(due(spec, spec, spec), frozenset())
    assert first.slot == NOW
    assert ready(due(spec), frozenset({spec.name})) == []


async def test_first_tick_comes_at_once_and_catches_up(services: Services, queue: JobQueue[Any]) -> None:
    stage = Stage()
    scheduler = schedule(queue, services, specs=[stage.job("stocks"), stage.job("news", after=("stocks",))])
    async with asyncio.timeout(TICK.total_seconds()):
        await stage.until(["stocks"])
    stage.go.set()
    await scheduler.stop()
    async with services.db.begin() as conn:
        assert [(run.job, run.state) for run in await recent_runs(conn)] == [("stocks", RunState.SUCCEEDED)]


async def test_late_tick_is_never_dropped(services: Services, queue: JobQueue[Any]) -> None:
    scheduler = schedule(queue, services, specs=[])
    assert {(job.misfire_grace_time, job.coalesce) for job in queue.scheduler.get_jobs()} == {(None, True)}
    await scheduler.stop()


async def test_long_job_does_not_hold_up_the_others_and_runs_once(services: Services) -> None:
    stage = Stage()
    scheduler = Scheduler(services, [stage.job("long"), stage.job("short")])
    await scheduler.tick()
    await scheduler.tick()
    await stage.until(["long", "short"])
    await scheduler.tick()
    stage.go.set()
    await scheduler.stop()
    assert sorted(stage.began) == ["long", "short"]


async def test_waiting_job_starts_after_the_first_has_ended(services: Services, clock: ManualClock) -> None:
    stage = Stage()
    scheduler = Scheduler(services, [stage.job("stocks"), stage.job("news", after=("stocks",))])
    await scheduler.tick()
    await stage.until(["stocks"])
    stage.go.set()
    await scheduler.stop()
    await scheduler.tick()
    await stage.until(["stocks", "news"])
    await scheduler.stop()


async def test_stop_lets_work_finish_and_interrupts_what_does_not(services: Services) -> None:
    scheduler = Scheduler(services, [make_spec(name="quick"), make_spec(name="endless", run=forever)])
    await scheduler.tick()
    await scheduler.stop(grace=timedelta(seconds=0.2))
    async with services.db.begin() as conn:
        states = {run.job: run.state for run in await recent_runs(conn)}
    assert states == {"quick": RunState.SUCCEEDED, "endless": RunState.INTERRUPTED}


async def test_two_processes_run_each_slot_once(services: Services, clock: ManualClock) -> None:
    ran: list[tuple[str, Any]] = []

    def specs(process: str) -> list[JobSpec]:
        def job(name: str) -> Callable[[Services, Run], Any]:
            async def work(_services: Services, run: Run) -> None:
                ran.append((name, run.slot))
                await asyncio.sleep(0)

            return work

        return [make_spec(name=name, run=job(name)) for name in ("one", "two")]

    for _ in range(5):
        await asyncio.gather(*(run_due(services, specs=specs(process)) for process in "ab"))
        clock.move(timedelta(minutes=10))
    assert len(ran) == len(set(ran)) == 10


async def test_a_tick_cleans_the_lease_of_a_dead_process_and_takes_its_run_up(services: Services) -> None:
    stage = Stage()
    mine = stage.job("mine")
    for job in ("mine", "of another table"):
        await take(services.db, job=job, length=timedelta(seconds=-1))
    scheduler = Scheduler(services, [mine])
    await scheduler.tick()
    await stage.until(["mine"])
    stage.go.set()
    await scheduler.stop()
    async with services.db.begin() as conn:
        assert {run.job: (run.state, run.attempts) for run in await recent_runs(conn)} == {
            "mine": (RunState.SUCCEEDED, 2),
            "of another table": (RunState.INTERRUPTED, 1),
        }
        assert await list_locks(conn) == []


async def test_unreachable_database_skips_a_tick_and_no_more(services: Services) -> None:
    from dataclasses import replace

    from core.db import Database

    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    scheduler = Scheduler(replace(services, db=nowhere), [make_spec()])
    await scheduler.tick()
    assert not scheduler.running
    await nowhere.close()
