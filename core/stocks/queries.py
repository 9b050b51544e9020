"""SQL over the stock master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.stocks.models import StockAliasRow, StockRow
from core.stocks.stock import Kind, Market, Stock

_FROM_MASTER = (
    *("code", "name", "market", "kind", "listed_on", "shares", "market_cap"),
    *("halted", "administrative", "active", "updated_at"),
)
_COLUMNS = [getattr(StockRow, name) for name in Stock.__slots__]


async def get_stock(conn: AsyncConnection, code: str) -> Stock | None:
    """The stock of a code, listed or delisted."""
    row = (await conn.execute(select(*_COLUMNS).where(StockRow.code == code))).one_or_none()
    return _stock(row) if row else None


async def list_stocks(conn: AsyncConnection) -> list[Stock]:
    """Every stock by code, delisted ones too."""
    return [_stock(row) for row in await conn.execute(select(*_COLUMNS).order_by(StockRow.code))]


async def list_followed(conn: AsyncConnection, watched: Sequence[str]) -> list[Stock]:
    """The listed stocks by code that have priority or are among the watched ones."""
    followed = (StockRow.priority != 0) | StockRow.code.in_(watched)
    query = select(*_COLUMNS).where(StockRow.active, followed).order_by(StockRow.code)
    return [_stock(row) for row in await conn.execute(query)]


async def list_aliases(conn: AsyncConnection) -> list[tuple[str, str]]:
    """Every other name as (alias, code)."""
    rows = await conn.execute(select(StockAliasRow.alias, StockAliasRow.code).order_by(*StockAliasRow.__table__.c[:2]))
    return [(row.alias, row.code) for row in rows]


async def upsert_stocks(conn: AsyncConnection, stocks: Iterable[Stock], *, at: datetime) -> None:
    """Write what a master file says of these stocks; what people set (`priority`) stays."""
    rows = [[*(getattr(stock, name) for name in _FROM_MASTER[:-1]), at] for stock in stocks]
    await copy_upsert(conn, StockRow, _FROM_MASTER, rows, key=("code",))


async def delist(conn: AsyncConnection, codes: Sequence[str], *, at: datetime) -> None:
    """Mark stocks as no longer listed; their history stays."""
    await conn.execute(update(StockRow).where(StockRow.code.in_(codes)).values(active=False, updated_at=at))


async def add_former_names(conn: AsyncConnection, names: Mapping[str, str], *, until: date) -> None:
    """Keep the names (code → name) that stocks bore until `until`."""
    rows = [{"alias": name, "code": code, "kind": "former", "until": until} for code, name in names.items()]
    if rows:
        statement = insert(StockAliasRow).values(rows)
        changed = {"kind": statement.excluded.kind, "until": statement.excluded.until}
        await conn.execute(statement.on_conflict_do_update(index_elements=["alias", "code"], set_=changed))


async def replace_nicknames(conn: AsyncConnection, pairs: Sequence[tuple[str, str]]) -> None:
    """Let exactly these (nickname, code) pairs be the nicknames, as far as their stocks are known."""
    known = set((await conn.execute(select(StockRow.code))).scalars())
    rows = [{"alias": name, "code": code, "kind": "nickname"} for name, code in pairs if code in known]
    kept = tuple_(StockAliasRow.alias, StockAliasRow.code).in_([(row["alias"], row["code"]) for row in rows])
    await conn.execute(delete(StockAliasRow).where(StockAliasRow.kind == "nickname", ~kept))
    if rows:
        await conn.execute(insert(StockAliasRow).values(rows).on_conflict_do_nothing())


async def list_version(conn: AsyncConnection) -> tuple[Any, ...]:
    """A value that differs whenever stocks or aliases were added or changed."""
    row = await conn.execute(
        text(
            "SELECT (SELECT max(updated_at) FROM stock), (SELECT count(*) FROM stock), "
            "(SELECT count(*) FROM stock_alias)"
        )
    )
    return tuple(row.one())


def _stock(row: Row[Any]) -> Stock:
    values = dict(row._mapping)
    return Stock(**values | {"market": Market(row.market), "kind": Kind(row.kind)})
