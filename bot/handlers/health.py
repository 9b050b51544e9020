"""/health for admins."""

from __future__ import annotations

from bot.context import BotContext
from bot.views import health as views
from core.errors import UserError
from core.health.service import check_component, check_health, component_names


async def health(context: BotContext) -> None:
    """The state of every component, of one, in short, in detail or as JSON."""
    asked = context.argument.lower()
    if asked in component_names(context.services):
        await _component(context, asked)
        return
    if asked not in {"", "summary", "detailed", "json"}:
        names = ", ".join(component_names(context.services))
        raise UserError("'{asked}'라는 구성 요소는 없습니다. 있는 것: {names}", asked=asked[:40], names=names)
    report = await check_health(context.services)
    if asked == "json":
        await context.say_privately(views.as_json(report))
    elif asked == "summary":
        await context.say_privately(views.summary(report, context.texts))
    else:
        await context.say_privately(views.health(report, bool(asked), context.texts))


async def _component(context: BotContext, name: str) -> None:
    found = await check_component(context.services, name)
    assert found is not None
    await context.say_privately(views.component(found, context.services.clock.now(), context.texts))
