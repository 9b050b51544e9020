"""python -m bot check: what is configured, what answers, and what is missing."""

from __future__ import annotations

from telegram import Bot

from bot.console import say_line
from bot.process import outer_probes
from bot.verdict import conclude
from core.health.kept import watch
from core.health.report import Status
from core.health.service import check_health
from core.logs import configure_logs
from core.services import open_services
from core.settings import LogSettings, Settings


async def check(settings: Settings) -> int:
    """Open everything, probe it, and print a line a component; 0 when nothing critical is missing or down."""
    configure_logs(LogSettings(level="ERROR", file=None))
    token = settings.telegram.bot_token
    if token is None:
        say_line("DOWN  telegram      TELEGRAM_BOT_TOKEN is not set (python -m bot demo needs none)")
    async with open_services(settings) as services:
        if token is not None:
            base_url = f"{settings.telegram.base_url.rstrip('/')}/bot"
            watch(services, *outer_probes(Bot(token.get_secret_value(), base_url=base_url)))
        report = await check_health(services)
    return conclude(report.components, settings, good=token is not None and report.status is not Status.UNHEALTHY)
