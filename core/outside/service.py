"""How everything outside stands, and what an admin may do about it. Each of it is audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.trail import note
from core.errors import Malformed, StockPilotError, UserError
from core.logs import redact
from core.outside.declared import Declared, Off, Quota
from core.outside.registry import DECLARED
from core.services import Services
from core.sources.compare import Comparison, comparisons
from core.sources.service import get_source, list_sources, reopen
from core.sources.status import Circuit, SourceStatus
from core.sources.waiting import Waiting, newest_waiting, resolve, still_waiting, waiting, waiting_counts

log = structlog.get_logger(__name__)

EXAMPLES: Final = 3
MOST_TRIED: Final = 2_000
"""Rows one re-run tries."""
_BATCH: Final = 50
_LEDGER_REACH: Final = timedelta(days=7)
_LONGEST_ERROR: Final = 300


class Mark(StrEnum):
    """How a source stands, the best first."""

    WELL = "well"
    NEVER = "never"
    HURT = "hurt"
    FAILED = "failed"
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One source at one instant; `waiting` counts its rows in quarantine."""

    declared: Declared
    off: Off | None
    status: SourceStatus
    circuit: Circuit
    quota: Quota | None = None
    waiting: int = 0

    @property
    def mark(self) -> Mark:
        """How it stands: failed for good, hurt (failing, few items, circuit not closed, allowance used up), or well."""
        status = self.status
        if self.off is not None:
            return Mark.OFF
        if status.failed:
            return Mark.FAILED
        spent = self.quota is not None and self.quota.limit > 0 and self.quota.share >= 1
        if status.failures_in_row or status.few or self.circuit is not Circuit.CLOSED or spent:
            return Mark.HURT
        return Mark.WELL if status.last_success_at else Mark.NEVER


@dataclass(frozen=True, kw_only=True, slots=True)
class Rerun:
    """What trying rows in quarantine again brought: rows tried, now used, and articles that were new."""

    tried: int = 0
    used: int = 0
    new: int = 0


