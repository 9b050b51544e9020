"""The production process itself: started by its command line, spoken to over HTTP, stopped by a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from core.clock import SystemClock, kst_date
from core.embedded import Addresses
from sim.market import generated_market
from sim.telegram.server import TelegramServer
from sim.world import KIS_SECRET, LLM_KEY, open_world

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "1000000001:AAabcdefghijklmnopqrstuvwxyz0123456"


@asynccontextmanager
async def bot_process(folder: Path, environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot` in an empty folder, its output in `console.log`; killed at the end if it still runs."""
    with (folder / "console.log").open("wb") as console:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot"),
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "HOME": str(folder)} | environment,
            stdout=console,
            stderr=console,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_no_secret_reaches_the_log_and_a_signal_ends_it_well(
    servers: Addresses, database_url: str, tmp_path: Path
) -> None:
    clock = SystemClock()
    telegram = TelegramServer(token=TOKEN, now=clock.now)
    person, address = telegram.user(101, "김하늘"), await telegram.start()
    market = generated_market(7, until=kst_date(clock.now()) + timedelta(days=30))
    try:
        async with open_world(market, clock, llm_latency=0.0) as world:
            environment = {
                "TELEGRAM_BOT_TOKEN": TOKEN,
                "TELEGRAM_BASE_URL": address,
                "DATABASE_URL": database_url,
                "REDIS_URL": servers.redis_url,
                "MILVUS_URI": servers.milvus_uri,
                "KIS_APP_KEY": "demo-key",
                "KIS_APP_SECRET": KIS_SECRET,
                "KIS_BASE_URL": world.kis.url,
                "KIS_MASTER_URL": f"{world.kis.url}/common/master/",
                "OPENAI_API_KEY": LLM_KEY,
                "OPENAI_BASE_URL": f"{world.llm.url}/v1",
                "LOG_LEVEL": "DEBUG",
                "LOG_FILE": str(tmp_path / "app.log"),
            }
            async with bot_process(tmp_path, environment) as process:
                for trouble in ({"drop": "before"}, {"status": 500}, {"status": 404}, {"body": b"<html>"}):
                    telegram.fail_next("sendMessage", **trouble)
                    person.send("/help")
                    await person.wait_until(lambda: not telegram.faults.ordered, 60, look_every=0.1)
                world.llm.faults.add("close", times=100)
                report = person.send("/report 삼성전자")
                await person.wait_until(lambda: any("데이터 기준" in m.text for m in person.since(report)), 60)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        await telegram.stop()
    for name in ("console.log", "app.log"):
        written = (tmp_path / name).read_text()
        assert "update_failed" in written
        for secret in (TOKEN, TOKEN.partition(":")[2], KIS_SECRET, LLM_KEY):
            assert secret not in written, name


async def test_without_a_token_it_says_so_in_one_line(tmp_path: Path) -> None:
    async with bot_process(tmp_path, {}) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 1
    lines = (tmp_path / "console.log").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("stockpilot: TELEGRAM_BOT_TOKEN: needed")
