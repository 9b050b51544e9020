"""Figures that may be corrected later: every version is a row that holds from when it was first seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Base


async def add_versions(
    conn: AsyncConnection,
    table: type[Base],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    key: Sequence[str],
    figures: Sequence[str],
) -> int:
    """Add the rows whose `figures` differ from the newest version of their `key`; returns how many were added.

    `columns` name the values of a row in order, `first_seen_at` among them.
    """
    name, listed = table.__tablename__, ", ".join(columns)
    same = " AND ".join(f"stored.{column} = incoming.{column}" for column in key)
    newest = ", ".join(f"newest.{column}" for column in figures)
    new = ", ".join(f"incoming.{column}" for column in figures)
    await conn.execute(text(f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {listed} FROM {name} WITH NO DATA"))
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table("incoming", records=list(rows), columns=list(columns))
    added = await conn.execute(
        text(
            f"INSERT INTO {name} ({listed}) SELECT {listed} FROM incoming WHERE NOT EXISTS (SELECT 1 FROM LATERAL "
            f"(SELECT {', '.join(figures)} FROM {name} AS stored WHERE {same} ORDER BY first_seen_at DESC LIMIT 1) "
            f"AS newest WHERE ({newest}) IS NOT DISTINCT FROM ({new})) ON CONFLICT DO NOTHING"
        )
    )
    await conn.execute(text("DROP TABLE incoming"))
    return added.rowcount