async def overview(services: Services) -> list[Seen]:
    """Every declared source, in the order of the table."""
    at = services.clock.now()
    async with services.db.read() as conn:
        states = {status.source: status for status in await list_sources(conn)}
        counts = await waiting_counts(conn)
        return [await _seen(services, conn, each, states.get(each.key), counts, at) for each in DECLARED.values()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One source, the newest of its rows in quarantine, and of its comparisons with another source."""

    seen: Seen
    waiting: Sequence[Waiting]
    compared: Sequence[Comparison]


async def look(services: Services, key: str) -> Detail:
    """One source in detail; raises `UserError` for one that is not declared."""
    declared, at = declared_source(key), services.clock.now()
    async with services.db.read() as conn:
        status, counts = await get_source(conn, key), await waiting_counts(conn)
        seen = await _seen(services, conn, declared, status, counts, at)
        return Detail(
            seen=seen,
            waiting=await newest_waiting(conn, key, limit=EXAMPLES),
            compared=await comparisons(conn, limit=EXAMPLES, of=key),
        )


def declared_source(key: str) -> Declared:
    """The source of that key; raises `UserError` with those there are."""
    if key not in DECLARED:
        names = ", ".join(DECLARED)
        raise UserError(
            "'{asked}'라는 수집원은 없습니다. 있는 것: {names}\n예: /sources hankyung", asked=key[:40], names=names
        )
    return DECLARED[key]


async def close_circuit(services: Services, key: str, *, by: int) -> None:
    """Let a source be asked at its next turn, whatever happened before."""
    declared_source(key)
    async with services.db.begin() as conn:
        before = await get_source(conn, key, lock=True)
        await reopen(conn, key)
        told = {"failures": before.failures_in_row, "kind": before.failure_kind}
        await note(conn, actor_id=by, action="source_close", target=key, at=services.clock.now(), **told)


async def probe(services: Services, key: str, *, by: int) -> str | None:
    """Ask a source now, through an open circuit too, and note what came of it; returns what was wrong, if anything.

    Raises `UserError` where it is off or cannot be asked by itself.
    """
    declared = declared_source(key)
    if declared.probe is None or declared.off(services.settings) is not None:
        raise UserError("이 수집원은 꺼져 있거나 따로 시험할 수 없습니다.")
    at = services.clock.now()
    async with services.db.begin() as conn:
        await note(conn, actor_id=by, action="source_probe", target=key, at=at)
        await conn.execute(
            text("UPDATE source_status SET open_until = :at WHERE source = :key AND open_until > :at"),
            {"at": at, "key": key},
        )
    try:
        await declared.probe(services)
    except StockPilotError as error:
        log.info("source_probe_failed", source=key, error=redact(str(error)))
        return redact(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
    return None


async def rerun(services: Services, key: str, *, by: int) -> Rerun:
    """Read the rows in quarantine again with today's parser and store what can be used now, as first seen then.

    Done twice, or broken off anywhere, it ends the same: a row is stored before it counts as used, and what is stored
    already is left as it is. Raises `UserError` for a source whose rows are not parsed one by one.
    """
    declared = declared_source(key)
    if declared.again is None:
        raise UserError("이 수집원의 행은 하나씩 다시 처리할 수 없습니다. 원인이 사라지면 다음 수집이 새로 읽습니다.")
    done, after = Rerun(), 0
    while done.tried < MOST_TRIED:
        async with services.db.read() as conn:
            rows = await waiting(conn, key, limit=_BATCH, after=after)
        if not rows:
            break
        after = rows[-1].id
        done = await _try(services, declared, rows, done)
    async with services.db.begin() as conn:
        at = services.clock.now()
        await note(
            conn, actor_id=by, action="source_rerun", target=key, at=at, tried=done.tried, used=done.used, new=done.new
        )
    log.info("quarantine_rerun", source=key, tried=done.tried, used=done.used, new=done.new)
    return done


async def _try(services: Services, declared: Declared, rows: Sequence[Waiting], done: Rerun) -> Rerun:
    assert declared.again is not None
    at = services.clock.now()
    reasons: dict[int, str] = {}
    used, new = 0, 0
    for row in rows:
        try:
            new += await declared.again(services, row.raw, row.seen_at)
        except Malformed as error:
            reasons[row.id] = f"{error} (parser {declared.version})"
            continue
        async with services.db.begin() as conn:
            used += await resolve(conn, [row.id], at=at)
    async with services.db.begin() as conn:
        await still_waiting(conn, reasons, at=at)
    return Rerun(tried=done.tried + len(rows), used=done.used + used, new=done.new + new)


async def _seen(
    services: Services,
    conn: AsyncConnection,
    declared: Declared,
    status: SourceStatus | None,
    counts: Mapping[str, int],
    at: datetime,
) -> Seen:
    off = declared.off(services.settings)
    if declared.in_ledger:
        status = await _ledger_status(conn, declared.key, at)
    status = status or SourceStatus(source=declared.key)
    return Seen(
        declared=declared,
        off=off,
        status=status,
        circuit=status.circuit(at),
        quota=await declared.quota(services, conn) if declared.quota and off is None else None,
        waiting=counts.get(declared.key, 0),
    )


async def _ledger_status(conn: AsyncConnection, provider: str, at: datetime) -> SourceStatus:
    """The state of a provider of models by its calls of the last week, which are all in the ledger."""
    query = text(
        "WITH calls AS (SELECT at, error_code FROM usage_record WHERE provider = :provider AND at > :since "
        "AND settled_at IS NOT NULL), ended AS (SELECT max(at) FILTER (WHERE error_code IS NULL) AS well, "
        "max(at) FILTER (WHERE error_code IS NOT NULL) AS ill FROM calls) SELECT well, ill, "
        "(SELECT error_code FROM calls WHERE error_code IS NOT NULL ORDER BY at DESC LIMIT 1) AS code, "
        "(SELECT count(*) FROM calls WHERE error_code IS NOT NULL AND (ended.well IS NULL OR at > ended.well)) "
        "AS in_row FROM ended"
    )
    row = (await conn.execute(query, {"provider": provider, "since": at - _LEDGER_REACH})).one()
    return SourceStatus(
        source=provider,
        last_success_at=row.well,
        last_failure_at=row.ill,
        failure_kind=row.code,
        failure_message=row.code,
        failures=[{"at": row.ill.isoformat(), "kind": row.code, "message": ""}] if row.ill else (),
        failures_in_row=row.in_row,
    )
