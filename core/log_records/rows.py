"""Log lines on their way to the database: a bounded queue that never blocks who logs, emptied every second."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.handlers
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.clock import Clock
from core.db import Database
from core.errors import Unavailable
from core.log_records.queries import add_records
from core.log_records.record import LogRecord, category_of, kept_level
from core.logs import Discreet, json_formatter

log = structlog.get_logger(__name__)

EVERY: Final = 1.0
"""Seconds between two writes."""
MOST_WAITING: Final = 2_000
"""Different lines that wait while the database is away; the newest are kept."""
LAST_PATIENCE: Final = 5.0
"""Seconds the last write may take when the process stops."""
_BATCH: Final = 500
_LONGEST_LINE: Final = 40_000
_LONGEST_EVENT: Final = 500
_LONGEST_LOGGER: Final = 200
_LONGEST_REFERENCE: Final = 40

_writing: ContextVar[bool] = ContextVar("writing_log_rows", default=False)
"""True while rows are written: what is logged about that is not a row, or one loss would breed the next."""


class LogRows(Discreet, logging.handlers.QueueHandler):
    """A logging handler that turns lines of WARNING and above into rows of `log_record`.

    Equal lines that wait together are one row. What finds no room is counted in `dropped`.
    """

    def __init__(self, db: Database, clock: Clock, *, most: int = MOST_WAITING) -> None:
        super().__init__(SimpleQueue())
        self.setLevel(logging.WARNING)
        self.setFormatter(json_formatter())
        self.dropped = 0
        self._db, self._clock, self._most = db, clock, most
        self._waiting: dict[str, LogRecord] = {}
        self._guard = threading.Lock()
        self._flushing = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Lines that are not written yet."""
        with self._guard:
            return len(self._waiting)

    def prepare(self, record: logging.LogRecord) -> Any:
        """The line as a row, with what makes it equal to another."""
        line = self.format(record)
        fields: dict[str, Any] = json.loads(line)
        event, logger = str(fields.pop("event", "")), str(fields.pop("logger", record.name))
        for known in ("timestamp", "level"):
            fields.pop(known, None)
        reference = fields.pop("reference", None)
        if len(line) > _LONGEST_LINE:
            fields = {"cut": line[:_LONGEST_LINE]}
        row = LogRecord(
            at=self._clock.now(),
            level=kept_level(record.levelno),
            category=category_of(logger, fields),
            event=event[:_LONGEST_EVENT],
            logger=logger[:_LONGEST_LOGGER],
            fields=fields,
            reference=None if reference is None else str(reference)[:_LONGEST_REFERENCE],
        )
        return json.dumps([row.level, event, logger, fields, row.reference], sort_keys=True), row

    def filter(self, record: logging.LogRecord) -> bool:
        """Refuse what is said about writing these very rows."""
        return not _writing.get() and bool(super().filter(record))

    def enqueue(self, record: Any) -> None:
        """Let a row wait, in the place of the oldest when there is no room."""
        with self._guard:
            self._put(*record)

    async def flush_rows(self) -> bool:
        """Write what waits; False when the database does not take it, and it waits on."""
        token = _writing.set(True)
        try:
            async with self._flushing:
                lost, written = self.dropped, 0
                while batch := self._take():
                    if (count := await self._write(batch)) is None:
                        return False
                    written += count
        finally:
            _writing.reset(token)
        if lost and written:
            self.dropped -= lost
            log.warning("log_rows_dropped", rows=lost)
        return True

    async def _write(self, batch: dict[str, LogRecord]) -> int | None:
        """How many rows were written, None when the batch waits on."""
        try:
            async with self._db.begin() as conn:
                await add_records(conn, list(batch.values()))
        except (Unavailable, OSError):
            self._put_back(batch)
            return None
        except SQLAlchemyError:
            # The database refuses these rows for good: they stand in the file, and the next ones go on.
            self.dropped += sum(row.repeated for row in batch.values())
            return 0
        return len(batch)

    def _take(self) -> dict[str, LogRecord]:
        with self._guard:
            keys = list(self._waiting)[:_BATCH]
            return {key: self._waiting.pop(key) for key in keys}

    def _put_back(self, batch: dict[str, LogRecord]) -> None:
        """The batch is older than what came meanwhile, so it goes first into what room there is."""
        with self._guard:
            newer, self._waiting = self._waiting, {}
            for key, row in (*batch.items(), *newer.items()):
                self._put(key, row)

    def _put(self, key: str, row: LogRecord) -> None:
        known = self._waiting.pop(key, None)
        if known is not None:
            row = replace(row, repeated=row.repeated + known.repeated)
        elif len(self._waiting) >= self._most:
            oldest = next(iter(self._waiting))
            self.dropped += self._waiting.pop(oldest).repeated
        self._waiting[key] = row


@asynccontextmanager
async def keeping_log_rows(db: Database, clock: Clock) -> AsyncIterator[LogRows]:
    """Keep log lines as rows until the block ends; what waits then is written."""
    rows, root = LogRows(db, clock), logging.getLogger()
    root.addHandler(rows)
    stopping = asyncio.Event()
    writer = asyncio.create_task(_write_until(stopping, rows))
    try:
        yield rows
    finally:
        stopping.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_PATIENCE):
                await writer
        root.removeHandler(rows)
        rows.close()


async def _write_until(stopping: asyncio.Event, rows: LogRows) -> None:
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY)
        await rows.flush_rows()
