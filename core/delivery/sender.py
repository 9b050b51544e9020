"""The sender: takes letters out of the outbox and has them told, a few at a time, at the pace Telegram allows.

One sender works for a database, whichever process it is in: it holds a lock that PostgreSQL gives up when its
connection ends. A letter is taken up and that is committed before it is told, so after a crash those few that were on
their way are known; they are told again and marked, for nobody can say whether they arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.delivery import queries
from core.delivery.hook import AlertHook
from core.delivery.letter import (
    Delivered,
    HookName,
    Letter,
    Moved,
    NotSent,
    Outcome,
    Refused,
    State,
    Step,
    Unknown,
    Unreachable,
    step,
)
from core.delivery.pace import Pace
from core.errors import Unavailable
from core.services import Services

Beat = Callable[[], Awaitable[None]]
Hooks = Mapping[HookName, AlertHook]

IN_FLIGHT: Final = 4
"""Letters on their way at once: the most that can repeat after a crash."""
WEBHOOK_IN_FLIGHT: Final = 1
"""Of these, those to the webhook, so that a slow one does not hold up the chats."""
PATIENCE: Final = timedelta(seconds=30)
"""How long a hook may take."""
LANDING: Final = timedelta(seconds=3)
"""How long letters on their way are waited for when the sender is stopped."""
LOOK_EVERY: Final = timedelta(seconds=1)
"""How often is looked for letters whose time has come; of new ones PostgreSQL tells at once."""
STAND_BY: Final = timedelta(seconds=5)

_LOCK = 7303
_ALIVE = text(
    "SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)

log = structlog.get_logger(__name__)


async def nothing() -> None:
    """The heartbeat of a sender nobody looks after."""


async def send_forever(services: Services, beat: Beat = nothing, *, hooks: Hooks) -> None:
    """Send what is in the outbox, and what comes into it at once, until cancelled; `beat` is called all the while.

    It stands by while another sender works or the database does not answer. Cancelled, it takes up nothing more and
    waits `LANDING` for what is on its way. Raises what `beat` raises.
    """
    await Sender(services, hooks).work(beat)


async def drain(services: Services, *, hooks: Hooks) -> None:
    """Send all that is in the outbox for these hooks, and return when it is empty."""
    await Sender(services, hooks).work(nothing, until_empty=True)


@dataclass(frozen=True, slots=True)
class _Line:
    """The connection that holds the lock, and the pool it is of, which is the sender's own.

    What became of letters goes over another one of that pool: one that is cancelled in mid-statement is lost, and what
    has arrived by then must be written down all the same.
    """

    db: Database
    conn: AsyncConnection


class Sender:
    """One sender: its pace, and the letters that it has on their way."""

    def __init__(self, services: Services, hooks: Hooks) -> None:
        self._services = services
        self._hooks = hooks
        self._pace = Pace()
        self._woken = asyncio.Event()
        self._flying: dict[asyncio.Task[Outcome], Letter] = {}
        self._swept_at: datetime | None = None

    async def work(self, beat: Beat, *, until_empty: bool = False) -> None:
        """See `send_forever` and `drain`."""
        try:
            while True:
                try:
                    async with _alone(self._services.db.url, self._woken) as line:
                        if line is not None:
                            await self._send(line, beat, until_empty)
                            return
                except Unavailable as error:
                    log.warning("sender_blind", error=str(error))
                await beat()
                await self._services.clock.sleep(STAND_BY.total_seconds())
        finally:
            for task in self._flying:
                task.cancel()

    async def _send(self, line: _Line, beat: Beat, until_empty: bool) -> None:
        if self._flying:  # on their way since before the connection was lost
            await asyncio.wait(self._flying)
        await self._settle(line.db)
        if again := await queries.recover(line.conn):
            log.warning("alerts_repeat", letters=again)
        try:
            while True:
                await beat()
                await self._settle(line.db)
                await self._sweep(line.conn)
                pause = await self._take_up(line.conn)
                if until_empty and not self._flying and not await self._waiting(line.conn):
                    return
                await self._rest(pause)
        finally:
            await self._land(line.db)

    async def _waiting(self, conn: AsyncConnection) -> int:
        return await queries.waiting(conn, hooks=self._hooks, at=self._services.clock.now())

    async def _take_up(self, conn: AsyncConnection) -> timedelta:
        """Take up as many letters as may be told now; returns how long nothing else will be possible."""
        clock = self._services.clock
        while len(self._flying) < IN_FLIGHT:
            if wait := self._pace.wait(clock.now()):
                return wait
            now = clock.now()
            letter = await self._claim(conn, now)
            if letter is None:
                return min(self._pace.next_change(now) or LOOK_EVERY, LOOK_EVERY)
            self._pace.begins(now)
            task = asyncio.create_task(self._tell(letter))
            self._flying[task] = letter
            task.add_done_callback(self._wake)
        return LOOK_EVERY

    async def _claim(self, conn: AsyncConnection, now: datetime) -> Letter | None:
        """Take a letter up, or when cancelled none at all: one that nobody tells must not count as perhaps told."""
        hooks, busy = self._free_hooks(), self._pace.busy(now)
        claiming = asyncio.ensure_future(queries.claim(conn, at=now, hooks=hooks, busy=busy))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(LANDING.total_seconds()):
                    if letter := await claiming:
                        back = Step(state=State.WAITING, not_before=now, repeated=letter.repeated)
                        await queries.settle(conn, letter, back, at=now)
            raise

    def _free_hooks(self) -> list[HookName]:
        resting = self._pace.resting(self._services.clock.now())
        if sum(letter.to.hook is HookName.WEBHOOK for letter in self._flying.values()) >= WEBHOOK_IN_FLIGHT:
            resting.add(HookName.WEBHOOK)
        return [hook for hook in self._hooks if hook not in resting]

    async def _tell(self, letter: Letter) -> Outcome:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await self._hooks[letter.to.hook].deliver(letter)
        except TimeoutError:
            return Unknown(f"no answer within {PATIENCE.total_seconds():.0f} s")
        except Unavailable as error:
            return NotSent(str(error))

    async def _settle(self, db: Database) -> None:
        """Write down what became of the letters whose telling has ended."""
        for task, letter in [(task, letter) for task, letter in self._flying.items() if task.done()]:
            outcome, now = _outcome(task), self._services.clock.now()
            self._pace.ended(letter.to, outcome, now)
            becomes = step(letter, outcome, now)
            if letter.to.chat_id is not None and isinstance(outcome, Unreachable | Moved):
                await _of_chat(db, letter, becomes, outcome, letter.to.chat_id, now)
            else:
                async with db.read() as conn:
                    await queries.settle(conn, letter, becomes, at=now)
            del self._flying[task]
            _log(letter, outcome, becomes.state)

    async def _sweep(self, conn: AsyncConnection) -> None:
        now, before = self._services.clock.now(), self._swept_at
        if before is not None and timedelta() <= now - before < LOOK_EVERY:
            return
        self._swept_at = now
        if before is None or now.replace(second=0, microsecond=0) != before.replace(second=0, microsecond=0):
            await queries.hold_back(conn, at=now)  # quiet hours begin with a minute
        if late := await queries.drop_late(conn, at=now):
            log.warning("alerts_too_late", letters=late)

    async def _rest(self, pause: timedelta) -> None:
        """Until `pause` has passed, a letter has landed or there is news."""
        clock = self._services.clock
        first = {asyncio.ensure_future(clock.sleep(pause.total_seconds())), asyncio.ensure_future(self._woken.wait())}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in first:
                each.cancel()
        self._woken.clear()

    async def _land(self, db: Database) -> None:
        if self._flying:
            await asyncio.wait(self._flying, timeout=LANDING.total_seconds())
        with suppress(Unavailable):
            await self._settle(db)

    def _wake(self, _task: asyncio.Task[Outcome]) -> None:
        self._woken.set()


@asynccontextmanager
async def _alone(url: str, woken: asyncio.Event) -> AsyncIterator[_Line | None]:
    """The right to be the one sender, given up with its connection; None while somebody else has it.

    `woken` is set whenever letters come into the outbox. Raises `Unavailable`.
    """
    db = Database(url, pool_size=2)
    try:
        async with db.read() as conn:
            await conn.execute(_ALIVE)  # a machine that vanished keeps the lock half a minute, not two hours
            await queries.walk_in_order(conn)
            taken = (await conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK})).scalar_one()
            if taken:
                driver: Any = (await conn.get_raw_connection()).driver_connection
                await driver.add_listener(queries.NEWS, lambda *_: woken.set())
            yield _Line(db, conn) if taken else None
    finally:
        await db.close()


async def _of_chat(
    db: Database, letter: Letter, becomes: Step, outcome: Unreachable | Moved, chat_id: int, now: datetime
) -> None:
    """Write down what became of a letter, and of everything else for its chat."""
    async with db.begin() as conn:
        if not await queries.settle(conn, letter, becomes, at=now):
            return
        if isinstance(outcome, Moved):
            await queries.move_chat(conn, old=chat_id, new=outcome.chat_id, at=now)
        else:
            await queries.drop_chat(conn, chat_id=chat_id, reason=outcome.reason, at=now)


def _outcome(task: asyncio.Task[Outcome]) -> Outcome:
    if task.cancelled():
        return Unknown("stopped")
    if (error := task.exception()) is not None:
        log.error("alert_hook_raised", exc_info=error)
        return Refused(type(error).__name__)
    return task.result()


def _log(letter: Letter, outcome: Outcome, state: State) -> None:
    known = {"key": letter.alert.key, "hook": letter.to.hook, "chat": letter.to.chat_id, "attempts": letter.attempts}
    if isinstance(outcome, Delivered):
        log.info("alert_told", repeated=letter.repeated, **known)
    else:
        log.warning("alert_not_told", outcome=repr(outcome), state=state, **known)
