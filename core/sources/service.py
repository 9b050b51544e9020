"""Keeping the state of sources: successes, failures, circuits, and rows that could not be used.

Where `services` are given, admins are told in the same transaction: once when a source fails for good, once when it
works again. The status of a source is told from here and not by health, since only a reading shows what came of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.errors import Malformed, Unavailable
from core.logs import redact
from core.services import Services
from core.sources.models import QuarantineRow, SourceStatusRow, SourceUsualRow
from core.sources.rule import rule_of
from core.sources.status import (
    PROBE_PATIENCE,
    Circuit,
    NoItems,
    Notice,
    SourceStatus,
    failed,
    failure_kind,
    notice,
    succeeded,
)
from core.sources.usual import Amount, day_kind, hour_of, judged, learnt, usual_of

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST_QUARANTINED: Final = 100
"""Different rows of one reply kept at most, so that a broken file cannot fill the disk; the rest is counted in the
log."""
LONGEST_RAW: Final = 8_000
"""Characters kept of a row: whole rows of every list fit, so that they can be parsed again."""

_LONGEST_REASON: Final = 300
_NOTED_EVERY: Final = timedelta(seconds=1)
"""A source that answers many questions a second and is well is written down no more often."""


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


async def record_success(
    conn: AsyncConnection,
    source: str,
    *,
    items: int,
    at: datetime,
    services: Services | None = None,
    counted: bool = True,
) -> SourceStatus:
    """Note that `source` answered with `items` items at `at`; closes its circuit.

    No items from a source that normally has some at this hour is noted as a failure of the kind `empty`. With
    `services`, admins are told of a recovery. A part of a reading whose sum is noted later is not `counted`: how many
    items it has says nothing.
    """
    rule = rule_of(source)
    counted = counted and rule.counted
    if not rule.counted and _just_noted(known := await get_source(conn, source), items=items, at=at):
        return known
    before = await get_source(conn, source, lock=True)
    samples: list[int] = []
    hour = (source, day_kind(at, services.calendar if services else None), hour_of(at))
    if counted:
        samples = await _samples(conn, *hour)
    usual = usual_of(samples)
    amount = judged(items, usual, last_items=before.last_items, steady=rule.steady) if counted else Amount.USUAL
    if amount is Amount.NONE:
        expected = f"{usual.items} usually" if usual else f"{before.last_items} the last time"
        return await _fail(conn, before, NoItems(f"no items; {expected}"), at, services)
    if counted:
        await _learn(conn, *hour, items=learnt(samples, items))
    if before.failures_in_row:
        log.info("source_recovered", source=source, failures=before.failures_in_row)
    after = succeeded(before, items=items, at=at, usual=usual, few=amount is Amount.FEW)
    return await _store(conn, await _told(conn, before, after, services))


async def record_failure(
    conn: AsyncConnection, source: str, *, error: Exception, at: datetime, services: Services | None = None
) -> SourceStatus:
    """Note that asking `source` ended in `error` at `at`; may open its circuit. With `services`, admins are told once
    it has failed for good."""
    return await _fail(conn, await get_source(conn, source, lock=True), error, at, services)


async def quarantine(conn: AsyncConnection, source: str, rejected: Iterable[Unusable], *, at: datetime) -> int:
    """Keep rows of `source` that could not be used, shortened and at most 100 of them; returns how many there were.

    The same row waits once: when it comes again it is counted, and says why it cannot be used now.
    """
    rows = iter(rejected)
    kept: dict[str, dict[str, Any]] = {}
    count = 0
    for row in islice(rows, MOST_QUARANTINED):
        count += 1
        raw = _stored_text(row.raw, LONGEST_RAW)
        digest = hashlib.sha256(raw.encode()).hexdigest()[:32]
        reason = _stored_text(row.reason, _LONGEST_REASON)
        kept.setdefault(digest, {"source": source, "reason": reason, "raw": raw, "seen_at": at, "digest": digest})
    count += sum(1 for _ in rows)
    if kept:
        statement = upsert(QuarantineRow)
        statement = statement.on_conflict_do_update(
            index_elements=["source", "digest"],
            index_where=QuarantineRow.resolved_at.is_(None),
            set_={"times": QuarantineRow.times + 1, "reason": statement.excluded.reason},
        )
        await conn.execute(statement, [kept[digest] for digest in sorted(kept)])
        log.warning("rows_quarantined", source=source, rows=count, reason=next(iter(kept.values()))["reason"])
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

    Once its time is over one caller at a time probes; the others are still refused. `Unavailable` and `Malformed` from
    `call` are noted as failures and raised on; noting the success is left to the caller, who does it in the
    transaction that stores the answer.
    """
    async with services.db.read() as conn:
        status = await get_source(conn, source)
        if status.circuit(at := services.clock.now()) is not Circuit.CLOSED:
            await _probe(conn, status, at)
    try:
        return await call()
    except (Unavailable, Malformed) as error:
        async with services.db.begin() as conn:
            await record_failure(conn, source, error=error, at=services.clock.now(), services=services)
        raise


