"""/strategies and /strategy for admins."""

from __future__ import annotations

from bot.context import BotContext
from bot.views import strategies as views
from bot.views.message import Message
from core.errors import UserError
from core.strategies.service import supervised, supervised_one, switch

SWITCHES = {"start": True, "stop": False}


async def strategies(context: BotContext) -> None:
    """Every supervised worker, or one in detail."""
    await context.say_privately(await (_one(context, context.argument.lower()) if context.argument else _all(context)))


async def strategy(context: BotContext) -> None:
    """Start or stop a worker for good."""
    word, _, id = context.argument.lower().partition(" ")
    if word not in SWITCHES or not id.strip():
        raise UserError("start나 stop과 전략 이름을 적어 주세요. 예: /strategy stop price_feed")
    changed = await switch(context.services, id.strip(), SWITCHES[word], actor_id=context.asker.id)
    found = await supervised_one(context.services, id.strip())
    now = context.services.clock.now()
    await context.say_privately(views.switched(found, SWITCHES[word], changed, now, context.texts))


async def strategies_pressed(context: BotContext) -> None:
    """Every worker, in the message whose button was pressed."""
    await context.change(await _all(context))


async def strategy_pressed(context: BotContext, id: str) -> None:
    """One worker in detail, in the message whose button was pressed."""
    await context.change(await _one(context, id))


async def switch_pressed(context: BotContext, word: str, id: str) -> None:
    """Start or stop a worker by a button, and show how it stands then."""
    await switch(context.services, id, SWITCHES[word], actor_id=context.asker.id)
    await context.change(await _one(context, id))


async def _all(context: BotContext) -> Message:
    return views.strategies(await supervised(context.services), context.services.clock.now(), context.texts)


async def _one(context: BotContext, id: str) -> Message:
    found = await supervised_one(context.services, id)
    return views.strategy(found, context.services.clock.now(), context.texts)
