"""The supervisor: starts workers, restarts failed and hung ones, and stops those that are no longer wanted.

It decides by the stored state alone, every few seconds: so a start or stop by an admin in any process takes effect
almost at once, while the tries themselves keep the distances of the rule. One process at a time should run one; where
two do, each change of hands locks the row and raises its epoch, so the later one has the worker and the other one
lets go of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.errors import Unavailable
from core.logs import redact
from core.services import Services
from core.strategies.queries import declare, list_states, lock_state, store_state
from core.strategies.state import Action, Status, StrategyState, failed, released, taken, what_to_do
from core.strategies.strategy import Strategy
from core.strategies.worker import Worker

LOOK_EVERY: Final = timedelta(seconds=5)
CANCEL_WAIT: Final = timedelta(seconds=5)
"""What a stopped worker gets to unwind; after that it is left behind, and can write nothing."""

_LONGEST_ERROR: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """A worker of this process and the task it runs in."""

    worker: Worker
    task: asyncio.Task[None]

    @property
    def error(self) -> str:
        """Why the task ended, redacted."""
        if self.task.cancelled():
            return "the worker cancelled itself"
        error = self.task.exception()
        return redact(f"{type(error).__name__}: {error}" if error else "the worker ended by itself")[:_LONGEST_ERROR]


class Supervisor:
    """Runs the strategies of this process. `start` it when this process is the one to run them, `stop` it when not."""

    def __init__(
        self,
        services: Services,
        strategies: Iterable[Strategy],
        *,
        look_every: timedelta = LOOK_EVERY,
        cancel_wait: timedelta = CANCEL_WAIT,
    ) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._services = services
        self._strategies = {each.id: each for each in strategies if not each.off_because(services.settings)}
        self._look_every = look_every
        self._cancel_wait = cancel_wait
        self._working: dict[str, _Work] = {}
        self._turn = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    @property
    def running(self) -> frozenset[str]:
        """The strategies with a worker in this process."""
        return frozenset(self._working)

    async def start(self) -> None:
        """Take every strategy over, start those that ran or are wanted, and look after them until `stop`.

        Call it in the process that is to run them: whoever ran them before can write nothing from here on. Raises
        `Unavailable` when the database does not answer.
        """
        await self._take_over()
        await self.check()
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Stop every worker and give the strategies up; what ran will run again wherever a supervisor starts."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        async with self._turn:
            mine = {id: work.worker.epoch for id, work in self._working.items()}
            await asyncio.gather(*(self._drop(id) for id in mine))
            try:
                await self._give_up(mine)
            except Unavailable as error:
                log.warning("strategies_not_released", error=str(error))

    async def check(self) -> None:
        """Look at every strategy once and do what its state asks for. Raises `Unavailable`."""
        async with self._turn:
            async with self._services.db.read() as conn:
                states = await list_states(conn)
            for id, strategy in self._strategies.items():
                await self._attend(strategy, states[id])

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._look_every.total_seconds())
            try:
                await self.check()
            except Unavailable as error:
                log.warning("supervisor_blind", error=str(error))

    async def _take_over(self) -> None:
        now = self._services.clock.now()
        async with self._services.db.begin() as conn:
            await declare(conn, self._strategies, at=now)
            for id in self._strategies:
                state = await lock_state(conn, id)
                if state is not None and state.status is Status.RUNNING:
                    await store_state(conn, released(state, now=now))

    async def _give_up(self, mine: dict[str, int]) -> None:
        now = self._services.clock.now()
        async with self._services.db.begin() as conn:
            for id, epoch in mine.items():
                state = await lock_state(conn, id)
                if state is not None and state.epoch == epoch:
                    await store_state(conn, released(state, now=now))

    async def _attend(self, strategy: Strategy, state: StrategyState) -> None:
        """Act where a look without a lock shows that there is something to do."""
        work = self._working.get(strategy.id)
        changed = work is not None and (work.task.done() or work.worker.epoch != state.epoch)
        if changed or what_to_do(state, self._services.clock.now()) is not None:
            await self._act(strategy)

    async def _act(self, strategy: Strategy) -> None:
        work, now = self._working.get(strategy.id), self._services.clock.now()
        async with self._services.db.begin() as conn:
            before = await lock_state(conn, strategy.id)
            assert before is not None
            state = before
            if work is not None and work.task.done() and work.worker.epoch == state.epoch:
                state = failed(state, work.error, now=now)
            action = what_to_do(state, now)
            if action is not None:
                state = taken(state, action, owner=self.owner, now=now)
            if state != before:
                await store_state(conn, state)
            if (alert := _alert(before, state, action)) is not None:
                await tell_admins(self._services, conn, alert)
        if state != before:
            _log(state, action)
        if work is not None and work.worker.epoch != state.epoch:
            await self._drop(strategy.id)
        if action in (Action.START, Action.RESTART):
            self._launch(strategy, state)

    def _launch(self, strategy: Strategy, state: StrategyState) -> None:
        worker = Worker(self._services, id=strategy.id, epoch=state.epoch, state=state.state)
        self._working[strategy.id] = _Work(worker, asyncio.create_task(self._work(strategy, worker), name=strategy.id))

    async def _work(self, strategy: Strategy, worker: Worker) -> None:
        with structlog.contextvars.bound_contextvars(strategy=strategy.id):
            await strategy.run(self._services, worker)

    async def _drop(self, id: str) -> None:
        """Stop a worker of this process, or leave it behind when it does not let itself be stopped."""
        task = self._working.pop(id).task
        task.cancel()
        _, left = await asyncio.wait({task}, timeout=self._cancel_wait.total_seconds())
        if left:
            log.error("strategy_does_not_stop", strategy=id, seconds=self._cancel_wait.total_seconds())
        task.add_done_callback(_heard)


def _heard(task: asyncio.Task[None]) -> None:
    """What a stopped worker still raises is of no interest any more."""
    if not task.cancelled():
        task.exception()


def _log(state: StrategyState, action: Action | None) -> None:
    event = f"strategy_{action or state.status}"
    if action in (Action.START, Action.RECOVER):
        log.info(event, strategy=state.id, epoch=state.epoch)
    else:
        log.warning(event, strategy=state.id, epoch=state.epoch, restarts=state.restarts, error=state.last_error)


def _alert(before: StrategyState, after: StrategyState, action: Action | None) -> Alert | None:
    """What admins are told of a step: the beginning of trouble, its end, and that tries are used up."""
    key = f"strategy:{after.id}:{after.epoch}:{action}"
    match action:
        case Action.RESTART if not before.told:
            facts = {"strategy": after.id, "reason": after.last_error, "attempt": after.restarts}
            return Alert(kind=AlertKind.STRATEGY_RESTARTED, key=key, facts=facts)
        case Action.GIVE_UP:
            facts = {"strategy": after.id, "reason": after.last_error}
            return Alert(kind=AlertKind.STRATEGY_STOPPED, key=key, facts=facts)
        case Action.RECOVER:
            return Alert(kind=AlertKind.STRATEGY_RECOVERED, key=key, facts={"strategy": after.id})
    return None
