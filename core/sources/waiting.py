"""Rows in quarantine that wait to be usable."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.sources.models import QuarantineRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One row as it came, why it cannot be used, when it was first seen and how often it came."""

    id: int
    reason: str
    raw: str
    seen_at: datetime
    times: int


_COLUMNS = (QuarantineRow.id, QuarantineRow.reason, QuarantineRow.raw, QuarantineRow.seen_at, QuarantineRow.times)
_WAITS = QuarantineRow.resolved_at.is_(None)


async def waiting_counts(conn: AsyncConnection) -> Mapping[str, int]:
    """How many rows of each source wait."""
    query = select(QuarantineRow.source, func.count().label("rows")).where(_WAITS).group_by(QuarantineRow.source)
    return {row.source: row.rows for row in await conn.execute(query)}


async def waiting(conn: AsyncConnection, source: str, *, limit: int, after: int = 0) -> list[Waiting]:
    """The rows of a source that wait, oldest first, beyond the row `after`."""
    query = select(*_COLUMNS).where(_WAITS, QuarantineRow.source == source, QuarantineRow.id > after)
    rows = await conn.execute(query.order_by(QuarantineRow.id).limit(limit))
    return [Waiting(**row._mapping) for row in rows]


async def newest_waiting(conn: AsyncConnection, source: str, *, limit: int) -> list[Waiting]:
    """The newest rows of a source that wait, newest first."""
    query = select(*_COLUMNS).where(_WAITS, QuarantineRow.source == source)
    rows = await conn.execute(query.order_by(QuarantineRow.seen_at.desc(), QuarantineRow.id.desc()).limit(limit))
    return [Waiting(**row._mapping) for row in rows]


async def resolve(conn: AsyncConnection, ids: Collection[int], *, at: datetime) -> int:
    """These rows could be used at `at`; returns how many still waited."""
    query = update(QuarantineRow).where(QuarantineRow.id.in_(ids), _WAITS).values(tried_at=at, resolved_at=at)
    return (await conn.execute(query)).rowcount


async def still_waiting(conn: AsyncConnection, reasons: Mapping[int, str], *, at: datetime) -> None:
    """These rows were tried at `at` and cannot be used, for these reasons."""
    for id, reason in reasons.items():
        query = update(QuarantineRow).where(QuarantineRow.id == id)
        await conn.execute(query.values(tried_at=at, reason=reason[:300]))


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget rows first seen before `before`; returns how many."""
    return (await conn.execute(delete(QuarantineRow).where(QuarantineRow.seen_at < before))).rowcount
