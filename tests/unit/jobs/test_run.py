"""The envelope: how a run ends, what its row says, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import ManualClock
from core.errors import Conflict, Fenced, Unavailable
from core.runs.alerts import RunFailed, RunRecovered
from core.runs.queries import list_locks, recent_runs
from core.runs.run import Run, RunRecord, RunState
from core.runs.service import release
from core.services import Services
from jobs.run import run_job
from jobs.spec import JobSpec
from tests.conftest import NOW
from tests.unit.jobs.specs import Told, forever, make_spec

SHORT = timedelta(milliseconds=90)


async def last_run(services: Services) -> RunRecord:
    """The newest run."""
    async with services.db.begin() as conn:
        return (await recent_runs(conn, limit=1))[0]


async def locks(services: Services) -> list[str]:
    """The jobs held now."""
    async with services.db.begin() as conn:
        return [lock.job for lock in await list_locks(conn)]


def counting(until: int, *, stop_at: int | None = None) -> Callable[[Services, Run], Any]:
    """A job that walks to `until`, one checkpoint a step, and fails on the way at `stop_at`."""

    async def count(_services: Services, run: Run) -> None:
        for number in range(run.checkpoint.get("number", 0) + 1, until + 1):
            if number == stop_at:
                raise Unavailable("gone")
            async with run.begin(checkpoint={"number": number}, done=1) as conn:
                await conn.execute(text("INSERT INTO chat VALUES (:id, 'private', true, now())"), {"id": number})

    return count


async def test_success_is_written_with_counts_cost_and_no_lease_left(services: Services, clock: ManualClock) -> None:
    async def work(services: Services, run: Run) -> None:
        run.progress(done=3, failed=1, total=4)
        run.warn("odd")
        clock.move(timedelta(seconds=5))

    assert await run_job(services, make_spec(run=work), NOW, owner="a") is RunState.SUCCEEDED
    run = await last_run(services)
    assert (run.state, run.slot, run.attempts, run.done, run.failed, run.total) == ("succeeded", NOW, 1, 3, 1, 4)
    assert run.started_at == NOW
    assert run.finished_at == NOW + timedelta(seconds=5)
    assert run.warnings == ("odd",)
    assert run.error is None
    assert run.seconds is not None
    assert run.throughput == pytest.approx(3 / run.seconds)
    assert (run.peak_memory or 0) > 1_000_000
    assert run.cpu_seconds is not None
    assert await locks(services) == []


async def test_checkpoint_tells_what_the_run_has_cost_so_far(services: Services) -> None:
    seen: list[RunRecord] = []

    async def work(services: Services, run: Run) -> None:
        async with run.begin(checkpoint={"at": 1}, done=1):
            pass
        seen.append(await last_run(services))

    await run_job(services, make_spec(run=work), NOW, owner="a")
    (half,) = seen
    assert (half.state, half.done) == (RunState.RUNNING, 1)
    assert (half.peak_memory or 0) > 1_000_000
    assert half.seconds is not None
    assert half.cpu_seconds is not None


async def test_a_run_forgets_the_oldest_so_that_a_thousand_are_kept(services: Services) -> None:
    async with services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO job_run (job, slot, epoch, state, started_at) SELECT 'tidy', at, 1, 'succeeded', at"
                " FROM generate_series(1, 1000) n, LATERAL (SELECT CAST(:now AS timestamptz) - n * INTERVAL '1 h')"
                " AS past(at)"
            ),
            {"now": NOW},
        )
    await run_job(services, make_spec(), NOW, owner="a")
    async with services.db.begin() as conn:
        kept = await recent_runs(conn, job="tidy", limit=2_000)
    assert (len(kept), kept[0].slot, kept[-1].slot) == (1_000, NOW, NOW - timedelta(hours=999))


async def test_done_slot_is_not_run_again(services: Services) -> None:
    spec = make_spec()
    await run_job(services, spec, NOW, owner="a")
    with pytest.raises(Conflict):
        await run_job(services, spec, NOW, owner="a")
    assert (await last_run(services)).attempts == 1


async def test_failure_is_written_redacted_and_capped(services: Services) -> None:
    async def fail(_services: Services, _run: Run) -> None:
        raise ValueError("https://api.telegram.org/bot1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/x " + "y" * 9_000)

    assert await run_job(services, make_spec(run=fail), NOW, owner="a") is RunState.FAILED
    error = (await last_run(services)).error or ""
    assert error.startswith("ValueError: https://api.telegram.org/bot***/x")
    assert len(error) <= 2_000


async def test_run_whose_every_item_failed_has_failed(services: Services) -> None:
    async def work(_services: Services, run: Run) -> None:
        run.progress(failed=2, total=2)

    assert await run_job(services, make_spec(run=work), NOW, owner="a") is RunState.FAILED
    assert (await last_run(services)).error == "all 2 items failed"


async def test_timeout_cancels_the_work(services: Services) -> None:
    unwound: list[bool] = []

    async def slow(services: Services, run: Run) -> None:
        try:
            await forever(services, run)
        finally:
            unwound.append(True)

    spec = make_spec(run=slow, timeout=timedelta(milliseconds=50))
    assert await run_job(services, spec, NOW, owner="a") is RunState.TIMED_OUT
    assert unwound == [True]
    assert (await last_run(services)).error == "not done within 0:00:00.050000"
    assert await locks(services) == []


async def test_interrupted_slot_goes_on_from_its_checkpoint(services: Services) -> None:
    assert await run_job(services, make_spec(run=counting(6, stop_at=4)), NOW, owner="a") is RunState.FAILED
    assert await run_job(services, make_spec(run=counting(6)), NOW, owner="b") is RunState.SUCCEEDED
    run = await last_run(services)
    assert (run.done, run.attempts, run.checkpoint) == (6, 2, {"number": 6})
    async with services.db.begin() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM chat"))).scalar_one() == 6


async def test_without_a_checkpoint_the_counts_start_over(services: Services) -> None:
    async def half(_services: Services, run: Run) -> None:
        run.progress(done=5)
        raise Unavailable

    async def whole(_services: Services, run: Run) -> None:
        run.progress(done=7)

    await run_job(services, make_spec(run=half), NOW, owner="a")
    await run_job(services, make_spec(run=whole), NOW, owner="a")
    assert (await last_run(services)).done == 7


async def test_cancelled_process_gives_the_lease_back_and_leaves_the_slot_open(services: Services) -> None:
    started = asyncio.Event()

    async def work(services: Services, run: Run) -> None:
        async with run.begin(checkpoint={"at": 1}, done=1):
            pass
        started.set()
        await forever(services, run)

    running = asyncio.create_task(run_job(services, make_spec(run=work), NOW, owner="a"))
    await started.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    run = await last_run(services)
    assert (run.state, run.checkpoint, run.done) == (RunState.INTERRUPTED, {"at": 1}, 1)
    assert await locks(services) == []
    assert await run_job(services, make_spec(), NOW, owner="b") is RunState.SUCCEEDED


async def test_release_stops_the_work_at_the_next_heartbeat(services: Services) -> None:
    started = asyncio.Event()

    async def work(services: Services, run: Run) -> None:
        started.set()
        await forever(services, run)

    running = asyncio.create_task(run_job(services, make_spec(run=work), NOW, owner="a", lease=SHORT))
    await started.wait()
    assert await release(services, "tidy", by=1)
    assert await running is RunState.FENCED
    assert (await last_run(services)).state is RunState.FENCED


async def test_released_run_writes_nothing_even_before_its_heartbeat(services: Services) -> None:
    async def work(services: Services, run: Run) -> None:
        await release(services, "tidy", by=1)
        async with run.begin() as conn:
            await conn.execute(text("INSERT INTO chat VALUES (1, 'private', true, now())"))

    assert await run_job(services, make_spec(run=work), NOW, owner="a") is RunState.FENCED
    async with services.db.begin() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM chat"))).scalar_one() == 0


async def test_zombie_that_finishes_late_does_not_change_the_row(services: Services) -> None:
    spec = make_spec()

    async def zombie(services: Services, run: Run) -> None:
        await expire(services)
        assert await run_job(services, spec, NOW, owner="second") is RunState.SUCCEEDED
        with suppress(Fenced):
            async with run.begin():
                raise AssertionError("a zombie got a transaction")

    assert await run_job(services, make_spec(run=zombie), NOW, owner="first") is RunState.FENCED
    run = await last_run(services)
    assert (run.state, run.attempts) == (RunState.SUCCEEDED, 2)


async def test_work_that_ignores_its_end_writes_nothing_after_it(services: Services) -> None:
    handles: list[Run] = []

    async def work(_services: Services, run: Run) -> None:
        handles.append(run)

    await run_job(services, make_spec(run=work), NOW, owner="a")
    with pytest.raises(Fenced):
        async with handles[0].begin():
            pass


async def test_failure_is_told_once_and_recovery_once(services: Services) -> None:
    told = Told()

    async def fail(_services: Services, _run: Run) -> None:
        raise Unavailable("down")

    async def go(spec: JobSpec, minutes: int) -> None:
        await run_job(services, spec, NOW + timedelta(minutes=minutes), owner="a", alerts=told)

    for minutes in (0, 1, 2):
        await go(make_spec(run=fail), minutes)
    for minutes in (3, 4):
        await go(make_spec(), minutes)
    failed, recovered = told.events
    assert isinstance(failed, RunFailed)
    assert (failed.slot, failed.state, failed.error) == (NOW, RunState.FAILED, "Unavailable: down")
    assert isinstance(recovered, RunRecovered)
    assert (recovered.slot, recovered.failures) == (NOW + timedelta(minutes=3), 3)


async def test_hook_that_fails_does_not_fail_the_run(services: Services) -> None:
    class Broken(Told):
        async def failed(self, conn: AsyncConnection, _event: RunFailed) -> None:
            await conn.execute(text("INSERT INTO chat (id, kind, seen_at) VALUES (1, 'private', now())"))
            raise ValueError("no chat")

    spec = make_spec(run=forever, timeout=timedelta(milliseconds=10))
    assert await run_job(services, spec, NOW, owner="a", alerts=Broken()) is RunState.TIMED_OUT
    async with services.db.read() as conn:
        assert [(run.slot, run.state) for run in await recent_runs(conn)] == [(NOW, RunState.TIMED_OUT)]
        assert (await conn.execute(text("SELECT count(*) FROM chat"))).scalar_one() == 0


@pytest.mark.parametrize("statement", ["SELECT 1/0", "SELECT no_such_column"])
async def test_hook_whose_statement_fails_does_not_fail_the_run(services: Services, statement: str) -> None:
    class Broken(Told):
        async def failed(self, conn: AsyncConnection, _event: RunFailed) -> None:
            await conn.execute(text(statement))

    spec = make_spec(run=forever, timeout=timedelta(milliseconds=10))
    assert await run_job(services, spec, NOW, owner="a", alerts=Broken()) is RunState.TIMED_OUT


async def test_ten_runners_run_a_slot_once(services: Services) -> None:
    ran: list[str] = []

    def spec(owner: str) -> JobSpec:
        async def work(_services: Services, run: Run) -> None:
            ran.append(owner)
            async with run.begin(done=1):
                await asyncio.sleep(0.02)

        return make_spec(run=work)

    results = await asyncio.gather(
        *(run_job(services, spec(str(n)), NOW, owner=str(n)) for n in range(10)), return_exceptions=True
    )
    assert len(ran) == 1
    assert [result for result in results if not isinstance(result, Conflict)] == [RunState.SUCCEEDED]


async def expire(services: Services) -> None:
    """Let every lease run out, as if its holder had stood still."""
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE job_lease SET lease_until = now() - INTERVAL '1s'"))
