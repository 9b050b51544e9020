"""A /report that is already there, over the whole bot path, against a bare echo handler.

Both bots speak to simulated Telegrams on this machine through the same library; the clock runs from a person's
message to the last part of the bot's answer.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

from bench.timing import alternate, p, verdict
from bot.demo import BEFORE_A_CONVERSATION, SEED, TOKEN, USER_ID, ask, running_demo
from core.clock import SystemClock, kst_date
from core.logs import configure_logs
from core.settings import LogSettings, given_settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from sim.market import generated_market
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

ROUNDS = 200
PAUSE = 0.1
"""Seconds between two messages: Telegram takes some thirty a second, and the bot keeps to it."""


async def _echo(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(update.effective_message.text or "")


@asynccontextmanager
async def echoing() -> AsyncIterator[TelegramUser]:
    """A bot that repeats what it is sent, and a person who speaks to it."""
    server = TelegramServer(token=TOKEN, now=SystemClock().now)
    url = await server.start()
    application = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot").build()
    application.add_handler(CommandHandler("report", _echo))
    async with application:
        assert application.updater is not None
        await application.start()
        await application.updater.start_polling(poll_interval=0)
        yield server.user(USER_ID, "사람")
        await application.updater.stop()
        await application.stop()
    await server.stop()


async def measure() -> None:
    """Print both latencies and their ratio."""
    configure_logs(LogSettings(level="ERROR", file=None))
    clock = SystemClock()
    market = generated_market(SEED, until=kst_date(clock.now()))
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        settings = given_settings({"app": {"data_dir": folder}})
        async with running_demo(settings, Path(folder), market, clock, jobs=False) as demo, echoing() as echo_person:
            await run_due(demo.services, specs=[JOBS[name] for name in BEFORE_A_CONVERSATION])
            person = demo.telegram.users[USER_ID]

            await ask(demo, person, "/report 005930")

            async def report() -> None:
                sent = person.send("/report 005930")
                # The buttons are under the last part of the answer.
                await person.wait_until(lambda: any(message.buttons for message in person.since(sent)))

            async def echo() -> None:
                await echo_person.wait_answer(echo_person.send("/report 005930"))

            reports, echoes = await alternate(report, echo, rounds=ROUNDS, pause=PAUSE)
    print(f"cached /report  p50 {p(reports, 50):6.1f} ms   p95 {p(reports, 95):6.1f} ms")
    print(f"bare echo       p50 {p(echoes, 50):6.1f} ms   p95 {p(echoes, 95):6.1f} ms")
    print(verdict("cached /report to echo, p50", p(reports, 50) / p(echoes, 50), 3))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
