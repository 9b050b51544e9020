"""SQL of log rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.log_records.models import LogRecordRow
from core.log_records.record import Category, Level, LogRecord

_COLUMNS = (
    LogRecordRow.at,
    LogRecordRow.level,
    LogRecordRow.category,
    LogRecordRow.event,
    LogRecordRow.logger,
    LogRecordRow.fields,
    LogRecordRow.reference,
    LogRecordRow.repeated,
)


async def add_records(conn: AsyncConnection, records: Sequence[LogRecord]) -> None:
    """Write rows in one statement."""
    await conn.execute(insert(LogRecordRow), [asdict(record) for record in records])


async def newest_records(
    conn: AsyncConnection, *, least: Level = Level.WARNING, category: Category | None = None, limit: int = 10
) -> list[LogRecord]:
    """The newest rows of at least a level, newest first."""
    heavy = list(Level)[list(Level).index(least) :]
    query = select(*_COLUMNS).where(LogRecordRow.level.in_(heavy))
    if category is not None:
        query = query.where(LogRecordRow.category == category)
    query = query.order_by(LogRecordRow.at.desc(), LogRecordRow.id.desc()).limit(limit)
    return [_record(row._mapping) for row in await conn.execute(query)]


async def records_of(conn: AsyncConnection, reference: str, *, limit: int = 10) -> list[LogRecord]:
    """The rows of a reference, newest first."""
    query = select(*_COLUMNS).where(LogRecordRow.reference == reference)
    query = query.order_by(LogRecordRow.at.desc(), LogRecordRow.id.desc()).limit(limit)
    return [_record(row._mapping) for row in await conn.execute(query)]


async def prune_records(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete the rows from before a moment; returns how many."""
    return (await conn.execute(delete(LogRecordRow).where(LogRecordRow.at < before))).rowcount


def _record(row: RowMapping) -> LogRecord:
    return LogRecord(**{**row, "level": Level(row["level"]), "category": Category(row["category"])})
