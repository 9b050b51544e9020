"""Any order of taking, renewing, writing, dying, clock jumps, cleaning, releasing and finishing leaves one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from core.db import Database
from core.errors import Conflict, Fenced
from core.runs.lease import LONGEST, Counts, Lease, fence, interrupt, renew, take_away
from core.runs.queries import list_locks
from core.runs.run import RunState
from tests.conftest import NOW
from tests.unit.core.runs.leases import JOB, LONG, end, pass_time, runs, take

T = TypeVar("T")
WRITTEN = text("SELECT epoch, owner FROM written ORDER BY id")
OWNERS = st.sampled_from(["a", "b", "c"])
SLOTS = st.sampled_from([NOW, NOW + timedelta(minutes=10), NOW + timedelta(minutes=20)])
ENDS = st.sampled_from([RunState.SUCCEEDED, RunState.FAILED])
JUMPS = st.sampled_from([LONG / 2, LONG, timedelta(hours=25), timedelta(hours=-1)])
"""What the clock of the database may do between two acts; an hour back is a clock set wrong or right."""


def test_there_is_never_a_second_writer(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)

        class Machine(LeaseMachine):
            def __init__(self) -> None:
                super().__init__(runner, database)

        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(database.close())


class LeaseMachine(RuleBasedStateMachine):
    """Three processes and one job. Every process keeps each lease it ever had and may use it at any time, until it
    is killed. `left` is what the present lease has left, `age` how long it has been held.
    """

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self.runner, self.db = runner, database
        self.held: dict[str, list[Lease]] = {"a": [], "b": [], "c": []}
        self.current: Lease | None = None
        self.left = self.age = timedelta()
        self.done: set[Any] = set()
        self.epochs: list[int] = []
        self.do(self.clear())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self.runner.run(work)

    @property
    def expired(self) -> bool:
        """Whether anybody may take the job over."""
        return self.current is not None and (self.left <= timedelta() or self.age >= LONGEST)

    async def clear(self) -> None:
        """An empty database, and a table for the writes of jobs."""
        async with self.db.begin() as conn:
            await conn.execute(text("TRUNCATE job_run, job_lease, job_lock"))
            await conn.execute(text("CREATE TABLE IF NOT EXISTS written (id serial, epoch bigint, owner text)"))
            await conn.execute(text("TRUNCATE written"))

    @rule(owner=OWNERS, slot=SLOTS)
    def acquire(self, owner: str, slot: Any) -> None:
        """A free or expired job is taken unless the slot is done."""
        may = (self.current is None or self.expired) and slot not in self.done
        try:
            lease = self.do(take(self.db, owner, slot=slot))
        except Conflict:
            assert not may
            return
        assert may
        assert lease.epoch > max(self.epochs, default=0)
        self.epochs.append(lease.epoch)
        self.held[owner].append(lease)
        self.current, self.left, self.age = lease, LONG, timedelta()

    @rule(by=JUMPS)
    def pass_time(self, by: timedelta) -> None:
        """Time passes without a heartbeat, or jumps back."""
        self.do(pass_time(self.db, by))
        self.left, self.age = self.left - by, self.age + by

    @rule(owner=OWNERS)
    def crash(self, owner: str) -> None:
        """A process is killed: it does nothing more with what it had, and its lease stays behind."""
        self.held[owner].clear()

    @rule(owner=OWNERS, which=st.integers(0, 9))
    def heartbeat(self, owner: str, which: int) -> None:
        """Only the present holder can renew, and until it is taken over it always can."""
        if (lease := self.pick(owner, which)) is None:
            return
        assert self.works(lease, self.renew(lease)) == (lease is self.current)
        if lease is self.current:
            self.left = LONG

    @rule(owner=OWNERS, which=st.integers(0, 9))
    def write(self, owner: str, which: int) -> None:
        """Only the present holder gets a write transaction."""
        if (lease := self.pick(owner, which)) is not None:
            assert self.works(lease, self.write_with(lease)) == (lease is self.current)

    @rule(owner=OWNERS, which=st.integers(0, 9), state=ENDS)
    def finish(self, owner: str, which: int, state: RunState) -> None:
        """Only the present holder can close its run."""
        if (lease := self.pick(owner, which)) is None:
            return
        assert self.works(lease, end(self.db, lease, state)) == (lease is self.current)
        if lease is self.current:
            assert lease.slot not in self.done
            self.done |= {lease.slot} if state is RunState.SUCCEEDED else set()
            self.current = None

    @rule(owner=OWNERS, which=st.integers(0, 9))
    def give_back(self, owner: str, which: int) -> None:
        """A process that stops gives its lease back, if it still has it."""
        if (lease := self.pick(owner, which)) is None:
            return
        assert self.works(lease, self.interrupt(lease)) == (lease is self.current)
        if lease is self.current:
            self.current = None

    @rule(only_expired=st.booleans())
    def release(self, only_expired: bool) -> None:
        """An admin takes the lease away; the upkeep takes expired ones."""
        taken = self.do(self.take_away(only_expired))
        assert taken == (self.current is not None and (self.expired or not only_expired))
        if taken:
            self.current = None

    @invariant()
    def the_rows_agree(self) -> None:
        """One lease at most, the holder's; one running row at most, the holder's; done slots stay done."""
        locks, rows = self.do(self.locks()), self.do(runs(self.db))
        expected = [(self.current.owner, self.current.epoch)] if self.current else []
        assert [(lock.owner, lock.epoch) for lock in locks] == expected
        assert [lock.expired for lock in locks] == ([self.expired] if self.current else [])
        running = [row.slot for row in rows if row.state is RunState.RUNNING]
        assert running == ([self.current.slot] if self.current else [])
        assert {row.slot for row in rows if row.state is RunState.SUCCEEDED} == self.done

    @invariant()
    def the_writes_are_in_order(self) -> None:
        """No epoch has two writers, and none writes after a later one has begun."""
        written = self.do(self.written())
        assert written == sorted(written, key=lambda write: write[0])
        assert len(dict(written)) == len(set(written))

    def pick(self, owner: str, which: int) -> Lease | None:
        """One of the leases the owner ever had, the newest first."""
        leases = self.held[owner]
        return leases[-1 - which % len(leases)] if leases else None

    def works(self, lease: Lease, act: Coroutine[Any, Any, object]) -> bool:
        """Whether the act was let through the fence."""
        try:
            self.do(act)
        except Fenced:
            return False
        return True

    async def renew(self, lease: Lease) -> None:
        """A heartbeat."""
        async with self.db.begin() as conn:
            await renew(conn, lease, Counts())

    async def write_with(self, lease: Lease) -> None:
        """A fenced write."""
        async with self.db.begin() as conn:
            await fence(conn, lease)
            insert = text("INSERT INTO written (epoch, owner) VALUES (:epoch, :owner)")
            await conn.execute(insert, {"epoch": lease.epoch, "owner": lease.owner})

    async def written(self) -> list[tuple[int, str]]:
        """Every write, in order: the epoch and who wrote."""
        async with self.db.begin() as conn:
            return [(epoch, owner) for epoch, owner in await conn.execute(WRITTEN)]

    async def interrupt(self, lease: Lease) -> None:
        """A lease given back."""
        async with self.db.begin() as conn:
            await interrupt(conn, lease, at=NOW)

    async def take_away(self, only_expired: bool) -> bool:
        """A forced release."""
        async with self.db.begin() as conn:
            return await take_away(conn, JOB, RunState.FENCED, at=NOW, only_expired=only_expired)

    async def locks(self) -> list[Any]:
        """The leases."""
        async with self.db.begin() as conn:
            return list(await list_locks(conn))
