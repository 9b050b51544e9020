"""The private servers, run for real: start, stop, crash, and each way the folder can be unusable."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from core.db import Database
from core.embedded import Addresses, clone_database, drop_database, private_servers
from core.errors import BadSettings

ROOT = Path(__file__).parents[2]
OWNER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from redis.asyncio import Redis
from core.embedded import private_servers

async def main():
    async with private_servers(Path(sys.argv[1]), postgres=True, redis=True, milvus=False) as addresses:
        db = await asyncpg.connect(addresses.database_url)
        cache = Redis.from_url(addresses.redis_url)
        await db.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        for n in range(10_000):
            await db.execute("INSERT INTO kept VALUES ($1)", n)
            await cache.set("kept", n)
            print(n, flush=True)

asyncio.run(main())
"""


@asynccontextmanager
async def owner_of(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs the servers on `folder` and prints each number once it is committed in both."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def committed(process: asyncio.subprocess.Process, count: int) -> int:
    assert process.stdout is not None
    last = -1
    while last < count:
        last = int(await process.stdout.readline())
    return last


def servers_in(folder: Path) -> list[psutil.Process]:
    """The server processes that work in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in ("postgres", "redis-server") and folder in Path(process.cwd()).parents:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sp-") as name:
        yield Path(name)
        psutil.wait_procs(servers_in(Path(name)), timeout=10)  # those of a killed owner may still be stopping


async def rows(url: str) -> set[int]:
    db = await asyncpg.connect(url)
    try:
        return {row["n"] for row in await db.fetch("SELECT n FROM kept")}
    finally:
        await db.close()


async def cached(url: str) -> int:
    async with Redis.from_url(url) as cache:
        return int(await cache.get("kept") or -1)


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


async def appears(folder: Path, pattern: str) -> None:
    while not names(folder, pattern):  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.005)


async def test_the_database_speaks_utf8_and_utc_and_listens_on_no_port(servers: Addresses) -> None:
    db = Database(servers.database_url)
    async with db.begin() as conn:
        found = await conn.execute(
            text(
                "SELECT current_database(), current_setting('server_encoding'), current_setting('timezone'), "
                "current_setting('listen_addresses'), lower('가ÀZ')"
            )
        )
        assert tuple(found.one()) == ("stockpilot", "UTF8", "UTC", "", "가àz")
    await db.close()


async def test_a_clone_holds_the_rows_of_its_template_until_dropped(servers: Addresses) -> None:
    template = await clone_database(servers.database_url, "template1", 'odd "name')
    db = await asyncpg.connect(template)
    await db.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await db.close()
    clone = await clone_database(template, 'odd "name', "clone")
    assert await rows(clone) == {7}
    for name in ("clone", "clone", 'odd "name'):
        await drop_database(servers.database_url, name)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(clone)


async def test_only_what_is_asked_for_runs(folder: Path) -> None:
    async with private_servers(folder, postgres=False, redis=True, milvus=False) as addresses:
        assert [process.name() for process in servers_in(folder)] == ["redis-server"]
        assert (addresses.database_url, addresses.milvus_uri) == ("", "")
    async with private_servers(folder, postgres=False, redis=False, milvus=True) as addresses:
        assert servers_in(folder) == []
        assert addresses.milvus_uri == str(folder / "milvus.db")


async def test_data_outlives_a_stop_even_where_the_path_is_long_and_odd(folder: Path) -> None:
    odd = folder / "자료, 그리고 100% 긴 이름" / ("x" * 100)
    async with private_servers(odd, postgres=True, redis=True, milvus=False) as addresses:
        db = await asyncpg.connect(addresses.database_url)
        await db.execute("CREATE TABLE kept AS SELECT 1 AS n")
        await db.close()
        async with Redis.from_url(addresses.redis_url) as cache:
            await cache.set("kept", 2)
    assert servers_in(folder) == []
    async with private_servers(odd, postgres=True, redis=True, milvus=False) as addresses:
        assert await rows(addresses.database_url) == {1}
        assert await cached(addresses.redis_url) == 2


async def test_the_servers_stop_when_the_owner_fails(folder: Path) -> None:
    with pytest.raises(LookupError):
        async with private_servers(folder, postgres=True, redis=True, milvus=False):
            raise LookupError
    assert servers_in(folder) == []


async def test_the_servers_stop_when_the_owner_is_cancelled_at_any_moment(folder: Path) -> None:
    async def own() -> None:
        async with private_servers(folder, postgres=True, redis=True, milvus=False):
            await asyncio.Event().wait()

    for seconds in (0.0, 0.05, 0.2, 0.6, 1.5):
        task = asyncio.create_task(own())
        await asyncio.wait([task], timeout=seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert servers_in(folder) == []


async def test_a_kill_of_the_owner_loses_nothing_committed(folder: Path) -> None:
    for round_ in range(3):
        async with owner_of(folder) as owner:
            last = await committed(owner, 20 * (round_ + 1))
            owner.kill()
            await owner.wait()
            async with asyncio.timeout(10), private_servers(folder, postgres=True, redis=True, milvus=False) as again:
                assert set(range(last + 1)) <= await rows(again.database_url)
                assert await cached(again.redis_url) >= last


async def test_a_kill_of_the_owner_ends_its_servers(folder: Path) -> None:
    async with owner_of(folder) as owner:
        await committed(owner, 0)
        servers = servers_in(folder)
        assert {process.name() for process in servers} == {"postgres", "redis-server"}
        owner.kill()
        _, alive = await asyncio.to_thread(psutil.wait_procs, servers, timeout=10)
        assert not alive


async def test_a_kill_of_the_servers_loses_nothing_committed(folder: Path) -> None:
    async with owner_of(folder) as owner:
        last = await committed(owner, 50)
        for process in servers_in(folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        owner.kill()
        await owner.wait()
    async with private_servers(folder, postgres=True, redis=True, milvus=False) as again:
        assert set(range(last + 1)) <= await rows(again.database_url)
        assert await cached(again.redis_url) >= last


async def test_a_kill_while_the_data_folder_is_made_leaves_a_folder_that_starts(folder: Path) -> None:
    async with owner_of(folder) as owner:
        await appears(folder, "postgres.new-*/base")
        owner.kill()
        await owner.wait()
        assert not (folder / "postgres").exists()
        async with private_servers(folder, postgres=True, redis=False, milvus=False) as addresses:
            await (await asyncpg.connect(addresses.database_url)).close()
    assert names(folder, "postgres*") == ["postgres", "postgres.log"]


async def test_a_pid_file_whose_pid_another_program_has_is_no_hindrance(folder: Path) -> None:
    async with private_servers(folder, postgres=True, redis=False, milvus=False):
        left = (folder / "postgres" / "postmaster.pid").read_text()
    pid, _, rest = left.partition("\n")
    assert int(pid) != os.getpid()
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")
    async with private_servers(folder, postgres=True, redis=False, milvus=False) as addresses:
        await (await asyncpg.connect(addresses.database_url)).close()


async def test_a_second_process_is_told_at_once_who_holds_the_folder(folder: Path) -> None:
    async with owner_of(folder) as owner:
        await committed(owner, 0)
        async with asyncio.timeout(1):
            with pytest.raises(BadSettings) as refusal:
                async with private_servers(folder, postgres=True, redis=True, milvus=True):
                    pass
        assert str(refusal.value) == (
            f"APP_DATA_DIR: {folder} is in use by another StockPilot process (pid {owner.pid})"
        )
        await committed(owner, 100)  # and it works on


async def test_a_folder_of_another_postgresql_version_is_refused(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(BadSettings, match="was written by PostgreSQL 16, this one is 18"):
        async with private_servers(folder, postgres=True, redis=True, milvus=False):
            pass
    assert servers_in(folder) == []


async def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(BadSettings, match="file/data cannot be written: Not a directory"):
        async with private_servers(folder / "file" / "data", postgres=True, redis=True, milvus=False):
            pass


async def test_a_place_taken_by_a_file_is_named(folder: Path) -> None:
    (folder / "redis").write_text("")
    with pytest.raises(BadSettings, match="redis: File exists"):
        async with private_servers(folder, postgres=False, redis=True, milvus=False):
            pass


async def test_a_server_that_does_not_start_says_why_and_leaves_no_other_running(folder: Path) -> None:
    (folder / "redis").mkdir()
    (folder / "redis" / "appendonly.aof").write_text("not a log of commands")
    with pytest.raises(BadSettings, match=r"the private Redis did not start: .*Bad file format"):
        async with private_servers(folder, postgres=True, redis=True, milvus=False):
            pass
    assert servers_in(folder) == []
