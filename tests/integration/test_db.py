"""The database: transactions, bulk writes, lost connections, and a schema that is what the models say."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, select, text

from core.db import Database, async_url, copy_new, copy_upsert, migrate, migration_config
from core.embedded import Addresses, clone_database, drop_database
from core.errors import BadSettings, Unavailable
from core.market.models import DailyPriceRow
from core.stocks.models import StockRow

AT = datetime(2026, 2, 20, 7, tzinfo=UTC)
COLUMNS = ("code", "day", "open", "high", "low", "close", "volume", "value", "split_ratio", "source", "fetched_at")
KEY = ("code", "day")


def bars(count: int, *, close: int = 100) -> list[tuple[Any, ...]]:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + step) for step in range(count)]
    return [("005930", day, 90, 110, 80, close, 10, 1_000, None, "KIS", AT) for day in days]


async def add_stock(db: Database) -> None:
    stock = {"code": "005930", "name": "삼성전자", "market": "KOSPI", "kind": "common", "updated_at": AT}
    flags = {"halted": False, "administrative": False, "active": True}
    async with db.begin() as conn:
        await conn.execute(insert(StockRow).values(**stock, **flags))


async def test_a_bulk_write_counts_what_is_new_or_changed(database: Database) -> None:
    await add_stock(database)
    for rows, changed in ((bars(300), 300), (bars(300), 0), (bars(301), 1), (bars(2, close=101), 2)):
        async with database.begin() as conn:
            assert await copy_upsert(conn, DailyPriceRow, COLUMNS, rows, key=KEY) == changed
    async with database.read() as conn:
        closes = (await conn.execute(select(DailyPriceRow.close).order_by(DailyPriceRow.day).limit(3))).scalars().all()
    assert closes == [101, 101, 100]


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    await add_stock(database)

    async def fail_after_writing() -> None:
        async with database.begin() as conn:
            await copy_upsert(conn, DailyPriceRow, COLUMNS, bars(5), key=KEY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_writing()
    async with database.read() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM daily_price"))).scalar_one() == 0


async def test_two_bulk_writes_fit_in_one_transaction(database: Database) -> None:
    await add_stock(database)
    async with database.begin() as conn:
        assert await copy_upsert(conn, DailyPriceRow, COLUMNS, bars(2), key=KEY) == 2
        assert await copy_upsert(conn, DailyPriceRow, COLUMNS, bars(3), key=KEY) == 1


async def test_new_rows_are_written_straight_or_not_at_all(database: Database) -> None:
    await add_stock(database)
    async with database.begin() as conn:
        assert await copy_new(conn, DailyPriceRow, COLUMNS, bars(3))
        assert not await copy_new(conn, DailyPriceRow, COLUMNS, bars(5)[2:])
        assert await copy_new(conn, DailyPriceRow, COLUMNS, bars(4)[3:]), "the transaction goes on"
    async with database.read() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM daily_price"))).scalar_one() == 4


async def test_connections_the_server_closed_are_replaced(database: Database) -> None:
    await database.ping()
    lost = asyncio.Event()
    async with database.read() as conn:
        driver = (await conn.get_raw_connection()).driver_connection
        assert driver is not None
        driver.add_termination_listener(lambda _: lost.set())
        own = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    other = Database(database.url)
    async with other.begin() as conn:
        await conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
    await other.close()
    async with asyncio.timeout(5):
        await lost.wait()
    await database.ping()


async def test_a_dead_server_is_unavailable() -> None:
    db = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match="database"):
        await db.ping()
    await db.close()


def test_another_kind_of_url_is_refused() -> None:
    assert async_url("postgres://a@b/c") == "postgresql+asyncpg://a@b/c"
    with pytest.raises(BadSettings, match="DATABASE_URL"):
        async_url("mysql://a@b/c")


@pytest.mark.parametrize("table", ["prediction", "prediction_horizon"])
async def test_sealed_rows_are_guarded_by_the_database(database: Database, table: str) -> None:
    query = text("SELECT count(*) FROM pg_trigger WHERE tgname = 'sealed' AND tgrelid = CAST(:table AS regclass)")
    async with database.read() as conn:
        assert (await conn.execute(query, {"table": table})).scalar_one() == 1


async def test_the_migrations_build_what_the_models_say(database_url: str) -> None:
    await asyncio.to_thread(command.check, migration_config(database_url))


async def test_every_foreign_key_has_an_index(database: Database) -> None:
    query = text(
        """
        SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
        """
    )
    async with database.read() as conn:
        missing = set((await conn.execute(query)).scalars())
    # Both are second in a primary key that is only ever looked up by the first column or written.
    assert missing <= {"stock_alias.code", "model_evaluation.prediction_id"}


async def test_down_and_up_again_and_two_migrators_at_once(servers: Addresses) -> None:
    url = await clone_database(servers.database_url, "template1", "migrated_twice")
    await asyncio.gather(migrate(url), migrate(url))
    await asyncio.to_thread(command.downgrade, migration_config(url), "base")
    await migrate(url)
    await drop_database(servers.database_url, "migrated_twice")
