"""/usage: what outside calls took and cost, the thresholds, and the reset of the day."""

from __future__ import annotations

from hashlib import sha256

from bot.confirm import confirmed, signed
from bot.context import BotContext
from bot.views import usage as views
from bot.views.message import Picture
from core.errors import UserError
from core.usage import service
from core.usage.chart import usage_chart
from core.usage.overview import Overview, Span


async def usage(context: BotContext) -> None:
    """Today's overview, or what the argument asks for."""
    asked = context.argument.lower()
    if asked == "reset":
        await _ask_reset(context)
    elif asked in {"", "costs", "alerts", *Span}:
        await usage_pressed(context, asked)
    else:
        raise UserError("/usage 다음에는 today, 7d, 30d, costs, alerts, reset 가운데 하나를 적어 주세요. 예: /usage 7d")


async def usage_pressed(context: BotContext, asked: str) -> None:
    """A span with its picture, the costs or the thresholds; nothing asked is today without a picture."""
    services, rate = context.services, context.services.settings.llm.won_per_usd
    if asked == "costs":
        message = views.costs(await service.costs(services), rate, context.texts)
    elif asked == "alerts":
        message = views.alerts(await service.alerts(services), services.settings.llm, context.texts)
    else:
        found = await service.overview(services, Span(asked or Span.TODAY))
        message = views.overview(found, rate, _picture(found, rate) if asked else None, context.texts)
    await context.say_privately(message)


async def reset_confirmed(context: BotContext, subject: str, until: str, signature: str) -> None:
    """Archive the day's calls."""
    previous = int(confirmed(context, "cr", subject, until, signature))
    batch = await service.reset(context.services, actor_id=context.asker.id, previous=previous)
    await context.change(views.was_reset(batch, context.services.settings.llm.won_per_usd, context.texts))


async def _ask_reset(context: BotContext) -> None:
    batch = await service.to_reset(context.services)
    button = signed(context, "cr", str(batch.previous))
    rate = context.services.settings.llm.won_per_usd
    await context.say_privately(views.confirm_reset(batch, rate, button, context.texts))


def _picture(found: Overview, rate: float) -> Picture:
    async def draw() -> bytes:
        return await usage_chart(found, won_per_usd=rate)

    shown = sha256(repr((found.buckets, rate)).encode()).hexdigest()[:16]
    return Picture(f"usage:{found.span}:{shown}", draw)
