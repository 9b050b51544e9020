"""The process: services, application, jobs, and their start and stop in the right order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

import stamina
import structlog
from telegram import Bot, Update
from telegram.error import InvalidToken, NetworkError, TelegramError

from bot.app import App, build_application
from bot.hooks import open_hooks
from bot.http import open_http
from bot.menus import set_menus
from bot.probe import log_rows_probe, telegram_probe
from bot.webhook import open_webhook
from core.clock import Clock
from core.db import Database
from core.delivery.run_alerts import AdminAlerts
from core.delivery.sender import send_forever
from core.errors import BadSettings, Unavailable
from core.health.kept import kept_of, watch
from core.health.loop_lag import sampled
from core.health.probe import Probe
from core.log_records.rows import keeping_log_rows
from core.market.sessions import follow_sessions
from core.runs.leadership import Leadership, lead
from core.services import Services, open_services
from core.settings import Settings
from core.strategies.registry import strategies
from core.strategies.supervisor import Supervisor
from jobs.control import Control
from jobs.lag import scheduler_probe
from jobs.registry import JOBS
from jobs.scheduler import JOB_KWARGS, process_name, run_due, schedule

FOLLOW_EVERY = timedelta(minutes=30)
"""How often a process looks for days of the exchange's calendar that another one has read."""

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
        async with AsyncExitStack() as stack:
            watch(services, *outer_probes(application.bot), log_rows_probe(rows))
            await stack.enter_async_context(sampled(kept_of(services).loop))
            await stack.enter_async_context(open_http(services))
            await _initialize(application)
            # The first question may come at once, and without the stock master none can be answered.
            await run_due(services, specs=[JOBS["refresh_stocks"]])
            stack.push_async_callback(_stop, application)
            application.bot_data["jobs"] = control = Control(services, alerts=AdminAlerts(services))
            stack.push_async_callback(control.stop)
            await set_menus(application.bot, settings.telegram.admin_ids)
            await application.start()
            assert application.job_queue is not None
            follow = partial(_follow_the_calendar, services)
            application.job_queue.run_repeating(follow, FOLLOW_EVERY, name="follow_calendar", job_kwargs=JOB_KWARGS)
            if settings.telegram.webhook_url:
                await stack.enter_async_context(open_webhook(application, settings.telegram, services.cache))
            if settings.app.jobs:
                await stack.enter_async_context(_leading(services, application))
            elif not settings.telegram.webhook_url:
                await stack.enter_async_context(_polling(application, retries=-1))
            log.info("started", bot=application.bot.username)
            yield services, application


async def _follow_the_calendar(services: Services, _context: object) -> None:
    """One process at a time reads the exchange's calendar; the others learn of it from the database."""
    try:
        await follow_sessions(services)
    except Unavailable as error:
        log.info("calendar_not_followed", error=str(error))


@asynccontextmanager
async def _leading(services: Services, application: App) -> AsyncIterator[None]:
    """Strive to be the one process that does what only one may do, and do it while leading."""
    db = Database(services.db.url, pool_size=1)
    # A private server's folder has one owner at a time, so nobody else can be at its database.
    leadership = Leadership(
        db,
        process_name(),
        lambda: _work_of_the_leader(services, application),
        alone=services.settings.database.url is None,
    )
    try:
        async with lead(leadership):
            yield
    finally:
        await db.close()


@asynccontextmanager
async def _work_of_the_leader(services: Services, application: App) -> AsyncIterator[None]:
    """The schedule, the workers, and without a webhook the updates, which Telegram gives to one poller only."""
    assert application.job_queue is not None
    async with AsyncExitStack() as stack:
        if not services.settings.telegram.webhook_url:
            await stack.enter_async_context(_polling(application))
        hooks = await stack.enter_async_context(open_hooks(services, token=application.bot.token))
        supervisor = Supervisor(services, strategies(partial(send_forever, hooks=hooks)))
        stack.push_async_callback(supervisor.stop)
        await supervisor.start()
        stack.push_async_callback(schedule(application.job_queue, services, alerts=AdminAlerts(services)).stop)
        yield


@asynccontextmanager
async def _polling(application: App, *, retries: int = 0) -> AsyncIterator[None]:
    """Ask Telegram for updates until the block ends; a webhook that was set is removed first.

    Raises `Unavailable` when that fails after so many `retries`; -1 retries for ever.
    """
    updater = application.updater
    assert updater is not None
    try:
        await updater.start_polling(poll_interval=0, bootstrap_retries=retries, allowed_updates=Update.ALL_TYPES)
    except TelegramError as error:
        raise Unavailable(f"telegram: {error}") from error
    try:
        yield
    finally:
        await updater.stop()


def outer_probes(bot: Bot) -> tuple[Probe, ...]:
    """The probes of components that core does not know."""
    return telegram_probe(bot), scheduler_probe(tuple(JOBS.values()))


async def _initialize(application: App) -> None:
    """Ask who we are, for as long as it takes the network to come up."""
    try:
        async for attempt in stamina.retry_context(on=NetworkError, attempts=None, timeout=None, wait_max=30):
            with attempt:
                await application.initialize()
    except InvalidToken:
        raise BadSettings("TELEGRAM_BOT_TOKEN: Telegram refuses this token") from None


async def _stop(application: App) -> None:
    """Finish the updates under way, then close."""
    if application.running:
        await application.stop()
    await application.shutdown()
