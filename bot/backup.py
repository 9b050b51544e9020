"""python -m bot backup|restore: everything PostgreSQL holds in one file, and back.

PostgreSQL is the truth: Redis may be lost, and vectors are made again from the articles. The rows are copied as
text in one snapshot while the bot works on, table by table, and the schema is left to the migrations. So a file can
be brought back by any later release and to any supported version of PostgreSQL. The pg_dump in the wheel is no help:
it was built without TLS, and servers before 17 refuse what it writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from alembic import command
from alembic.util import CommandError
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.console import say_line
from core.clock import SystemClock
from core.db import Database, migration_config
from core.embedded import private_servers, running_postgres
from core.errors import BadSettings, Unavailable
from core.settings import Settings

FORMAT: Final = 1
LEFT_OUT: Final = {
    "kis_token": "access tokens are secrets, and new ones are had for the asking",
    "job_lease": "held by processes of that time",
    "leader": "held by processes of that time",
}
"""Tables whose rows are not kept, and why."""
_MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1 << 20
_BOUND: Final = re.compile(r"DEFAULT|FOR VALUES FROM \('[0-9 :+.-]+'\) TO \('[0-9 :+.-]+'\)")


class Table(BaseModel):
    """What the file holds of one table; `sha256` is of its rows as text."""

    columns: list[str]
    rows: int
    sha256: str


class Partition(BaseModel):
    """A part of a partitioned table and which rows are in it."""

    name: str
    parent: str
    bound: str


class Manifest(BaseModel):
    """What the file holds. `revision` is the schema's."""

    format: int
    made_at: str
    revision: str
    tables: dict[str, Table]
    partitions: list[Partition]
    sequences: dict[str, int]


async def backup(settings: Settings, file: Path) -> int:
    """Write a backup to `file`, which must not exist; it is whole or not there, and only its owner can read it.

    Raises `BadSettings` or `Unavailable` in one line.
    """
    with _new(file) as archive:
        async with _database(settings) as db, db.begin() as conn:
            manifest = await _copy_all(conn, archive)
    for table, why in LEFT_OUT.items():
        say_line(f"left out: {table} ({why})")
    say_line(f"{file}: {_summary(manifest)}. It holds what members wrote: keep it safe.")
    return 0


async def restore(settings: Settings, file: Path, *, replace: bool) -> int:
    """Bring a backup back, in one transaction: all of it or nothing. The vectors are then made anew by the bot.

    Refuses a database that holds rows unless `replace`, one that a bot is connected to, and a file that is damaged
    or of a newer schema than this program knows: `BadSettings` in one line. Older schemas are migrated.
    """
    try:
        with ZipFile(file) as archive:
            manifest = _checked(archive, file)
            async with _database(settings) as db, db.begin() as conn:
                await _refuse_if_used(conn, replace=replace)
                await _rebuild(conn, db.url, manifest.revision)
                await _load_all(conn, archive, manifest)
                await conn.execute(text("UPDATE article SET embedded_as = NULL WHERE embedded_as IS NOT NULL"))
                await conn.run_sync(_alembic, command.upgrade, db.url, "head")
    except OSError as error:
        raise BadSettings(f"{file}: {error.strerror or error}") from error
    except BadZipFile as error:
        raise BadSettings(f"{file} is no backup, or only a part of one") from error
    say_line(f"restored {_summary(manifest)}. Vectors are made anew once the bot runs.")
    return 0


