"""/alerts: what somebody is told of, when not, and their own conditions."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.views import choices as views
from bot.views.message import Message
from core.alerts.choices import choices_of, choose_mode, drop_condition, keep_quiet, parse_hours
from core.alerts.condition import EXAMPLE, ConditionKind, Wanted, parse_condition, wanted
from core.alerts.conditions import add_condition
from core.chats.subscriptions import Mode, PersonalKind
from core.errors import UserError
from core.market.service import known_quotes
from core.stocks.stock import Stock

CONDITION: Final = rf"({'|'.join(ConditionKind)}):([0-9]{{1,10}}(?:\.[0-9]{{1,4}})?):([0-9]{{1,5}})"
"""A condition as a button carries it: kind, threshold, and minutes to rest."""


async def alerts(context: BotContext) -> None:
    """What the asker chose, or a change of it."""
    match context.argument.split():
        case []:
            await context.say(await _panel(context))
        case ["quiet", *hours] if hours:
            await keep_quiet(
                context.services, context.asker, None if hours == ["off"] else parse_hours(" ".join(hours))
            )
            await context.say(await _panel(context))
        case ["add", *written] if written:
            await _add(context, " ".join(written))
        case ["delete", number]:
            await _delete(context, number)
        case _:
            raise UserError(
                "quiet, add, delete 가운데 하나를 적어 주세요. 예: /alerts quiet 22:00-07:00, "
                "/alerts add 삼성전자 > 80000, /alerts delete 1"
            )


async def panel_pressed(context: BotContext) -> None:
    """What the asker chose, below the message whose button was pressed."""
    await context.say(await _panel(context))


async def mode_pressed(context: BotContext, kind: str, mode: str) -> None:
    """Another way of being told of a kind."""
    await choose_mode(context.services, context.asker, PersonalKind(kind), Mode(mode))
    await context.change(await _panel(context))


async def off_pressed(context: BotContext, kind: str) -> None:
    """No more of a kind, by the button of an alert."""
    await choose_mode(context.services, context.asker, PersonalKind(kind), Mode.OFF)
    await context.say(views.turned_off(PersonalKind(kind), context.texts))


async def quiet_pressed(context: BotContext, hours: str) -> None:
    """Quiet hours by a button."""
    await keep_quiet(context.services, context.asker, None if hours == "off" else parse_hours(hours))
    await context.change(await _panel(context))


async def condition_pressed(context: BotContext, kind: str, threshold: str, minutes: str, code: str) -> None:
    """A condition on the stock that was chosen of several."""
    asked = wanted(ConditionKind(kind), threshold, timedelta(minutes=int(minutes)))
    await _keep(context, await stock_of(context, code), asked)


async def delete_pressed(context: BotContext, number: str) -> None:
    """A condition less, by a button of the list."""
    await drop_condition(context.services, context.asker, int(number))
    await context.change(await _panel(context))


async def enough_pressed(context: BotContext, number: str) -> None:
    """A condition less, by the button of its alert."""
    await drop_condition(context.services, context.asker, int(number))
    await context.say(views.condition_gone(context.texts))


async def _add(context: BotContext, written: str) -> None:
    name, asked = parse_condition(written)
    minutes = asked.cooldown // timedelta(minutes=1)
    context.args = name.split()
    if stock := await asked_stock(context, f"aa:{asked.kind}:{asked.threshold}:{minutes}", example=EXAMPLE):
        await _keep(context, stock, asked)


async def _keep(context: BotContext, stock: Stock, asked: Wanted) -> None:
    services, now = context.services, context.services.clock.now()
    new = await add_condition(services, context.asker.id, stock.code, asked)
    quote = (await known_quotes(services, [stock.code])).get(stock.code)
    await context.say(views.condition_kept(stock, asked, new, quote, services.kis.configured, now, context.texts))


async def _delete(context: BotContext, number: str) -> None:
    mine = (await choices_of(context.services, context.asker)).conditions
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:4]) <= len(mine):
        raise UserError("지울 조건의 번호를 적어 주세요. 번호는 /alerts 에 있습니다. 예: /alerts delete 1")
    await drop_condition(context.services, context.asker, mine[int(number[:4]) - 1].id)
    await context.say(await _panel(context))


async def _panel(context: BotContext) -> Message:
    chosen = await choices_of(context.services, context.asker)
    return views.choices(chosen, len(context.asker.watched), context.services.clock.now(), context.texts)
