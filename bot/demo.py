"""The demo: the production process on simulated services, with a chat page or spoken to from the command line."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot.app import App
from bot.console import say_line
from bot.process import running
from core.clock import Calendar, Clock, ShiftedClock, SystemClock, kst, kst_date
from core.errors import BadSettings, StockPilotError
from core.logs import configure_logs
from core.services import Services
from core.settings import LogSettings, Settings, given_settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from sim.market import SimMarket, generated_market
from sim.telegram.console import render
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer
from sim.world import World, open_world

TOKEN = "1000000001:demo-token-of-the-simulated-telegram-aa"  # noqa: S105 - opens nothing real
USER_ID, ADMIN_ID = 101, 102
SEED = 20260920
ANSWER_SECONDS = 90.0
BEFORE_A_CONVERSATION = ("refresh_stocks", "crawl_news", "crawl_disclosures", "embed_news", "evaluate_predictions")
"""The jobs run before the first word. Collecting a whole market takes its time at the exchange's pace, and what a
question needs is asked for when it comes."""


class NoAnswer(StockPilotError):
    """An answer never came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """A running demo."""

    services: Services
    application: App
    telegram: TelegramServer
    world: World
    address: str


async def demo(
    settings: Settings,
    *,
    say: Sequence[str],
    admin: bool,
    replay: Sequence[Path],
    at: datetime | None,
    port: int,
    patience: float,
) -> int:
    """Serve the chat page until stopped, or send `say` one after the other and print each answer.

    Raises `NoAnswer` naming the text that got none within `patience` seconds.
    """
    from bot.__main__ import until_stopped

    market, clock = _market(replay, at)
    if say:
        with tempfile.TemporaryDirectory(prefix="stockpilot-") as scratch:
            configure_logs(LogSettings(level="ERROR", file=None))
            async with running_demo(settings, Path(scratch), market, clock, jobs=False) as started:
                await run_due(started.services, specs=[JOBS[name] for name in BEFORE_A_CONVERSATION])
                await _converse(started, say, admin=admin, patience=patience)
        return 0
    configure_logs(settings.log)
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as scratch:
        # Another moment's data would be of the future here, so a chosen moment begins with none.
        folder = Path(scratch) if replay or at else settings.app.data_dir / "demo"
        async with running_demo(settings, folder, market, clock, jobs=True, port=port) as started:
            say_line(f"StockPilot 데모: {started.address}  (Ctrl+C 로 끝냅니다)")
            await until_stopped()
    return 0


@asynccontextmanager
async def running_demo(
    settings: Settings, folder: Path, market: SimMarket, clock: Clock, *, jobs: bool, port: int = 0
) -> AsyncIterator[Demo]:
    """The product on a simulated Telegram and a simulated market, its data under `folder`."""
    async with open_world(market, clock) as world:
        world.kis.ticks.every = 1.0
        async with shown(world, settings, folder, clock, jobs=jobs, port=port) as demo:
            yield demo


@asynccontextmanager
async def shown(
    world: World, settings: Settings, folder: Path, clock: Clock, *, jobs: bool, port: int = 0
) -> AsyncIterator[Demo]:
    """The product over a world that runs already, on a simulated Telegram of its own."""
    pictures = settings.app.data_dir / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    telegram = TelegramServer(token=TOKEN, now=clock.now, media_dir=pictures)
    telegram.user(USER_ID, "김하늘")
    telegram.user(ADMIN_ID, "관리자")
    try:
        address = await telegram.start(port=port)
    except OSError:
        raise BadSettings(f"port {port} is taken: is another demo running?") from None
    try:
        groups: dict[str, dict[str, Any]] = world.settings_overrides()
        groups["telegram"] = {"bot_token": TOKEN, "admin_ids": (ADMIN_ID,), "base_url": address}
        groups["app"] = {"data_dir": folder, "jobs": jobs}
        groups["log"] = settings.log.model_dump()
        async with running(given_settings(groups), clock=clock) as (services, application):
            yield Demo(services=services, application=application, telegram=telegram, world=world, address=address)
    finally:
        await telegram.stop()


async def ask(started: Demo, person: TelegramUser, text: str, *, timeout: float = ANSWER_SECONDS) -> list[Any]:
    """Send a text and wait until the bot has done with it; its new and changed messages, oldest first.

    Raises `NoAnswer` when nothing came.
    """
    sent = person.send(text)
    try:
        await settle(started, person, timeout=timeout)
    except TimeoutError:
        raise NoAnswer(f"no answer came to {text!r} within {timeout:g} seconds") from None
    answers = person.since(sent)
    if not answers:
        raise NoAnswer(f"no answer came to {text!r}")
    return answers


async def settle(started: Demo, person: TelegramUser, *, timeout: float = ANSWER_SECONDS) -> None:
    """Wait until every update was taken and handled; raises `TimeoutError` after `timeout` seconds."""
    application, updates = started.application, started.telegram.world.updates

    def done() -> bool:
        busy = application.update_processor.current_concurrent_updates
        return not updates and application.update_queue.empty() and not busy

    await person.wait_until(done, timeout, look_every=0.02)


async def _converse(started: Demo, say: Sequence[str], *, admin: bool, patience: float) -> None:
    person = started.telegram.users[ADMIN_ID if admin else USER_ID]
    for text in say:
        say_line(f"▶ {text}")
        for message in await ask(started, person, text, timeout=patience):
            say_line(render(message) + "\n")


def _market(replay: Sequence[Path], at: datetime | None) -> tuple[SimMarket, Clock]:
    """The market to show and the clock it is shown at: now, or the evening of a replay's last session.

    Raises `BadSettings` for files that are no record and for a moment of which there is no market.
    """
    clock: Clock = ShiftedClock(at.astimezone(UTC)) if at else SystemClock()
    try:
        until = Calendar().next_session(kst_date(clock.now()) + timedelta(days=30))
    except ValueError:
        raise BadSettings(f"--at: the sessions around {kst_date(clock.now())} are not known") from None
    market = _replayed(replay) if replay else generated_market(SEED, until=until)
    if replay and at is None:
        clock = ShiftedClock(kst(market.days[-1], time(15, 50)))
    if kst_date(clock.now()) < market.days[0]:
        raise BadSettings(f"--at: the market shown begins on {market.days[0]}")
    return market, clock


def _replayed(files: Sequence[Path]) -> SimMarket:
    from polars.exceptions import PolarsError

    from sim.replay import replayed_market

    for file in files:
        if not file.exists():
            raise BadSettings(f"--replay: {file} does not exist")
    names = ", ".join(map(str, files))
    try:
        return replayed_market(*files)
    except OSError as error:
        raise BadSettings(f"--replay: {names}: {error.strerror or 'cannot be read'}") from error
    except (PolarsError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise BadSettings(f"--replay: {names}: no record of daily bars: {reason}") from error
