"""Supervised workers on the real database: failures, silence, restarts of the process, admins, and two supervisors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.audit.trail import newest
from core.clock import ManualClock
from core.db import Database
from core.errors import Fenced, Unavailable, UserError
from core.services import Services
from core.strategies import service
from core.strategies.queries import list_states
from core.strategies.state import MOST_TRIES, SILENCE, SILENT, Status, StrategyState
from core.strategies.strategy import Kind, Strategy
from core.strategies.supervisor import Supervisor
from core.strategies.worker import Worker

MINUTE = timedelta(minutes=1)
ADMIN = 7
ID = "rsi"
"""A strategy admins know; its worker is made by each test."""

Run = Callable[[Services, Worker], Awaitable[None]]


class Workers:
    """A strategy whose workers wait to be told what to do; every one that was ever started is kept."""

    def __init__(self) -> None:
        self.all: list[Worker] = []
        self.stopped = 0
        self.fails: Exception | None = None
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def run(self, _services: Services, worker: Worker) -> None:
        self.all.append(worker)
        self.begun.set()
        try:
            if self.fails is not None:
                raise self.fails
            await asyncio.Event().wait()
        finally:
            self.stopped += 1
            self.ended.set()

    @property
    def newest(self) -> Worker:
        return self.all[-1]


@pytest.fixture
def workers() -> Workers:
    return Workers()


def supervisor_of(services: Services, run: Run, **changes: Any) -> Supervisor:
    values = {"look_every": timedelta(hours=1), "cancel_wait": timedelta(seconds=0.05)} | changes
    return Supervisor(services, [Strategy(id=ID, kind=Kind.SIGNAL, run=run)], **values)


async def stored(services: Services, id: str = ID) -> StrategyState:
    async with services.db.read() as conn:
        return (await list_states(conn))[id]


async def settle() -> None:
    """Let tasks that were just started or ended run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def look(supervisor: Supervisor) -> None:
    """Let workers run as far as they come, then look at them."""
    await settle()
    await supervisor.check()
    await settle()


async def pass_minutes(supervisor: Supervisor, workers: Workers, clock: ManualClock, minutes: int) -> None:
    """A worker that beats, and a look each minute."""
    for _ in range(minutes):
        clock.move(MINUTE)
        await workers.newest.beat()
        await look(supervisor)


def told(logs: list[Any]) -> list[str]:
    """The kinds of alerts, in order."""
    return [each["kind"] for each in logs if each["event"] == "alert"]


