"""A database that was lost comes back from its backup: every row, every sequence, and the bot answers from it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from sqlalchemy import make_url, text

from bot.backup import LEFT_OUT, backup, restore
from core.db import Database
from core.embedded import Addresses, clone_database, drop_database
from core.errors import BadSettings, StockPilotError
from core.settings import Settings, given_settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from tests.acceptance.test_command_line import page, run
from tests.integration.bot_stage import open_stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A backup, what the database held when it was made, and a report somebody had read by then."""

    file: Path
    rows: dict[str, list[str]]
    report: str


@pytest.fixture(scope="module")
async def kept(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The backup of a bot that was asked this and that and did some work."""
    folder = tmp_path_factory.mktemp("kept")
    async with open_stage(servers, template, folder / "bot") as stage:
        await run_due(stage.services, specs=[JOBS[name] for name in ("refresh_stocks", "crawl_news", "embed_news")])
        for said in ("/watch 005930", "/watch 000660", "/report 000660", "/price 005930"):
            await stage.ask(said)
        await stage.ask("/help", stage.admin)
        report = await stage.ask("/report 005930")
        rows = await all_rows(stage.services.db)
        assert await backup(at(stage.services.db.url, folder), folder / "file.backup") == 0
    return Kept(file=folder / "file.backup", rows=rows, report=report)


def at(url: str, folder: Path) -> Settings:
    """Settings for a database."""
    return given_settings({"database": {"url": url}, "app": {"data_dir": folder}})


async def all_rows(db: Database) -> dict[str, list[str]]:
    """Every row of every table that is kept, less what is made anew."""
    tables = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    async with db.read() as conn:
        names = [name for name in (await conn.execute(tables)).scalars() if name not in LEFT_OUT]
        return {
            name: list(
                (
                    await conn.execute(
                        text(f"SELECT CAST(to_jsonb(t) - 'embedded_as' AS text) FROM \"{name}\" t ORDER BY 1")
                    )
                ).scalars()
            )
            for name in names
        }


def files(folder: Path) -> list[Path]:
    """What stands in a folder."""
    return list(folder.iterdir())


@asynccontextmanager
async def a_database(servers: Addresses, template: str = "template1") -> AsyncIterator[str]:
    """The URL of a new database, empty unless made from another template."""
    name = f"restored_{uuid4().hex[:12]}"
    yield await clone_database(servers.database_url, template, name)
    await drop_database(servers.database_url, name)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database, closed again."""
    db = Database(url, pool_size=2)
    try:
        yield db
    finally:
        await db.close()


async def test_everything_comes_back_and_the_bot_answers_from_it(
    kept: Kept, servers: Addresses, tmp_path: Path
) -> None:
    async with a_database(servers) as url:
        assert await restore(at(url, tmp_path), kept.file, replace=False) == 0
        async with opened(url) as db:
            restored = await all_rows(db)
            async with db.read() as conn:
                unembedded = await conn.execute(text("SELECT count(*) FROM article WHERE embedded_as IS NOT NULL"))
                assert unembedded.scalar_one() == 0, "vectors are made anew"
                assert await sequences_behind(db) == []
        assert restored.keys() == kept.rows.keys()
        assert {name for name in restored if restored[name] != kept.rows[name]} == set()
        assert sum(map(len, restored.values())) > 1_000
        assert {"article", "prediction", "stock_analysis", "watch_item", "job_run"} <= {
            name for name, rows in restored.items() if rows
        }
        name = make_url(url).database
        assert name is not None
        async with open_stage(servers, name, tmp_path / "bot") as stage:
            assert await stage.ask("/report 005930") == kept.report
            await run_due(stage.services, specs=[JOBS["embed_news"]])


async def sequences_behind(db: Database) -> list[str]:
    """Identity columns whose next value is taken already."""
    identities = text(
        "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence"
        " FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'"
    )
    behind = []
    async with db.read() as conn:
        for row in (await conn.execute(identities)).all():
            highest = text(f'SELECT coalesce(max("{row.column_name}"), 0) FROM "{row.table_name}"')
            if (await conn.execute(text(f"SELECT nextval('{row.sequence}')"))).scalar_one() <= (
                await conn.execute(highest)
            ).scalar_one():
                behind.append(row.sequence)
    return behind


def test_backup_holds_no_token_and_only_its_owner_may_read_it(kept: Kept) -> None:
    with ZipFile(kept.file) as archive:
        assert not {f"tables/{name}" for name in LEFT_OUT} & set(archive.namelist())
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert not [file for file in files(kept.file.parent) if file.suffix == ".part"]


async def test_database_with_rows_is_given_up_only_when_asked_to(
    kept: Kept, servers: Addresses, tmp_path: Path
) -> None:
    async with a_database(servers) as url:
        await restore(at(url, tmp_path), kept.file, replace=False)
        async with opened(url) as db, db.begin() as conn:
            await conn.execute(text("DELETE FROM watch_item"))
        with pytest.raises(BadSettings, match="is not empty"):
            await restore(at(url, tmp_path), kept.file, replace=False)
        async with opened(url) as db:
            assert not (await all_rows(db))["watch_item"]
            with pytest.raises(BadSettings, match="a bot is connected"):
                await restore(at(url, tmp_path), kept.file, replace=True)
        await restore(at(url, tmp_path), kept.file, replace=True)
        async with opened(url) as db:
            assert await all_rows(db) == kept.rows


def damaged(kept: Kept, file: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A copy of the backup with members changed."""
    with ZipFile(kept.file) as whole, ZipFile(file, "w", ZIP_DEFLATED) as copy:
        for name in whole.namelist():
            copy.writestr(name, change(name, whole.read(name)))
    return file


async def test_damaged_newer_or_foreign_file_changes_nothing(
    kept: Kept, servers: Addresses, template: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(kept.file.read_bytes()[:-1_000])
    other = tmp_path / "other"
    other.write_text("hello")
    with ZipFile(kept.file) as archive:
        revision = archive.read("manifest.json").decode().partition('"revision": "')[2].partition('"')[0].encode()
    files = {
        damaged(
            kept, tmp_path / "row", lambda n, d: d.replace(b"005930", b"005931") if "watch_item" in n else d
        ): "damaged",
        damaged(
            kept, tmp_path / "newer", lambda n, d: d.replace(b'"' + revision, b'"9999') if "json" in n else d
        ): "newer release",
        damaged(
            kept, tmp_path / "format", lambda n, d: d.replace(b'"format": 1', b'"format": 2') if "json" in n else d
        ): "newer release",
        cut: "only a part of one",
        other: "is no backup",
        tmp_path / "missing": "No such file",
    }
    async with a_database(servers, template) as url:
        async with opened(url) as db, db.begin() as conn:
            await conn.execute(text("INSERT INTO chat VALUES (5, 'private', true, now())"))
        for file, complaint in files.items():
            with pytest.raises(StockPilotError, match=complaint):
                await restore(at(url, tmp_path), file, replace=True)
            async with opened(url) as db:
                assert len((await all_rows(db))["chat"]) == 1, file


async def test_backup_overwrites_nothing_and_leaves_no_half_file(
    kept: Kept, servers: Addresses, tmp_path: Path
) -> None:
    with pytest.raises(BadSettings, match="exists already"):
        await backup(at(servers.database_url, tmp_path), kept.file)
    async with a_database(servers) as url:
        with pytest.raises(BadSettings, match="there is no StockPilot"):
            await backup(at(url, tmp_path), tmp_path / "empty")
    assert not files(tmp_path)
    with pytest.raises(BadSettings, match="No such file"):
        await backup(at(servers.database_url, tmp_path), tmp_path / "nowhere" / "file")


async def test_private_database_is_backed_up_while_its_bot_runs_and_restored_when_it_does_not(tmp_path: Path) -> None:
    async with page(tmp_path):
        said = await run(tmp_path, "backup", "now.backup", APP_DATA_DIR="var/demo")
        assert said.code == 0, said.err
        assert "left out: kis_token" in said.out
        refused = await run(tmp_path, "restore", "now.backup", "--replace", APP_DATA_DIR="var/demo")
        assert refused.one_line == "stockpilot: a bot is connected to this database: stop it first"
    restored = await run(tmp_path, "restore", "now.backup", APP_DATA_DIR="var/new")
    assert restored.code == 0, restored.err
    assert "rows of" in restored.out
