"""Leadership: of all processes on one database, one does the work that must be done by one.

A lease by the database's clock, renewed while its holder lives. A leader that is killed is followed within `TAKEOVER`;
one that stops gives the lease up, and is followed within `TRY_EVERY`. What a leader starts is safe without the lease
too (jobs, outbox and workers have fences of their own): for a moment there may be two, if one of them was frozen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.errors import StockPilotError, Unavailable
from core.logs import redact

LENGTH: Final = timedelta(seconds=15)
"""How long a lease lasts that is not renewed."""
TRY_EVERY: Final = timedelta(seconds=5)
"""How often the leader renews, and the others try."""
TAKEOVER: Final = LENGTH + TRY_EVERY
"""The longest time from the death of a leader to the next one's start."""

Work = Callable[[], AbstractAsyncContextManager[None]]

log = structlog.get_logger(__name__)

_TAKE_OR_RENEW = text(
    """
    INSERT INTO leader AS held (name, owner, epoch, since, lease_until)
    VALUES (:name, :owner, 1, clock_timestamp(), clock_timestamp() + :length)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until,
        epoch = CASE WHEN held.owner = :owner THEN held.epoch ELSE held.epoch + 1 END,
        since = CASE WHEN held.owner = :owner THEN held.since ELSE excluded.since END
    WHERE held.owner = :owner OR held.lease_until < clock_timestamp() OR :by_force
    RETURNING epoch
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leader:
    """Who leads, for the how-manieth time leadership changed hands, and since when by the database's clock."""

    owner: str
    epoch: int
    since: datetime
    expired: bool


async def current_leader(conn: AsyncConnection, name: str = "bot") -> Leader | None:
    """Who holds the lease, or held it last and died with it; None when it was given up."""
    query = text(
        "SELECT owner, epoch, since, lease_until < clock_timestamp() AS expired FROM leader"
        " WHERE name = :name AND owner <> ''"
    )
    row = (await conn.execute(query, {"name": name})).mappings().first()
    return Leader(**row) if row else None


class Leadership:
    """One process's part: `step` by `step` it leads, or waits to.

    `work` is entered when leadership begins and left when it ends. `db` should be a connection of its own, which
    busy work cannot starve. `monotonic` counts seconds. `alone` says that nobody else can be at this database: the
    lease of a predecessor is then one of a dead process, and not waited for.
    """

    def __init__(
        self,
        db: Database,
        owner: str,
        work: Work,
        *,
        name: str = "bot",
        alone: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owner = owner
        self._db, self._work, self._name = db, work, name
        self._by_force = alone
        self._monotonic = monotonic
        self._good_until = -inf
        self._working: AsyncExitStack | None = None

    @property
    def leading(self) -> bool:
        """Whether this process leads, as far as it knows."""
        return self._working is not None

    @property
    def next_step(self) -> float:
        """Seconds until the next step: to renew or try again, or to stop in time where renewing fails."""
        left = self._good_until - self._monotonic() if self.leading else TRY_EVERY.total_seconds()
        return max(0.0, min(TRY_EVERY.total_seconds(), left))

    async def step(self) -> None:
        """Take or renew the lease, and begin or end the work as that went.

        While the database does not answer, the leader goes on to the end of its lease and no longer.
        """
        await self._end_in_time()
        held = await self._take_or_renew()
        if held is False:
            self._good_until = -inf
        await self._end_in_time()
        if held and not self.leading:
            await self._begin()

    async def resign(self) -> None:
        """End the work, then give the lease up, so that the next leader need not wait for its end."""
        led = self.leading
        await self._end()
        if led:
            await self._give_up()

    async def _end_in_time(self) -> None:
        if self.leading and self._monotonic() >= self._good_until:
            log.warning("leadership_lost", owner=self.owner)
            await self._end()

    async def _begin(self) -> None:
        stack = AsyncExitStack()
        try:
            await stack.enter_async_context(self._work())
        except StockPilotError as error:
            log.warning("leadership_declined", owner=self.owner, error=redact(str(error)))
            await self._give_up()
            return
        self._working = stack
        log.info("leading", owner=self.owner)

    async def _end(self) -> None:
        working, self._working = self._working, None
        if working is not None:
            await working.aclose()

    async def _take_or_renew(self) -> bool | None:
        """Whether the lease is ours; None when the database did not say."""
        asked, patience = self._monotonic(), self.next_step
        values = {"name": self._name, "owner": self.owner, "length": LENGTH, "by_force": self._by_force}
        try:
            async with asyncio.timeout(patience), self._db.begin() as conn:
                held = (await conn.execute(_TAKE_OR_RENEW, values)).first() is not None
        except (Unavailable, TimeoutError, DBAPIError) as error:
            log.warning("leadership_unknown", error=redact(str(error)) or type(error).__name__)
            return None
        self._by_force = False
        if held:
            self._good_until = asked + LENGTH.total_seconds()
        return held

    async def _give_up(self) -> None:
        """Let anybody have the lease; the row stays, because it counts the changes of hands."""
        given = text("UPDATE leader SET owner = '', lease_until = '-infinity' WHERE name = :name AND owner = :owner")
        try:
            async with asyncio.timeout(TRY_EVERY.total_seconds()), self._db.begin() as conn:
                await conn.execute(given, {"name": self._name, "owner": self.owner})
        except (Unavailable, TimeoutError, DBAPIError) as error:
            log.warning("leadership_not_given_up", error=redact(str(error)) or type(error).__name__)


@asynccontextmanager
async def lead(
    leadership: Leadership, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[Leadership]:
    """Strive for leadership until the block ends, then resign. The first step is made before the block begins.

    A failure that `Leadership` does not know ends the block, and with it the process: the next one takes over.
    """
    block = asyncio.current_task()
    assert block is not None

    async def strive() -> None:
        while True:
            await wait(leadership.next_step)
            await leadership.step()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            block.cancel()

    await leadership.step()
    striving = asyncio.create_task(strive())
    striving.add_done_callback(ended)
    try:
        yield leadership
    finally:
        striving.cancel()
        await asyncio.wait({striving})
        await leadership.resign()
        if not striving.cancelled() and (failure := striving.exception()) is not None:
            raise failure
