"""/health for admins."""

from __future__ import annotations

from bot.context import BotContext
from bot.probe import telegram_probe
from bot.views import health as views
from core.errors import UserError
from core.health.service import check_health


async def health(context: BotContext) -> None:
    """The state of every component, of one, in detail or as JSON."""
    report = await check_health(context.services, also=(telegram_probe(context.telegram),))
    asked = context.argument.lower()
    if asked == "json":
        await context.say_privately(views.as_json(report))
    elif asked in {"", "detailed"}:
        await context.say_privately(views.health(report, bool(asked), context.texts))
    elif component := next((c for c in report.components if c.name == asked), None):
        await context.say_privately(views.component(component, report.at, context.texts))
    else:
        names = ", ".join(component.name for component in report.components)
        raise UserError("'{asked}'라는 구성 요소는 없습니다. 있는 것: {names}", asked=asked[:40], names=names)
