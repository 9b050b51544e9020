"""The command line as somebody types it: real processes, their output, their exit codes, and what they leave behind."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession
from sqlalchemy import text

from bot.demo import TOKEN
from core.clock import SystemClock, kst_date
from core.db import Database
from core.embedded import Addresses, clone_database, drop_database
from sim.market import generated_market
from sim.telegram.server import TelegramServer
from sim.world import open_world
from tests.acceptance.crash import ROOT

STOP_SECONDS = 10
NOBODY = "postgresql://someone@127.0.0.1:1/nothing"
"""A database at which nobody answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a process said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def one_line(self) -> str:
        """Its complaint; fails unless it failed in one line and without a word more."""
        assert self.code not in (0, None), self.out
        assert "Traceback" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@asynccontextmanager
async def started(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot …` in an empty folder and environment; killed at the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", *arguments),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def run(folder: Path, *arguments: str, **environment: str) -> Said:
    """Let it run to its end."""
    async with started(folder, *arguments, **environment) as process:
        out, err = await process.communicate()
        return Said(code=process.returncode or 0, out=out.decode(), err=err.decode())


def environment_of(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Nested settings as the environment variables that say the same."""
    return {
        f"{group}_{name}".upper(): ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for group, values in groups.items()
        for name, value in values.items()
    }


async def test_says_prints_answers_with_buttons_and_pictures_that_exist(tmp_path: Path) -> None:
    texts = ("/start", "삼성전자", "/report 005930", "ㅅㅅㅈㅈ", "/report", "/nonsense")
    said = await run(tmp_path, "demo", *(word for each in texts for word in ("--say", each)))
    assert (said.code, said.err) == (0, "")
    _, *answers = re.split(r"^▶ .*$", said.out, flags=re.MULTILINE)
    assert re.findall(r"^▶ (.*)$", said.out, flags=re.MULTILINE) == list(texts)
    assert all(answer.strip() for answer in answers)
    assert "[📊 리포트]" in answers[1]
    assert "005930" in answers[2]
    pictures = [folder_file(tmp_path, name) for name in re.findall(r"^\[사진: (.+)\]$", said.out, flags=re.MULTILINE)]
    assert len(pictures) >= 2
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert not private_servers_of(tmp_path)


def folder_file(folder: Path, name: str) -> Path:
    """A file named as the process, which ran in `folder`, names it."""
    return folder / name


async def test_admin_may_ask_for_health_and_others_may_not(tmp_path: Path) -> None:
    admin = await run(tmp_path, "demo", "--as", "admin", "--say", "/health")
    assert admin.code == 0
    assert all(name in admin.out for name in ("postgresql", "redis", "milvus", "kis", "naver_main"))
    other = await run(tmp_path, "demo", "--say", "/health")
    assert other.code == 0
    assert "postgresql" not in other.out


async def test_answer_that_does_not_come_is_one_line_naming_what_was_asked(tmp_path: Path) -> None:
    said = await run(tmp_path, "demo", "--patience", "0.3", "--say", "/report 005930")
    assert said.one_line == "stockpilot: no answer came to '/report 005930' within 0.3 seconds"
    assert not private_servers_of(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--replay", "nothing.parquet"), "--replay: nothing.parquet does not exist"),
        (("--replay", "text.parquet"), "--replay: text.parquet: no record of daily bars"),
        (("--replay", "other.csv"), "--replay: other.csv: no record of daily bars: other.csv has no column Amount"),
        (("--replay", "."), "--replay: .: no record of daily bars"),
        (("--at", "1999-01-01 10:00"), "--at: the sessions around 1999-01-01 are not known"),
        (("--at", "2031-01-01 10:00"), "--at: the sessions around 2031-01-01 are not known"),
    ],
    ids=["missing", "no parquet", "other columns", "folder", "too early", "too late"],
)
async def test_bad_record_or_moment_is_one_line(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    (tmp_path / "text.parquet").write_text("not a parquet file at all")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    said = await run(tmp_path, "demo", *arguments, "--say", "삼성전자")
    assert complaint in said.one_line


async def test_garbled_moment_names_how_one_looks(tmp_path: Path) -> None:
    said = await run(tmp_path, "demo", "--at", "garbage", "--say", "삼성전자")
    assert said.code == 2
    assert said.err.splitlines()[-1].endswith("argument --at: 'garbage' is not like '2026-02-20 15:50'")


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        ((), {}, "TELEGRAM_BOT_TOKEN: needed"),
        ((), {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: "),
        (("migrate",), {}, "DATABASE_URL: needed"),
        (("migrate",), {"DATABASE_URL": "nonsense"}, "DATABASE_URL: must begin with postgresql://"),
        (("migrate",), {"DATABASE_URL": NOBODY}, "DATABASE_URL: the database cannot be opened: "),
        (("check",), {"DATABASE_URL": NOBODY}, "DATABASE_URL: the database cannot be opened: "),
        ((), {"DATABASE_URL": NOBODY, "TELEGRAM_BOT_TOKEN": TOKEN}, "DATABASE_URL: the database cannot be opened: "),
    ],
    ids=[
        "no token",
        "bad level",
        "no database",
        "no url",
        "migrate a dead one",
        "check a dead one",
        "run on a dead one",
    ],
)
async def test_bad_settings_are_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], complaint: str
) -> None:
    said = await run(tmp_path, *arguments, **environment)
    assert said.one_line.startswith(f"stockpilot: {complaint}")
    assert not private_servers_of(tmp_path)


async def test_migrate_makes_the_tables_and_may_be_repeated(tmp_path: Path, servers: Addresses) -> None:
    url = await clone_database(servers.database_url, "template1", "test_migrate")
    for _ in range(2):
        said = await run(tmp_path, "migrate", DATABASE_URL=url)
        assert said.code == 0, said.err
    db = Database(url, pool_size=2)
    async with db.begin() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM stock_analysis"))).scalar_one() == 0
    await db.close()
    await drop_database(servers.database_url, "test_migrate")


async def test_check_without_settings_says_what_is_missing(tmp_path: Path) -> None:
    said = await run(tmp_path, "check")
    assert said.code == 1
    assert said.out.splitlines()[-1] == "not ready"
    marks = {line.split()[1]: line.split()[0] for line in said.out.splitlines()[:-1]}
    assert marks["telegram"] == "DOWN"
    assert marks["postgresql"] == marks["redis"] == marks["milvus"] == "ok"
    assert marks["kis"] == "unset"
    assert not private_servers_of(tmp_path)


async def test_check_against_services_that_answer_is_ready(
    tmp_path: Path, servers: Addresses, database_url: str
) -> None:
    clock = SystemClock()
    telegram = TelegramServer(token=TOKEN, now=clock.now)
    market = generated_market(7, until=kst_date(clock.now()))
    async with open_world(market, clock) as world:
        groups = world.settings_overrides() | {
            "telegram": {"bot_token": TOKEN, "base_url": await telegram.start()},
            "database": {"url": database_url},
            "redis": {"url": servers.redis_url},
        }
        try:
            said = await run(tmp_path, "check", **environment_of(groups))
        finally:
            await telegram.stop()
    marks = {line.split()[1]: line.split()[0] for line in said.out.splitlines()[:-1]}
    assert said.code == 0, said.out
    assert said.out.splitlines()[-1] == "ready"
    assert marks["telegram"] == marks["kis"] == marks["postgresql"] == "ok"


@asynccontextmanager
async def page(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A demo that serves its chat page, and the address it printed."""
    async with started(folder, "demo", "--port", "0") as process:
        assert process.stdout is not None
        lines = []
        while line := (await process.stdout.readline()).decode():
            lines.append(line)
            if found := re.search(r"http://\S+", line) if "데모" in line else None:
                yield process, found[0]
                return
        raise AssertionError("".join(lines))


async def test_page_is_served_once_and_ends_cleanly_when_asked_to(tmp_path: Path) -> None:
    async with page(tmp_path) as (process, address):
        async with ClientSession() as browser, browser.get(address) as answer:
            assert answer.status == 200
        assert private_servers_of(tmp_path)

        same_folder = await run(tmp_path, "demo", "--port", "0")
        assert "is in use by another StockPilot process" in same_folder.err.splitlines()[-1]
        assert str(process.pid) in same_folder.err.splitlines()[-1]
        assert "Traceback" not in same_folder.err
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        same_port = await run(elsewhere, "demo", "--port", address.rstrip("/").rsplit(":", 1)[1])
        assert "is taken: is another demo running?" in same_port.err.splitlines()[-1]
        assert (same_folder.code, same_port.code) == (1, 1)

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert b"Traceback" not in out + err
    assert not private_servers_of(tmp_path)


def private_servers_of(folder: Path) -> list[str]:
    """The command lines of servers whose data lie under `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found
