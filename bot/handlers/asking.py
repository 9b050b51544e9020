"""Finding the stock somebody asks for, and asking back when it is not clear."""

from __future__ import annotations

import re

from bot.context import BotContext
from bot.views import stocks as views
from core.errors import UserError
from core.stocks.hangul import normalise
from core.stocks.resolver import Ambiguous, Found
from core.stocks.service import filled_resolver, stock_resolver
from core.stocks.stock import Stock

MAX_ARGUMENT = 100
MOST_ROWS = 50


async def asked_stock(context: BotContext, action: str, *, example: str) -> Stock | None:
    """The one stock the argument means, or None after buttons or the closest names were offered instead.

    Without an argument the watchlist is offered. `action` is what a button of the answer will do. Raises
    `Unavailable` or `Malformed` while no list of stocks could be had at all.
    """
    if not context.argument:
        resolver = await stock_resolver(context.services)
        watched = [resolver.get(code) for code in context.asker.watched]
        await context.say(views.choose_watched([s for s in watched if s], action, example, context.texts))
        return None
    resolution = (await filled_resolver(context.services)).resolve(context.argument[:MAX_ARGUMENT])
    if isinstance(resolution, Found):
        return resolution.stock
    if isinstance(resolution, Ambiguous):
        await context.say(views.choose(resolution, action, context.texts))
    else:
        await context.say(views.unknown(resolution, action, context.texts))
    return None


def asked_count(argument: str, *, otherwise: int, example: str) -> int:
    """How many rows are asked for, 1 to 50; raises `UserError` for anything else."""
    if not argument:
        return otherwise
    if not re.fullmatch("[0-9]{1,3}", argument) or not 1 <= int(argument) <= MOST_ROWS:
        raise UserError("1에서 50 사이의 숫자를 적어 주세요. 예: {example}", example=example)
    return int(argument)


async def asked_page(context: BotContext, action: str, *, example: str) -> tuple[Stock, int] | None:
    """The stock the argument means and the page behind it, unless the number belongs to the name (KODEX 200).

    None as `asked_stock`.
    """
    page = 1
    if named := re.fullmatch(r"(.+)\s([0-9]{1,3})", context.argument):
        found = (await stock_resolver(context.services)).resolve(context.argument)
        whole = isinstance(found, Found) and normalise(found.stock.name) == normalise(context.argument)
        if not whole:
            context.args, page = named[1].split(), int(named[2])
    stock = await asked_stock(context, action, example=example)
    return (stock, page) if stock else None


def meant_as_number(argument: str) -> bool:
    """Whether an argument is a number, or was meant to be one, that is neither a page, nor a code, nor `#12`."""
    return re.fullmatch("#.*|-[0-9]+|[0-9]{4,5}|[0-9]{7,}", argument, re.DOTALL) is not None


async def stock_of(context: BotContext, code: str) -> Stock:
    """The stock a button names; raises `UserError` when the master no longer has it."""
    stock = (await filled_resolver(context.services)).get(code)
    if stock is None:
        raise UserError("이 종목을 더 이상 찾을 수 없습니다.")
    return stock
