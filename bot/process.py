"""The process: services, application, jobs, and their start and stop in the right order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import stamina
import structlog
from telegram import Update
from telegram.error import InvalidToken, NetworkError

from bot.app import App, build_application
from bot.menus import set_menus
from core.clock import Clock
from core.errors import BadSettings
from core.log_records.rows import keeping_log_rows
from core.services import Services, open_services
from core.settings import Settings
from jobs.control import Control
from jobs.registry import JOBS
from jobs.scheduler import run_due, schedule

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[tuple[Services, App]]:
    """The whole product, answering and working until the block ends.

    Raises `BadSettings` for a missing or refused token before anything is started.
    """
    if settings.telegram.bot_token is None:
        raise BadSettings("TELEGRAM_BOT_TOKEN: needed; @BotFather gives one (python -m bot demo needs none)")
    async with open_services(settings, clock=clock) as services, keeping_log_rows(services.db, services.clock) as rows:
        application = build_application(services, token=settings.telegram.bot_token.get_secret_value())
        application.bot_data["log_rows"] = rows
        await _initialize(application)
        # The first question may come at once, and without the stock master none can be answered.
        await run_due(services, specs=[JOBS["refresh_stocks"]])
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_stop, application)
            application.bot_data["jobs"] = control = Control(services)
            stack.push_async_callback(control.stop)
            await set_menus(application.bot, settings.telegram.admin_ids)
            await application.start()
            if settings.app.jobs:
                assert application.job_queue is not None
                stack.push_async_callback(schedule(application.job_queue, services).stop)
            assert application.updater is not None
            await application.updater.start_polling(
                poll_interval=0, bootstrap_retries=-1, allowed_updates=Update.ALL_TYPES
            )
            log.info("started", bot=application.bot.username)
            yield services, application


async def _initialize(application: App) -> None:
    """Ask who we are, for as long as it takes the network to come up."""
    try:
        async for attempt in stamina.retry_context(on=NetworkError, attempts=None, timeout=None, wait_max=30):
            with attempt:
                await application.initialize()
    except InvalidToken:
        raise BadSettings("TELEGRAM_BOT_TOKEN: Telegram refuses this token") from None


async def _stop(application: App) -> None:
    """Stop taking updates, finish those under way, then close."""
    if application.updater is not None and application.updater.running:
        await application.updater.stop()
    if application.running:
        await application.stop()
    await application.shutdown()