async def test_a_worker_is_started_and_its_heartbeats_are_stored(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    supervisor = supervisor_of(services, workers.run)
    await supervisor.start()
    await settle()
    state = await stored(services)
    assert (state.status, state.owner, state.heartbeat_at) == (Status.RUNNING, supervisor.owner, None)
    clock.move(MINUTE)
    await workers.newest.beat()
    assert (await stored(services)).heartbeat_at == clock.now()
    beaten = clock.now()
    clock.move(timedelta(seconds=14))
    await workers.newest.beat()
    assert (await stored(services)).heartbeat_at == beaten, "stored at most every 15 seconds"
    await supervisor.stop()
    assert workers.stopped == 1


async def test_a_hung_worker_is_cancelled_and_another_started(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    supervisor = supervisor_of(services, workers.run)
    await supervisor.start()
    await settle()
    await pass_minutes(supervisor, workers, clock, 3)
    with capture_logs() as logs:
        clock.move(SILENCE - timedelta(seconds=1))
        await look(supervisor)
        assert len(workers.all) == 1
        clock.move(timedelta(seconds=1))
        await look(supervisor)
    state = await stored(services)
    assert (len(workers.all), workers.stopped) == (2, 1)
    assert (state.status, state.restarts, state.last_error) == (Status.RUNNING, 1, SILENT)
    assert told(logs) == ["strategy_restarted"]
    with capture_logs() as logs:
        await pass_minutes(supervisor, workers, clock, 10)
    state = await stored(services)
    assert (state.restarts, state.told, told(logs)) == (0, False, ["strategy_recovered"])
    await supervisor.stop()


async def test_a_worker_that_always_raises_is_tried_five_times_a_minute_apart_and_then_left(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    workers.fails = ValueError("token 123456789:" + "A" * 35)
    supervisor = supervisor_of(services, workers.run)
    started = []
    with capture_logs() as logs:
        await supervisor.start()
        for _ in range(600):
            before = len(workers.all)
            await look(supervisor)
            started += [clock.now()] * (len(workers.all) - before)
            clock.move(timedelta(seconds=5))
    state = await stored(services)
    assert len(workers.all) == 1 + MOST_TRIES
    assert all(later - earlier >= MINUTE for earlier, later in pairwise(started))
    assert (state.status, state.restarts, state.owner) == (Status.FAILED, MOST_TRIES, None)
    assert state.last_error == "ValueError: token ***"
    assert told(logs) == ["strategy_restarted", "strategy_stopped"]
    workers.fails = None
    assert await service.switch(services, ID, True, actor_id=ADMIN)
    await look(supervisor)
    assert (await stored(services)).status is Status.RUNNING
    with capture_logs() as logs:
        await pass_minutes(supervisor, workers, clock, 10)
    assert told(logs) == ["strategy_recovered"]
    await supervisor.stop()


async def test_a_worker_that_ends_by_itself_has_failed(services: Services, clock: ManualClock) -> None:
    async def done(_services: Services, _worker: Worker) -> None:
        return

    supervisor = supervisor_of(services, done)
    await supervisor.start()
    await look(supervisor)
    state = await stored(services)
    assert (state.status, state.last_error) == (Status.RESTARTING, "the worker ended by itself")
    await supervisor.stop()


async def test_a_worker_that_ignores_being_cancelled_is_left_behind_and_can_write_nothing(
    services: Services, clock: ManualClock
) -> None:
    started: list[Worker] = []
    release = asyncio.Event()

    async def stubborn(_services: Services, worker: Worker) -> None:
        started.append(worker)
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    supervisor = supervisor_of(services, stubborn)
    await supervisor.start()
    await settle()
    clock.move(SILENCE)
    await look(supervisor)
    zombie, present = started
    try:
        with pytest.raises(Fenced):
            await zombie.save({"who": "zombie"})
        with pytest.raises(Fenced):
            await zombie.beat()
        await present.save({"who": "present"})
        assert (await stored(services)).state == {"who": "present"}
    finally:
        release.set()
        await supervisor.stop()


async def test_what_ran_before_a_restart_runs_after_it_and_what_was_stopped_does_not(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    supervisor = supervisor_of(services, workers.run)
    await supervisor.start()
    await settle()
    await workers.newest.save({"day": "2026-02-20"})
    await supervisor.stop()
    assert (await stored(services)).owner is None
    clock.move(timedelta(days=3))
    again = supervisor_of(services, workers.run)
    await again.start()
    await settle()
    state = await stored(services)
    assert (state.status, state.owner, state.restarts) == (Status.RUNNING, again.owner, 0)
    assert workers.newest.state == {"day": "2026-02-20"}
    assert await service.switch(services, ID, False, actor_id=ADMIN)
    await look(again)
    assert (again.running, workers.stopped) == (frozenset(), 2)
    await again.stop()
    third = supervisor_of(services, workers.run)
    await third.start()
    await settle()
    assert third.running == frozenset()
    assert len(workers.all) == 2
    await third.stop()


async def test_a_process_that_died_is_taken_over_at_once(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    """Nothing was released: the row still names the dead owner and its heartbeat is fresh."""
    dead = supervisor_of(services, workers.run)
    await dead.start()
    await settle()
    await workers.newest.beat()
    heir = supervisor_of(services, workers.run)
    await heir.start()
    await settle()
    assert (await stored(services)).owner == heir.owner
    with pytest.raises(Fenced):
        await workers.all[0].save({})
    await dead.stop()
    assert (await stored(services)).owner == heir.owner, "what is lost is not given up once more"
    await workers.newest.save({})
    await heir.stop()


async def test_of_two_supervisors_the_later_one_has_the_worker_and_the_other_lets_go(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    first, second = supervisor_of(services, workers.run), supervisor_of(services, workers.run)
    await first.start()
    await settle()
    await second.start()
    await settle()
    for _ in range(20):
        clock.move(MINUTE)
        await workers.newest.beat()
        await asyncio.gather(look(first), look(second))
    assert not first.running
    assert second.running == {ID}
    assert (len(workers.all), workers.stopped) == (2, 1)
    await first.stop()
    assert (await stored(services)).owner == second.owner, "stopping the first took nothing from the second"
    clock.move(SILENCE)
    await asyncio.gather(look(first), look(second))
    assert (await stored(services)).restarts == 1, "two who look restart it once"
    await second.stop()


async def test_a_stop_and_a_start_are_audited_and_repeating_them_changes_nothing(
    services: Services, clock: ManualClock
) -> None:
    assert await service.switch(services, ID, False, actor_id=ADMIN)
    assert not await service.switch(services, ID, False, actor_id=ADMIN)
    assert await service.switch(services, ID, True, actor_id=ADMIN)
    assert not await service.switch(services, ID, True, actor_id=ADMIN)
    async with services.db.read() as conn:
        entries = await newest(conn)
    assert [(each.action, each.target, each.actor_id) for each in entries] == [
        ("strategy_start", ID, ADMIN),
        ("strategy_stop", ID, ADMIN),
    ]


async def test_a_strategy_without_its_setting_is_not_run_and_cannot_be_started(
    services: Services, workers: Workers
) -> None:
    off = Strategy(id="price_feed", kind=Kind.FEED, run=workers.run, off_because=lambda _: "KIS_APP_KEY")
    supervisor = Supervisor(services, [off])
    await supervisor.start()
    await look(supervisor)
    await supervisor.stop()
    assert workers.all == []
    with pytest.raises(UserError, match="KIS_APP_KEY"):
        await service.switch(services, "price_feed", True, actor_id=ADMIN)


async def test_a_database_that_does_not_answer_ends_no_worker_and_costs_no_try(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    gone = replace(services, db=Database("postgresql://nobody@127.0.0.1:1/none"))
    worker = Worker(gone, id=ID, epoch=1, state={})
    await worker.beat()
    with pytest.raises(Unavailable):
        await worker.save({"kept": 1})
    assert worker.state == {}
    blind = supervisor_of(gone, workers.run)
    with pytest.raises(Unavailable):
        await blind.start()
    await blind.stop()
    assert workers.all == []


async def test_a_strategy_nobody_looks_after_is_noticed_and_one_looked_after_is_not(
    services: Services, workers: Workers, clock: ManualClock
) -> None:
    async def unattended() -> list[str]:
        async with services.db.begin() as conn:
            return await service.tell_unattended(services, conn)

    supervisor = supervisor_of(services, workers.run)
    await supervisor.start()
    await settle()
    clock.move(SILENCE)
    assert await unattended() == []
    clock.move(2 * MINUTE)
    with capture_logs() as logs:
        assert await unattended() == [ID]
    assert told(logs) == ["strategy_stopped"]
    (found,) = [each for each in await service.supervised(services) if each.id == ID]
    assert found.unattended
    await look(supervisor)
    assert await unattended() == []
    with capture_logs() as logs:
        await pass_minutes(supervisor, workers, clock, 10)
    assert told(logs) == ["strategy_recovered"]
    await supervisor.stop()


async def test_the_supervisor_looks_by_itself(services: Services, workers: Workers) -> None:
    supervisor = supervisor_of(services, workers.run, look_every=timedelta(seconds=0.01))
    await supervisor.start()
    await settle()
    await service.switch(services, ID, False, actor_id=ADMIN)
    await workers.ended.wait()
    await service.switch(services, ID, True, actor_id=ADMIN)
    workers.begun.clear()
    await workers.begun.wait()
    await supervisor.stop()
    assert len(workers.all) == 2
