"""/audit."""

from __future__ import annotations

from bot.context import BotContext
from bot.handlers.asking import asked_count
from bot.views import audit as views
from core.audit.trail import newest

SHOWN = 20


async def audit(context: BotContext) -> None:
    """Who did what, the newest first."""
    limit = asked_count(context.argument, otherwise=SHOWN, example="/audit 20")
    async with context.services.db.read() as conn:
        entries = await newest(conn, limit=limit)
    await context.say_privately(views.audit(entries, context.services.clock.now(), context.texts))
