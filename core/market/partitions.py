"""The months of the minute table: made before they are needed, dropped when they are old."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst, kst_date

TABLE: Final = "minute_price"
_NAME: Final = re.compile(r"minute_price_([0-9]{4})_([0-9]{2})")
_LOCK: Final = 7302
"""The advisory lock of those who make partitions, so that two processes do not make the same one."""


async def prepare(conn: AsyncConnection, at: datetime) -> None:
    """Make the partitions of the month of `at` and of the one after, where they lack."""
    this = kst_date(at).replace(day=1)
    await ensure_months(conn, (this, next_month(this)))


async def ensure_months(conn: AsyncConnection, months: Iterable[date]) -> None:
    """Make the partitions of these months (their first days, in Seoul) where they lack."""
    wanted = set(months)
    missing = sorted(wanted - await known_months(conn))
    if not missing:
        return
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for month in missing:
        name = f"{TABLE}_{month:%Y_%m}"
        start, end = kst(month).isoformat(), kst(next_month(month)).isoformat()
        await conn.execute(
            text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {TABLE} FOR VALUES FROM ('{start}') TO ('{end}')")
        )


async def drop_months(conn: AsyncConnection, *, before: date) -> list[date]:
    """Drop the partitions of the months before the month of `before`; returns them."""
    old = sorted(month for month in await known_months(conn) if month < before.replace(day=1))
    for month in old:
        await conn.execute(text(f"DROP TABLE IF EXISTS {TABLE}_{month:%Y_%m}"))
    return old


async def known_months(conn: AsyncConnection) -> set[date]:
    """The months that have a partition."""
    names = await conn.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)"),
        {"name": TABLE},
    )
    found = (_NAME.fullmatch(name.rpartition(".")[2]) for name in names.scalars())
    return {date(int(match[1]), int(match[2]), 1) for match in found if match}


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_back(day: date, count: int) -> date:
    """The first day of the month `count` months before that of `day`."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
