"""/health for admins."""

from __future__ import annotations

from bot.context import BotContext
from bot.views import health as views
from core.errors import UserError
from core.health.service import OUTSIDE, check_component, check_health, check_outside, component_names

WHOLE = ("", "basic", "summary", "detailed", "comprehensive", "json")


async def health(context: BotContext) -> None:
    """The state of every component, of one, of all outside, in short, in detail or as JSON."""
    asked = context.argument.lower()
    if asked not in {*WHOLE, *OUTSIDE}:
        await _component(context, asked)
        return
    report = await (check_outside if asked in OUTSIDE else check_health)(context.services)
    if asked == "json":
        await context.say_privately(views.as_json(report))
    elif asked == "summary":
        await context.say_privately(views.summary(report, context.texts))
    else:
        detailed = asked not in {"", "basic"}
        await context.say_privately(views.health(report, detailed, context.texts))


async def _component(context: BotContext, name: str) -> None:
    found = await check_component(context.services, name)
    if found is None:
        names = ", ".join([*component_names(context.services), *OUTSIDE[:1]])
        raise UserError("'{asked}'라는 구성 요소는 없습니다. 있는 것: {names}", asked=name[:40], names=names)
    await context.say_privately(views.component(found, context.services.clock.now(), context.texts))
