"""The system on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import Phase, kst, kst_date
from core.delivery.queries import OutboxState, outbox_state
from core.health.queries import Today, today
from core.health.report import HealthReport
from core.health.service import check_health
from core.health.vitals import uptime
from core.ledger.calls import Spent, spent
from core.runs.leadership import Leader, current_leader
from core.runs.queries import list_locks
from core.services import Services

VERSION = "0.1.0"
"""Of the product; `pyproject.toml` says the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """Everything at one instant; days are Seoul's. `leader` is None where no process leads."""

    at: datetime
    health: HealthReport
    phase: Phase
    next_session: date
    running: tuple[str, ...]
    today: Today
    spent: Spent
    outbox: OutboxState
    uptime: timedelta
    leader: Leader | None


async def overview(services: Services) -> Overview:
    """The system now."""
    health, now = await check_health(services), services.clock.now()
    async with services.db.read() as conn:
        numbers = await today(conn, since=kst(kst_date(now)))
        money = await spent(conn, at=now)
        outbox = await outbox_state(conn, since=now - timedelta(days=1))
        leader = await current_leader(conn)
        running = tuple(lock.job for lock in await list_locks(conn) if not lock.expired)
    return Overview(
        at=now,
        health=health,
        phase=services.calendar.phase(now),
        next_session=services.calendar.next_session(kst_date(now)),
        running=running,
        today=numbers,
        spent=money,
        outbox=outbox,
        uptime=uptime(),
        leader=leader,
    )
