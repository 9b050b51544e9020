"""Unpaid outside calls on their way into the ledger: gathered in memory, written many at once.

They come up to eighteen a second, so none of them may cost a commit of its own. What a crash loses is the unwritten
second; an answer lost at the commit may write a batch twice. Paid calls never come this way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from core.clock import Clock
from core.db import Database
from core.errors import Unavailable
from core.http import OutsideCall

log = structlog.get_logger(__name__)

FLUSH_AFTER: Final = 1.0
"""Real seconds a call waits to be written at most, while the database answers."""
FLUSH_AT: Final = 500
"""So many waiting calls are written at once."""
MOST_WAITING: Final = 20_000
"""More than these are not kept while the database does not answer: the newest are lost, and counted."""
_LONGEST_TEXT: Final = 120
_AWAY: Final = (
    Unavailable,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
)
"""The database does not answer now; COPY speaks to the driver, whose errors nobody translates."""
_COLUMNS: Final = (
    "at",
    "settled_at",
    "provider",
    "endpoint",
    "model",
    "purpose",
    "cost_usd",
    "status_code",
    "error_code",
    "response_ms",
    "request_id",
)


class CallRecorder:
    """Writes outside calls as rows of the ledger. Nothing it does can fail the call it is told of.

    `lost` counts the calls of this process that could not be written.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._writing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.lost = 0

    def __call__(self, call: OutsideCall) -> None:
        """Take note of a call that is over. Never waits, never raises."""
        if self._closed or len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append(_row(call, self._clock.now()))
        if len(self._waiting) == FLUSH_AT:
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self._start)

    async def flush(self) -> None:
        """Write what waits. While the database does not answer it goes on waiting."""
        async with self._writing:
            batch = list(self._waiting)
            self._waiting.clear()
            if not batch:
                return
            try:
                await copy_calls(self._db, batch)
            except _AWAY as error:
                log.warning("calls_not_written_yet", calls=len(batch), error=type(error).__name__)
                kept = batch[: MOST_WAITING - len(self._waiting)]
                self._waiting.extendleft(reversed(kept))
                self.lost += len(batch) - len(kept)
            except (DBAPIError, asyncpg.PostgresError) as error:
                log.error("calls_lost", calls=len(batch), error=type(error).__name__)
                self.lost += len(batch)

    async def close(self) -> None:
        """Write what waits, once; what then is left is lost and counted."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await self._task
        await self.flush()
        if self._waiting:
            self.lost += len(self._waiting)
            log.error("calls_lost", calls=len(self._waiting), error="closing")
            self._waiting.clear()

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        await self.flush()
        if self._waiting and self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self._start)


async def copy_calls(db: Database, rows: Sequence[Sequence[Any]]) -> None:
    """Write rows by COPY in a transaction of their own; raises `Unavailable`."""
    async with db.begin() as conn:
        driver = (await conn.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table("usage_record", records=rows, columns=list(_COLUMNS))


def _row(call: OutsideCall, at: datetime) -> tuple[Any, ...]:
    """One row. Which job it is for stands in the log context of the caller."""
    context = structlog.contextvars.get_contextvars()
    job, slot = context.get("job"), context.get("slot")
    return (
        at,
        at,
        _clean(call.provider),
        _clean(call.endpoint),
        "",
        _clean(str(job or "ask")),
        0,
        call.status,
        _clean(call.error) if call.error else None,
        call.response_ms,
        _clean(f"{job}:{slot}") if job and slot else uuid4().hex,
    )


def _clean(text: str) -> str:
    """What PostgreSQL takes as text, and not much of it: one odd reply must not lose the batch."""
    short = text[:_LONGEST_TEXT]
    return short if short.isprintable() else "".join(letter for letter in short if letter.isprintable())
