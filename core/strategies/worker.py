"""A worker at work: its heartbeat, what it remembers, and transactions that only the present one can make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Fenced, Unavailable
from core.services import Services
from core.strategies.queries import prove, remember

BEAT_EVERY: Final = timedelta(seconds=15)
"""A heartbeat is stored at most this often, however often it is sent."""

_REST: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Worker:
    """The right to be the running worker of a strategy, good while the strategy's epoch is `epoch`."""

    def __init__(self, services: Services, *, id: str, epoch: int, state: Mapping[str, Any]) -> None:
        self.id = id
        self.epoch = epoch
        self._services = services
        self._state = state
        self._beaten_at: datetime | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        """What was saved last, by this worker or one before it; empty at first."""
        return self._state

    async def beat(self) -> None:
        """Say that the work goes on. Cheap: call it often.

        Raises `Fenced` when another worker has taken over. A database that does not answer is no reason to stop: the
        heartbeat is missed, and if that lasts, the supervisor acts.
        """
        now = self._services.clock.now()
        if self._beaten_at is not None and timedelta() <= now - self._beaten_at < BEAT_EVERY:
            return
        try:
            async with self.begin():
                pass
        except Unavailable as error:
            log.info("heartbeat_missed", strategy=self.id, error=str(error))

    @asynccontextmanager
    async def begin(self, *, state: Mapping[str, Any] | None = None) -> AsyncIterator[AsyncConnection]:
        """A write transaction that first proves that this worker is still the one; raises `Fenced` if not.

        It is a heartbeat as well. `state` is remembered with what is written. Keep it short: one that idles for a
        minute is ended by the database.
        """
        now = self._services.clock.now()
        async with self._services.db.begin() as conn:
            if not await prove(conn, self.id, epoch=self.epoch, at=now):
                raise Fenced(f"{self.id} has a newer epoch than {self.epoch}")
            yield conn
            if state is not None:
                await remember(conn, self.id, state)
        self._beaten_at = now
        if state is not None:
            self._state = state

    async def save(self, state: Mapping[str, Any]) -> None:
        """Remember `state` (plain JSON) for after a restart; raises `Fenced` and `Unavailable`."""
        async with self.begin(state=state):
            pass

    async def rest(self, length: timedelta) -> None:
        """Do nothing for `length`, with heartbeats; raises `Fenced`."""
        clock = self._services.clock
        until = clock.now() + length
        while (left := until - clock.now()) > timedelta():
            await self.beat()
            await clock.sleep(min(left, _REST).total_seconds())
        await self.beat()
