"""python -m bot check: what is configured, what answers, and what is missing."""

from __future__ import annotations

from telegram import Bot

from bot.console import say_line
from bot.probe import telegram_probe
from core.health.report import Component, Status
from core.health.service import check_health
from core.logs import configure_logs
from core.services import open_services
from core.settings import LogSettings, Settings

MARKS = {Status.HEALTHY: "ok", Status.DEGRADED: "weak", Status.UNHEALTHY: "DOWN", Status.NOT_CONFIGURED: "unset"}


async def check(settings: Settings) -> int:
    """Open everything, probe it, and print a line a component; 0 when nothing critical is missing or down."""
    configure_logs(LogSettings(level="ERROR", file=None))
    token = settings.telegram.bot_token
    if token is None:
        say_line("DOWN  telegram      TELEGRAM_BOT_TOKEN is not set (python -m bot demo needs none)")
    async with open_services(settings) as services:
        probes = []
        if token is not None:
            bot = Bot(token.get_secret_value(), base_url=f"{settings.telegram.base_url.rstrip('/')}/bot")
            probes.append(telegram_probe(bot))
        report = await check_health(services, also=probes)
    for component in report.components:
        say_line(_line(component))
    good = token is not None and report.status is not Status.UNHEALTHY
    say_line("ready" if good else "not ready")
    return 0 if good else 1


def _line(component: Component) -> str:
    latency = "" if component.latency_ms is None else f"{component.latency_ms} ms"
    return f"{MARKS[component.status]:5} {component.name:13} {latency:>8}  {component.message}"