async def reopen(conn: AsyncConnection, source: str) -> SourceStatus:
    """Close the circuit of a source by hand: it is asked again at its next turn, and what failed starts over.

    Where it failed because it had nothing, what was usual is forgotten too: an admin says that nothing is well. Only a
    success makes it recover.
    """
    before = await get_source(conn, source, lock=True)
    if before.failure_kind == "empty" and before.failures_in_row:
        await conn.execute(delete(SourceUsualRow).where(SourceUsualRow.source == source))
        before = replace(before, last_items=None)
    return await _store(conn, replace(before, failures_in_row=0, failing_since=None, openings=0, open_until=None))


async def _probe(conn: AsyncConnection, status: SourceStatus, at: datetime) -> None:
    """Take the turn of the one who probes, or refuse: `Unavailable`."""
    if status.circuit(at) is Circuit.PROBING:
        taken = update(SourceStatusRow).where(
            SourceStatusRow.source == status.source, SourceStatusRow.open_until == status.open_until
        )
        if (await conn.execute(taken.values(open_until=at + PROBE_PATIENCE))).rowcount:
            return
    raise Unavailable(f"{status.source}: not asked until {status.open_until} after {status.failure_message}")


def _just_noted(known: SourceStatus, *, items: int, at: datetime) -> bool:
    """Whether another success says nothing new."""
    well = not known.failures_in_row and not known.told and known.open_until is None and known.last_items == items
    return well and known.last_success_at is not None and timedelta() <= at - known.last_success_at < _NOTED_EVERY


async def _fail(
    conn: AsyncConnection, before: SourceStatus, error: Exception, at: datetime, services: Services | None
) -> SourceStatus:
    message = _stored_text(str(error), _LONGEST_REASON)
    after = failed(before, error, message=message, at=at, rule=rule_of(before.source))
    if after.failures_in_row == 1:
        log.warning("source_failed", source=before.source, kind=failure_kind(error), error=message)
    return await _store(conn, await _told(conn, before, after, services))


async def _told(
    conn: AsyncConnection, before: SourceStatus, after: SourceStatus, services: Services | None
) -> SourceStatus:
    """The state once admins were told what they do not know yet."""
    if services is None or (due := notice(after, rule_of(after.source))) is None:
        return after
    key = f"source:{after.source}:{after.episode}:{due}"
    if due is Notice.FAILED:
        facts = {"source": after.source, "failure": after.failure_kind, "error": after.failure_message}
        alert = Alert(kind=AlertKind.SOURCE_FAILED, key=key, facts=facts | {"failures": after.failures_in_row})
    else:
        since = before.failing_since.isoformat() if before.failing_since else None
        facts_now = {"source": after.source, "since": since, "items": after.last_items}
        alert = Alert(kind=AlertKind.SOURCE_RECOVERED, key=key, facts=facts_now)
    await tell_admins(services, conn, alert)
    return replace(after, told=due is Notice.FAILED)


async def _samples(conn: AsyncConnection, source: str, kind: str, hour: int) -> list[int]:
    query = select(SourceUsualRow.items).where(
        SourceUsualRow.source == source, SourceUsualRow.day_kind == kind, SourceUsualRow.hour == hour
    )
    return list((await conn.execute(query)).scalar_one_or_none() or ())


async def _learn(conn: AsyncConnection, source: str, kind: str, hour: int, *, items: list[int]) -> None:
    statement = upsert(SourceUsualRow).values(source=source, day_kind=kind, hour=hour, items=items)
    key = ["source", "day_kind", "hour"]
    await conn.execute(statement.on_conflict_do_update(index_elements=key, set_={"items": items}))


async def _store(conn: AsyncConnection, status: SourceStatus) -> SourceStatus:
    values = {name: getattr(status, name) for name in SourceStatus.__slots__} | {"failures": list(status.failures)}
    statement = upsert(SourceStatusRow).values(**values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))
    return status


def _stored_text(value: str, longest: int) -> str:
    """Text as PostgreSQL takes it: no zero bytes, no lone surrogates, no secrets, cut to `longest` characters."""
    return redact(value[: 2 * longest])[:longest].replace("\x00", "�").encode(errors="replace").decode()
