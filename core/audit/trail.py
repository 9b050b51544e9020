"""Writing and reading the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import column, insert, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.models import AuditRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing an admin did. `target` is what it was done to: a job, a user id, a strategy.

    `actor` is the name the admin had when last seen, None for one who was never met.
    """

    at: datetime
    actor_id: int
    actor: str | None
    action: str
    target: str
    detail: Mapping[str, Any]


async def note(
    conn: AsyncConnection, *, actor_id: int, action: str, at: datetime, target: str = "", **detail: object
) -> None:
    """Write down what `actor_id` does, in the transaction that does it. `detail` must be plain JSON."""
    await conn.execute(
        insert(AuditRow).values(at=at, actor_id=actor_id, action=action, target=target, detail=dict(detail))
    )


async def newest(conn: AsyncConnection, *, limit: int = 20) -> list[Entry]:
    """The newest entries, newest first."""
    person = table("user", column("id"), column("name"))
    columns = (AuditRow.at, AuditRow.actor_id, AuditRow.action, AuditRow.target, AuditRow.detail)
    query = select(*columns, person.c.name.label("actor")).outerjoin_from(
        AuditRow, person, person.c.id == AuditRow.actor_id
    )
    query = query.order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(limit)
    return [Entry(**row) for row in (await conn.execute(query)).mappings()]
