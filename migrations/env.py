"""How Alembic reaches the database: an async engine, one migrator at a time, and no long lock."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

import core
from core.db import Base

for module in pkgutil.walk_packages(core.__path__, "core."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(7301)"))
        context.run_migrations()


async def _migrate() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    _run(given)
else:
    asyncio.run(_migrate())
