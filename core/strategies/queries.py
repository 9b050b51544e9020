"""SQL of strategies and their signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.prediction.forecast import Direction
from core.prediction.signals import Signal
from core.stocks.models import StockRow
from core.strategies.models import SignalRow, StrategyStateRow
from core.strategies.state import Status, StrategyState

_COLUMNS = [getattr(StrategyStateRow, name) for name in StrategyState.__slots__]
_MINE = [name for name in StrategyState.__slots__ if name not in ("id", "state")]
"""What a step changes; what the worker remembers is its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSignal:
    """A stored signal with the name its stock has now."""

    strategy: str
    code: str
    name: str
    day: date
    direction: Direction
    figures: Mapping[str, float]
    at: datetime


async def declare(conn: AsyncConnection, ids: Iterable[str], *, at: datetime) -> None:
    """Make a row for each strategy that has none: wanted, and not yet started."""
    rows = [{"id": id, "wanted": True, "status": Status.STOPPED, "since": at} for id in ids]
    if rows:
        await conn.execute(insert(StrategyStateRow).values(rows).on_conflict_do_nothing())


async def list_states(conn: AsyncConnection) -> dict[str, StrategyState]:
    """Every stored strategy by id."""
    return {row.id: _state(row) for row in await conn.execute(select(*_COLUMNS).order_by(StrategyStateRow.id))}


async def lock_state(conn: AsyncConnection, id: str) -> StrategyState | None:
    """A strategy, which nobody else can change until the transaction ends."""
    query = select(*_COLUMNS).where(StrategyStateRow.id == id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return _state(row) if row else None


async def store_state(conn: AsyncConnection, state: StrategyState) -> None:
    """Write a strategy that was locked in this transaction; what its worker remembers is left as it is."""
    values = {name: getattr(state, name) for name in _MINE}
    await conn.execute(update(StrategyStateRow).where(StrategyStateRow.id == state.id).values(**values))


async def mark_told(conn: AsyncConnection, id: str, *, epoch: int) -> None:
    """Note that admins know of trouble with this strategy, unless it has changed hands since."""
    mine = (StrategyStateRow.id == id, StrategyStateRow.epoch == epoch)
    await conn.execute(update(StrategyStateRow).where(*mine).values(told=True))


async def prove(conn: AsyncConnection, id: str, *, epoch: int, at: datetime) -> bool:
    """Store a heartbeat if the epoch stands, and hold it until the transaction ends; whether it stands."""
    await conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
    proven = await conn.execute(
        update(StrategyStateRow)
        .where(StrategyStateRow.id == id, StrategyStateRow.epoch == epoch)
        .values(heartbeat_at=at)
        .returning(StrategyStateRow.id)
    )
    return proven.first() is not None


async def remember(conn: AsyncConnection, id: str, state: Mapping[str, Any]) -> None:
    """Keep what a worker remembers, after `prove` in the same transaction."""
    await conn.execute(update(StrategyStateRow).where(StrategyStateRow.id == id).values(state=dict(state)))


async def add_signal(conn: AsyncConnection, strategy: str, code: str, signal: Signal, *, at: datetime) -> bool:
    """Keep a signal of a known stock; False when it is kept already."""
    statement = insert(SignalRow).values(
        strategy=strategy,
        code=code,
        day=signal.day,
        direction=signal.direction,
        figures=dict(signal.figures),
        at=at,
    )
    return (await conn.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def newest_signals(conn: AsyncConnection, strategy: str, *, limit: int) -> list[FoundSignal]:
    """The newest signals of a strategy, newest day first, then in code order."""
    rows = await conn.execute(
        select(SignalRow.__table__, StockRow.name)
        .join(StockRow, StockRow.code == SignalRow.code)
        .where(SignalRow.strategy == strategy)
        .order_by(SignalRow.day.desc(), SignalRow.code)
        .limit(limit)
    )
    return [FoundSignal(**{**row._mapping, "direction": Direction(row.direction)}) for row in rows]


def _state(row: Row[Any]) -> StrategyState:
    return StrategyState(**{**row._mapping, "status": Status(row.status)})
