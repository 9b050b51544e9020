"""/status and /metrics for admins."""

from __future__ import annotations

from bot.context import BotContext
from bot.views import status as views
from core.health.overview import overview
from core.health.vitals import vitals


async def status(context: BotContext) -> None:
    """The system on one screen."""
    now = await overview(context.services)
    await context.say_privately(views.status(now, context.services.settings.llm, context.texts))


async def metrics(context: BotContext) -> None:
    """The process and its machine in numbers."""
    await context.say_privately(views.metrics(await vitals(context.services), context.texts))
