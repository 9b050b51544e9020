"""/updates: how reports are renewed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256

from bot.context import BotContext
from bot.views import updates as views
from bot.views.message import Picture
from core.errors import UserError
from core.reports.statistics import MOST_DAYS, UpdateStatistics, update_statistics
from core.reports.statistics_chart import costs_picture, hours_picture, reasons_picture


async def updates(context: BotContext) -> None:
    """The statistics of the days asked for, and where there is something to draw three pictures."""
    found = await update_statistics(context.services, _days(context.argument))
    rate = context.services.settings.llm.won_per_usd
    messages = [views.statistics(found, rate, context.texts)]
    if found.updates:
        messages += views.pictures(_pictures(found, rate), context.texts)
    await context.say_privately(*messages)


def _days(argument: str) -> int:
    if not argument:
        return 7
    days = int(argument) if argument.isascii() and argument.isdigit() and len(argument) < 4 else 0
    if not 1 <= days <= MOST_DAYS:
        raise UserError("1부터 30까지의 날수를 적어 주세요. 예: /updates 14")
    return days


def _pictures(found: UpdateStatistics, rate: float) -> list[Picture]:
    draws: dict[str, Callable[[], Awaitable[bytes]]] = {
        "reasons": partial(reasons_picture, found, words=views.REASONS),
        "hours": partial(hours_picture, found),
        "costs": partial(costs_picture, found, won_per_usd=rate),
    }
    drawn = (found.days, found.by_reason, found.by_weekday_hour, found.per_day, rate)
    shown = sha256(repr(drawn).encode()).hexdigest()[:16]
    return [Picture(f"updates:{name}:{shown}", draw) for name, draw in draws.items()]
