"""/market."""

from __future__ import annotations

from bot.context import BotContext
from bot.views import market as views
from core.market.overview import market_now


async def market(context: BotContext) -> None:
    """The market on one screen."""
    await context.say(views.market(await market_now(context.services), context.texts))
