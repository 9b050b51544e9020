"""SQL over what investors bought and sold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst
from core.db import copy_upsert
from core.kis.investors import FlowEstimate, NetTrading
from core.market.models import FlowEstimateRow, InvestorTradingRow
from core.market.versions import add_versions

_FIGURES: Final = tuple(name for name in NetTrading.__slots__ if name != "day")
_DAY: Final = ", ".join(NetTrading.__slots__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketFlows:
    """Net buying in won over `stocks` stocks in one session."""

    day: date
    stocks: int
    foreigners: int
    institutions: int
    individuals: int


async def store_flows(
    conn: AsyncConnection, days: Iterable[tuple[str, NetTrading]], *, source: str, at: datetime
) -> int:
    """Keep the sessions by (code, session) that are new or were corrected, as first seen at `at`; returns how many."""
    columns = ("code", *NetTrading.__slots__, "source", "first_seen_at")
    rows = [(code, *(getattr(day, name) for name in NetTrading.__slots__), source, at) for code, day in days]
    key = ("code", "day")
    return await add_versions(conn, InvestorTradingRow, columns, rows, key=key, figures=_FIGURES) if rows else 0


async def flows_known(
    conn: AsyncConnection, codes: Sequence[str], *, as_of: datetime, sessions: int
) -> dict[str, list[NetTrading]]:
    """The newest `sessions` sessions of each code as they were known at `as_of`, oldest first."""
    rows = await conn.execute(
        text(
            f"SELECT asked.code, {', '.join(f'flow.{name}' for name in NetTrading.__slots__)} "
            "FROM unnest(CAST(:codes AS text[])) AS asked(code) CROSS JOIN LATERAL ("
            f"SELECT DISTINCT ON (day) {_DAY} FROM investor_trading WHERE code = asked.code "
            "AND first_seen_at <= :as_of ORDER BY day DESC, first_seen_at DESC LIMIT :sessions"
            ") AS flow ORDER BY asked.code, flow.day"
        ),
        {"codes": list(codes), "as_of": as_of, "sessions": sessions},
    )
    found: dict[str, list[NetTrading]] = {}
    for row in rows:
        day = NetTrading(**{name: getattr(row, name) for name in NetTrading.__slots__})
        found.setdefault(row.code, []).append(day)
    return found


async def store_estimates(
    conn: AsyncConnection, code: str, estimates: Iterable[FlowEstimate], *, day: date, at: datetime
) -> None:
    """Keep the estimates of session `day`; one that is kept already stays as it was first seen."""
    columns = ("code", "at", "foreign_shares", "institution_shares", "first_seen_at")
    rows = [(code, kst(day, one.at), one.foreign_shares, one.institution_shares, at) for one in estimates]
    if rows:
        await copy_upsert(conn, FlowEstimateRow, columns, rows, key=("code", "at"), unless="true")


async def market_flows(conn: AsyncConnection, *, as_of: datetime) -> MarketFlows | None:
    """What each group bought net of all stocks together, in the newest session whose figures are known at `as_of` of
    at least half of the stocks; None if there is none."""
    rows = await conn.execute(
        text(
            "SELECT day, count(*) AS stocks, sum(foreign_value)::bigint AS foreigners, "
            "sum(institution_value)::bigint AS institutions, sum(individual_value)::bigint AS individuals "
            "FROM (SELECT DISTINCT ON (day, code) * FROM investor_trading WHERE first_seen_at <= :as_of AND day > "
            "(SELECT max(day) FROM investor_trading WHERE first_seen_at <= :as_of) - 10 "
            "ORDER BY day, code, first_seen_at DESC) AS known GROUP BY day "
            "HAVING count(*) * 2 >= (SELECT count(*) FROM stock WHERE active) ORDER BY day DESC LIMIT 1"
        ),
        {"as_of": as_of},
    )
    row = rows.one_or_none()
    return MarketFlows(**row._mapping) if row else None