@contextmanager
def _new(file: Path) -> Iterator[ZipFile]:
    """A new archive, under another name until it is whole and on the disk."""
    if file.exists():
        raise BadSettings(f"{file} exists already: name another file")
    draft = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as opened:
            with ZipFile(opened, "w", ZIP_DEFLATED, compresslevel=6) as archive:
                yield archive
            opened.flush()
            os.fsync(opened.fileno())
        draft.rename(file)
    except OSError as error:
        raise BadSettings(f"{file}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    """The configured database, or the private one, whether or not a bot is running it."""
    url = settings.database.url.get_secret_value() if settings.database.url else None
    url = url or await running_postgres(settings.app.data_dir)
    private = private_servers(settings.app.data_dir, postgres=url is None, redis=False, milvus=False)
    async with AsyncExitStack() as stack:
        if url is None:
            url = (await stack.enter_async_context(private)).database_url
        db = Database(url, pool_size=1, name="stockpilot-backup")
        stack.push_async_callback(db.close)
        try:
            await db.ping()
        except (OSError, DBAPIError) as error:
            raise Unavailable(f"DATABASE_URL: the database cannot be opened: {error}") from error
        yield db


def _summary(manifest: Manifest) -> str:
    rows = sum(table.rows for table in manifest.tables.values())
    return f"{rows:,} rows of {len(manifest.tables)} tables, schema {manifest.revision}, of {manifest.made_at}"


_COLUMNS = text(
    """
    SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname <> 'alembic_version'
    GROUP BY c.relname ORDER BY c.relname
    """
)
_PARTITIONS = text(
    """
    SELECT c.relname AS name, p.relname AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p')
    ORDER BY c.relname
    """
)
_SEQUENCES = text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value > 0")
_REFERENCES = text(
    """
    SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conrelid <> c.confrelid AND c.conparentid = 0
    """
)


async def _copy_all(conn: AsyncConnection, archive: ZipFile) -> Manifest:
    await conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    revision = await _revision(conn)
    if revision is None:
        raise BadSettings("DATABASE_URL: there is no StockPilot in this database")
    tables = {
        row.name: await _copy(conn, archive, row.name, list(row.columns))
        for row in await conn.execute(_COLUMNS)
        if row.name not in LEFT_OUT
    }
    # Sequences stand outside of the snapshot, so they are read last: never behind the rows.
    manifest = Manifest(
        format=FORMAT,
        made_at=SystemClock().now().isoformat(timespec="seconds"),
        revision=revision,
        tables=tables,
        partitions=[Partition(**row) for row in (await conn.execute(_PARTITIONS)).mappings()],
        sequences={row.sequencename: row.last_value for row in await conn.execute(_SEQUENCES)},
    )
    archive.writestr(_MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


async def _copy(conn: AsyncConnection, archive: ZipFile, name: str, columns: list[str]) -> Table:
    digest = hashlib.sha256()
    listed = ", ".join(map(_quoted, columns))
    with archive.open(f"tables/{name}", "w", force_zip64=True) as member:

        async def write(data: bytes) -> None:
            digest.update(data)
            member.write(data)

        said = await (await _driver(conn)).copy_from_query(f"SELECT {listed} FROM {_quoted(name)}", output=write)
    return Table(columns=columns, rows=int(said.split()[-1]), sha256=digest.hexdigest())


def _checked(archive: ZipFile, file: Path) -> Manifest:
    """What the file says it holds, once it has been found to hold that."""
    try:
        manifest = Manifest.model_validate_json(archive.read(_MANIFEST))
    except (KeyError, ValidationError) as error:
        raise BadSettings(f"{file} is no backup of StockPilot") from error
    if manifest.format != FORMAT:
        raise BadSettings(f"{file} was written by a newer release: format {manifest.format}")
    for name, table in manifest.tables.items():
        digest = hashlib.sha256()
        for data in _read(archive, name):
            digest.update(data)
        if digest.hexdigest() != table.sha256:
            raise BadSettings(f"{file} is damaged: {name} is not what was written")
    if any(not _BOUND.fullmatch(each.bound) for each in manifest.partitions):
        raise BadSettings(f"{file} is damaged: its partitions cannot be made")
    return manifest


def _read(archive: ZipFile, name: str) -> Iterator[bytes]:
    try:
        with archive.open(f"tables/{name}") as member:
            while data := member.read(_CHUNK):
                yield data
    except KeyError as error:
        raise BadZipFile(name) from error


async def _refuse_if_used(conn: AsyncConnection, *, replace: bool) -> None:
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'stockpilot' AND pid <> pg_backend_pid()"
    )
    if (await conn.execute(others)).scalar_one():
        raise BadSettings("a bot is connected to this database: stop it first")
    if replace:
        return
    for row in (await conn.execute(_COLUMNS)).all():
        if (await conn.execute(text(f"SELECT EXISTS (SELECT 1 FROM {_quoted(row.name)})"))).scalar_one():
            raise BadSettings(f"the database is not empty: {row.name} holds rows (--replace gives them up)")


async def _rebuild(conn: AsyncConnection, url: str, revision: str) -> None:
    """Take the product's tables away and make those of the backup's schema."""
    try:
        if await _revision(conn) is not None:
            await conn.run_sync(_alembic, command.downgrade, url, "base")
        await conn.run_sync(_alembic, command.upgrade, url, revision)
    except CommandError as error:
        raise BadSettings(f"the schema is of a newer release than this program: {error}") from error


async def _load_all(conn: AsyncConnection, archive: ZipFile, manifest: Manifest) -> None:
    for part in manifest.partitions:
        await conn.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS {_quoted(part.name)} PARTITION OF {_quoted(part.parent)}"
                f" {part.bound.replace(':', chr(92) + ':')}"
            )
        )
    order = await _order(conn, manifest.tables)
    if order:
        await conn.execute(text(f"TRUNCATE {', '.join(map(_quoted, order))}"))  # what the migrations filled in
    for name in order:
        await _load(conn, archive, name, manifest.tables[name])
    for sequence, value in manifest.sequences.items():
        await conn.execute(
            text("SELECT setval(CAST(:name AS regclass), :value)"), {"name": _quoted(sequence), "value": value}
        )


async def _order(conn: AsyncConnection, tables: Mapping[str, Table]) -> list[str]:
    """The tables, each after those it refers to."""
    graph: dict[str, set[str]] = {name: set() for name in tables}
    for table, referred in await conn.execute(_REFERENCES):
        if table.strip('"') in graph and referred.strip('"') in graph:
            graph[table.strip('"')].add(referred.strip('"'))
    return list(TopologicalSorter(graph).static_order())


async def _load(conn: AsyncConnection, archive: ZipFile, name: str, table: Table) -> None:
    async def rows() -> AsyncIterator[bytes]:
        for data in _read(archive, name):
            yield data

    said = await (await _driver(conn)).copy_to_table(name, source=rows(), columns=table.columns)
    if int(said.split()[-1]) != table.rows:
        raise BadSettings(f"{name}: {said} instead of {table.rows} rows")


async def _revision(conn: AsyncConnection) -> str | None:
    """The schema's revision; None for a database without one."""
    if (await conn.execute(text("SELECT to_regclass('public.alembic_version')"))).scalar_one() is None:
        return None
    revision: str | None = (await conn.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    return revision


def _alembic(connection: Any, act: Any, url: str, revision: str) -> None:
    """Migrate within the transaction of `connection`."""
    config = migration_config(url)
    config.attributes["connection"] = connection
    act(config, revision)


async def _driver(conn: AsyncConnection) -> Any:
    return (await conn.get_raw_connection()).driver_connection


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
