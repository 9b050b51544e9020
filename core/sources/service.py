"""Keeping the state of sources: successes, failures, circuits, and rows that could not be used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Malformed, Unavailable
from core.logs import redact
from core.services import Services
from core.sources.models import QuarantineRow, SourceStatusRow
from core.sources.status import Circuit, NoItems, SourceStatus, failure_kind, open_until

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST_QUARANTINED: Final = 100
"""Rows of one reply kept at most, so that a broken file cannot fill the disk; the rest is counted in the log."""

_LONGEST_RAW: Final = 1_000
_LONGEST_REASON: Final = 300


class Unusable(Protocol):
    """A row from outside that cannot be used: why, and how it came."""

    @property
    def reason(self) -> str:
        """Why."""
        ...

    @property
    def raw(self) -> str:
        """The row, or its beginning."""
        ...


async def record_success(conn: AsyncConnection, source: str, *, items: int, at: datetime) -> SourceStatus:
    """Note that `source` answered with `items` items at `at`; closes its circuit.

    No items from a source that had some the last time is noted as a failure of the kind `empty`.
    """
    before = await get_source(conn, source, lock=True)
    if not items and before.last_items:
        return await _fail(conn, before, NoItems(f"no items; {before.last_items} the last time"), at)
    if before.failures_in_row:
        log.info("source_recovered", source=source, failures=before.failures_in_row)
    return await _store(
        conn,
        SourceStatus(
            source=source,
            last_success_at=at,
            last_items=items,
            last_failure_at=before.last_failure_at,
            failure_kind=before.failure_kind,
            failure_message=before.failure_message,
        ),
    )


async def record_failure(conn: AsyncConnection, source: str, *, error: Exception, at: datetime) -> SourceStatus:
    """Note that asking `source` ended in `error` at `at`; may open its circuit."""
    return await _fail(conn, await get_source(conn, source, lock=True), error, at)


async def quarantine(conn: AsyncConnection, source: str, rejected: Iterable[Unusable], *, at: datetime) -> int:
    """Keep rows of `source` that could not be used, shortened and at most 100 of them; returns how many there were."""
    rows = iter(rejected)
    kept = [
        {
            "source": source,
            "reason": _stored_text(row.reason, _LONGEST_REASON),
            "raw": _stored_text(row.raw, _LONGEST_RAW),
            "seen_at": at,
        }
        for row in islice(rows, MOST_QUARANTINED)
    ]
    count = len(kept) + sum(1 for _ in rows)
    if kept:
        await conn.execute(insert(QuarantineRow), kept)
        log.warning("rows_quarantined", source=source, rows=count, reason=kept[0]["reason"])
    return count


async def get_source(conn: AsyncConnection, source: str, *, lock: bool = False) -> SourceStatus:
    """The state of one source; a fresh one if it was never asked. `lock` keeps it until the transaction ends."""
    query = select(SourceStatusRow.__table__).where(SourceStatusRow.source == source)
    row = (await conn.execute(query.with_for_update() if lock else query)).one_or_none()
    return SourceStatus(**row._mapping) if row else SourceStatus(source=source)


async def list_sources(conn: AsyncConnection) -> list[SourceStatus]:
    """Every source that was ever asked, by name."""
    rows = await conn.execute(select(SourceStatusRow.__table__).order_by(SourceStatusRow.source))
    return [SourceStatus(**row._mapping) for row in rows]


async def ask_source(services: Services, source: str, call: Callable[[], Awaitable[T]]) -> T:
    """The answer of `call`, or `Unavailable` at once while the circuit of `source` is open.

    `Unavailable` and `Malformed` from `call` are noted as failures and raised on; noting the success is left to the
    caller, who does it in the transaction that stores the answer.
    """
    async with services.db.begin() as conn:
        status = await get_source(conn, source)
    if status.circuit(services.clock.now()) is Circuit.OPEN:
        raise Unavailable(f"{source}: not asked until {status.open_until} after {status.failure_message}")
    try:
        return await call()
    except (Unavailable, Malformed) as error:
        async with services.db.begin() as conn:
            await record_failure(conn, source, error=error, at=services.clock.now())
        raise


async def _fail(conn: AsyncConnection, before: SourceStatus, error: Exception, at: datetime) -> SourceStatus:
    failures = before.failures_in_row + 1
    if failures == 1:
        log.warning("source_failed", source=before.source, kind=failure_kind(error), error=redact(str(error)))
    return await _store(
        conn,
        SourceStatus(
            source=before.source,
            last_success_at=before.last_success_at,
            last_items=before.last_items,
            last_failure_at=at,
            failure_kind=failure_kind(error),
            failure_message=_stored_text(str(error), _LONGEST_REASON),
            failures_in_row=failures,
            open_until=open_until(error, failures_in_row=failures, at=at),
        ),
    )


async def _store(conn: AsyncConnection, status: SourceStatus) -> SourceStatus:
    values = {name: getattr(status, name) for name in SourceStatus.__slots__}
    statement = upsert(SourceStatusRow).values(**values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))
    return status


def _stored_text(value: str, longest: int) -> str:
    """Text as PostgreSQL takes it: no zero bytes, no lone surrogates, no secrets, cut to `longest` characters."""
    return redact(value[: 2 * longest])[:longest].replace("\x00", "�").encode(errors="replace").decode()
