"""No secret of the settings is seen anywhere: in no log line, row, message or number, whatever fails."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import text

from bot.commands import COMMANDS
from bot.demo import TOKEN
from core.db import Base
from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.embedded import Addresses
from core.errors import StockPilotError
from core.logs import configure_logs
from core.news.service import crawl
from core.news.sources import SOURCES
from core.runs.run import Run, RunState
from core.services import Services
from core.settings import LogSettings, Settings, secret_values
from jobs.run import run_job
from jobs.spec import CatchUp, JobSpec
from sim.kis.tokens import TokenDesk
from tests.integration.bot_stage import Stage, open_stage


def secret_fields() -> Iterator[tuple[str, str]]:
    """Every setting that is a secret, by group and name, as the settings themselves declare it."""
    for group, field in Settings.model_fields.items():
        for name, each in field.annotation.model_fields.items():  # type: ignore[union-attr]
            if SecretStr in (each.annotation, *get_args(each.annotation)):
                yield group, name


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or 'postgres'}:{password}@{where}"))


@dataclass(frozen=True)
class Fakes:
    """A recognisable value for every secret, and what of it must never be seen."""

    values: Mapping[tuple[str, str], str]
    needles: Mapping[str, str]


def fakes(servers: Addresses) -> Fakes:
    needles = {f"{group}.{name}": f"seKret-{group}-{name}-7f3a".replace("_", "-") for group, name in secret_fields()}
    needles["telegram.bot_token"] = TOKEN.partition(":")[2]
    values = {(group, name): needles[f"{group}.{name}"] for group, name in secret_fields()}
    values["telegram", "bot_token"] = TOKEN
    values["database", "url"] = with_password(servers.database_url, needles["database.url"])
    values["redis", "url"] = f"redis://:{needles['redis.url']}@127.0.0.1:1/0"
    values["alert", "webhook_url"] = f"http://127.0.0.1:1/hooks/{needles['alert.webhook_url']}"
    return Fakes(values, needles)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[io.StringIO]:
    """Logs at their most talkative, to the file and to this console."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs(LogSettings(level="DEBUG", file=tmp_path / "app.log"))
    structlog.configure(cache_logger_on_first_use=False)
    stream = io.StringIO()
    assert isinstance(root.handlers[0], logging.StreamHandler)
    root.handlers[0].setStream(stream)
    yield stream
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def fake(servers: Addresses) -> Fakes:
    return fakes(servers)


@pytest.fixture
async def stage(
    servers: Addresses, template: str, tmp_path: Path, console: io.StringIO, fake: Fakes
) -> AsyncIterator[Stage]:
    """The whole bot with a fake in every secret setting; KIS takes its keys, the models do not."""
    groups: dict[str, dict[str, Any]] = {"http": {"port": 0}}
    for (group, name), value in fake.values.items():
        if (group, name) not in {("database", "url")}:
            groups.setdefault(group, {})[name] = value
    addresses = replace(servers, database_url=fake.values["database", "url"])
    async with open_stage(addresses, template, tmp_path, **groups) as opened:
        key, secret = fake.needles["kis.app_key"], fake.needles["kis.app_secret"]
        opened.world.kis.tokens = TokenDesk(opened.services.clock.now, key, secret)
        yield opened


def test_every_secret_setting_has_a_fake_that_is_used(servers: Addresses) -> None:
    fake = fakes(servers)
    groups: dict[str, dict[str, str]] = {}
    for (group, name), value in fake.values.items():
        groups.setdefault(group, {})[name] = value
    settings = Settings(_env_file=None, **groups)  # type: ignore[arg-type]
    assert len(secret_values(settings)) == len(fake.values) >= 10
    assert len(set(fake.needles.values())) == len(fake.needles)


async def test_no_secret_is_seen_anywhere_whatever_fails(
    stage: Stage, fake: Fakes, tmp_path: Path, console: io.StringIO
) -> None:
    await provoke(stage, fake)
    for command in COMMANDS:
        await stage.say(command.example, stage.admin)
    for said in ("/health detailed", "/health json", "/logs 50", "/logs error 50", "/jobs recent 20", "/audit 50"):
        await stage.say(said, stage.admin)
    await stage.services.calls.flush()
    await stage.demo.application.bot_data["log_rows"].flush_rows()

    seen = {
        "console": console.getvalue(),
        "file": written(tmp_path),
        "messages": "\n".join(
            f"{call.method} {call.params}"
            for call in stage.telegram.requests
            if call.method.startswith(("send", "edit"))
        ),
        "numbers": await numbers(seen_address(tmp_path)),
    }
    async with stage.services.db.read() as conn:
        for table in Base.metadata.tables:
            rows = (await conn.execute(text(f'SELECT t::text FROM "{table}" t'))).scalars()
            seen[table] = "\n".join(rows)
        token = (await conn.execute(text("SELECT token FROM kis_token"))).scalars().first()

    for place in ("console", "file", "messages", "numbers", "log_record", "job_run", "outbox", "usage_record"):
        assert len(seen[place]) > 100, place
    assert "the boom of the tests" in seen["file"]
    assert "the boom of the tests" in seen["log_record"]
    assert "***" in seen["job_run"]
    found = {
        (place, name)
        for place, said in seen.items()
        for name, needle in fake.needles.items()
        if needle.lower() in said.lower()
    }
    assert found == set()
    assert token
    assert [place for place, said in seen.items() if token in said] == ["kis_token"]


