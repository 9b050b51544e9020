"""PostgreSQL: the engine, transactions, bulk writes and migrations.

Tables are declared with SQLAlchemy's declarative classes named `…Row`; queries run on Core connections
and return the domain's own frozen values, so no lazy loading can happen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Float, MetaData, Numeric, Text, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from core.errors import BadSettings, Unavailable

_migrating = threading.Lock()  # Alembic's context is one for the process
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


class Base(DeclarativeBase):
    """The declarative base: UTC `timestamptz`, integer won as `bigint`, JSON as `jsonb`."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy as a class attribute
        bool: Boolean,
        int: BigInteger,
        float: Float,
        Decimal: Numeric,
        str: Text,
        date: Date,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


def async_url(url: str) -> str:
    """The URL with the asyncpg driver named; raises `BadSettings` if it is no PostgreSQL URL."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise BadSettings("DATABASE_URL: must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


class Database:
    """The engine and its transactions. Its connections are known to the server by `name`."""

    def __init__(self, url: str, *, pool_size: int = 10, name: str = "stockpilot") -> None:
        self.url = async_url(url)
        self._pool_most = 2 * pool_size  # as many again beyond those kept
        self._engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            connect_args={"timeout": 10, "server_settings": {"timezone": "UTC", "application_name": name}},
        )

        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement stands alone: one round trip each, and no common snapshot.

        Raises `Unavailable` when the server cannot be reached.
        """
        with _translated():
            async with self._reading.connect() as conn:
                yield conn

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed on success; raises `Unavailable` when the server cannot be reached."""
        with _translated():
            async with self._engine.begin() as conn:
                yield conn

    async def ping(self) -> None:
        """One query; raises `Unavailable`."""
        async with self.read() as conn:
            await conn.execute(text("SELECT 1"))

    @property
    def pool_in_use(self) -> int:
        """Connections checked out now."""
        return self._engine.pool.checkedout()  # type: ignore[attr-defined, no-any-return]

    @property
    def pool_most(self) -> int:
        """Connections that may be checked out at once."""
        return self._pool_most

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError) as error:
        raise Unavailable(f"database: {type(error).__name__}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database: the connection was lost") from error
        raise


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Do not hand out a connection whose server has gone: the pool then opens another. Costs no round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def copy_upsert(
    conn: AsyncConnection,
    table: type[Base],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    key: Sequence[str],
    unless: str = "false",
) -> int:
    """Write many rows by COPY into a temporary table and one upsert; returns how many were new or changed.

    `rows` hold one value a column in the order of `columns`; rows equal to what is stored are left alone, and so are
    stored ones of which `unless` is true: SQL over `t`, the stored row, and `excluded`, the new one.
    """
    name = table.__tablename__
    listed = ", ".join(columns)
    others = [column for column in columns if column not in key]
    sets = ", ".join(f"{column} = excluded.{column}" for column in others)
    current = ", ".join(f"t.{column}" for column in others)
    new = ", ".join(f"excluded.{column}" for column in others)
    await conn.execute(text(f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {listed} FROM {name} WITH NO DATA"))
    await _copy(conn, "incoming", columns, rows)
    result = await conn.execute(
        text(
            f"INSERT INTO {name} AS t ({listed}) SELECT {listed} FROM incoming ON CONFLICT ({', '.join(key)}) "
            f"DO UPDATE SET {sets} WHERE ({current}) IS DISTINCT FROM ({new}) AND NOT ({unless})"
        )
    )
    await conn.execute(text("DROP TABLE incoming"))
    return result.rowcount


async def copy_new(
    conn: AsyncConnection, table: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> bool:
    """Write many rows by COPY straight into a table; False, and nothing written, when one of them is there already."""
    try:
        async with conn.begin_nested():
            await _copy(conn, table.__tablename__, columns, rows)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def _copy(conn: AsyncConnection, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(name, records=list(rows), columns=list(columns))


async def migrate(url: str, *, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`; several processes may call it at once.

    Raises `Unavailable` in one line when the database cannot be opened.
    """
    await _knock(url)
    await asyncio.to_thread(_migrate, url, revision)


async def _knock(url: str) -> None:
    db = Database(url, pool_size=1)
    try:
        await db.ping()
    except (Unavailable, OSError, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        raise Unavailable(f"DATABASE_URL: the database cannot be opened: {reason}") from error
    finally:
        await db.close()


def _migrate(url: str, revision: str) -> None:
    from alembic import command

    with _migrating:
        command.upgrade(migration_config(url), revision)


def migration_config(url: str) -> Any:
    """Alembic's configuration for the database at `url`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = async_url(url)
    return config
