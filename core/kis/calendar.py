"""The exchange's own calendar as it was read last, for whoever opens the services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.kis.models import SessionDayRow


async def store_sessions(conn: AsyncConnection, days: Mapping[date, bool], *, at: datetime) -> None:
    """Keep whether the market opens on these days, as read at `at`."""
    rows = [(day, trades, at) for day, trades in days.items()]
    if rows:
        await copy_upsert(conn, SessionDayRow, ("day", "trades", "read_at"), rows, key=("day",))


async def known_sessions(conn: AsyncConnection) -> dict[date, bool]:
    """Every day the exchange's calendar was read of, and whether the market opens on it."""
    rows = await conn.execute(select(SessionDayRow.day, SessionDayRow.trades))
    return {row.day: row.trades for row in rows}