async def provoke(stage: Stage, fake: Fakes) -> None:
    """Every kind of failure, each with the secrets at hand."""
    everything, world = " ".join(fake.values.values()), stage.world
    keys = {world.llm: "openai.api_key", world.kis: "kis.app_secret", world.naver: "openrouter.api_key"}
    for server, name in keys.items():
        code = fake.needles[name]
        error = {"message": f"bad {code} {everything}", "code": f"bad {code}", "type": code}
        echo = json.dumps({"error": error, "msg1": everything, "msg_cd": code, "error_code": code, "rt_cd": code})
        for status in (401, 500, 200):
            await stage.ask("삼성전자")
            server.faults.add("answer", body=echo, times=4, status=status)
            await stage.say("/report 삼성전자")
            await stage.say("두산")
            with suppress(StockPilotError):
                await crawl(stage.services, SOURCES["naver_main"])
            server.faults.clear()
            await forget_prices_and_reports(stage.services)
    for server in stage.world.servers:
        server.faults.add("close", times=20)
    await stage.say("/report SK하이닉스")
    for server in stage.world.servers:
        server.faults.clear()
    stage.telegram.fail_next("sendMessage", status=400, description=f"Bad Request: {everything}"[:4_000])
    await stage.say("/help")
    stage.telegram.fail_next("sendMessage", drop="before")
    await stage.say("/help")
    await fail_in_a_job(stage.services, fake)
    fail_in_the_log(fake)
    async with stage.services.db.begin() as conn:
        facts = {"job": "x", "slot": "y", "state": "failed", "error": "an error"}
        await tell_admins(stage.services, conn, Alert(kind=AlertKind.JOB_FAILED, key="job_failed:x", facts=facts))
        await conn.execute(text('ALTER TABLE "user" RENAME TO lost'))
    await stage.say("/start")
    async with stage.services.db.begin() as conn:
        await conn.execute(text('ALTER TABLE lost RENAME TO "user"'))


async def forget_prices_and_reports(services: Services) -> None:
    """Let the next report be made anew and nobody wait out a failure."""
    async with services.db.begin() as conn:
        for table in ("stock_analysis", "report_update", "source_status"):
            await conn.execute(text(f"TRUNCATE {table} CASCADE"))


async def fail_in_a_job(services: Services, fake: Fakes) -> None:
    async def job(_services: Services, run: Run) -> None:
        run.warn(f"a warning with {' '.join(fake.values.values())[:300]}")
        raise RuntimeError(" ".join(fake.values.values()))

    spec = JobSpec(
        name="leaky", summary="", schedule=(time(1),), run=job, timeout=timedelta(seconds=20), catch_up=CatchUp.LATEST
    )
    assert await run_job(services, spec, services.clock.now(), owner="test") is RunState.FAILED


def fail_in_the_log(fake: Fakes) -> None:
    log = structlog.get_logger("core.kis.client")
    for (group, name), value in fake.values.items():
        try:
            raise RuntimeError(f"the boom of the tests {value}") from ValueError(f"caused by '{value}'")
        except RuntimeError as error:
            log.exception("broken", body={"deep": [{name: value, "said": f"{name}={value}"}]}, error=error)
            logging.getLogger("library").error("%s.%s is %r", group, name, value, exc_info=error)
            log.warning(f"event with {value}", **{name: value})
            log.debug("request", url=f"http://x/?q={value}&a=1", headers={"appkey": value.encode()})


def written(folder: Path) -> str:
    """The log file and those before it."""
    return "".join(file.read_text() for file in folder.glob("app.log*"))


def seen_address(folder: Path) -> str:
    """Where the HTTP port answers, as the log tells."""
    lines = (json.loads(line) for line in (folder / "app.log").read_text().splitlines())
    return next(str(line["address"]) for line in lines if line["event"] == "http_open")


async def numbers(address: str) -> str:
    """All that the HTTP port says."""
    async with httpx.AsyncClient(trust_env=False) as client:
        paths = ("/health", "/metrics", "/health/kis", "/health/redis", "/nothing")
        answers = await asyncio.gather(*(client.get(f"{address}{path}") for path in paths))
    return "\n".join(answer.text for answer in answers)
