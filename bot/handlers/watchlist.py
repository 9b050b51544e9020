"""/watch, /unwatch and /watchlist."""

from __future__ import annotations

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.views import watchlist as views
from core.chats import service as chats
from core.market.service import known_quotes
from core.stocks.service import stock_resolver
from core.stocks.stock import Stock


async def watch(context: BotContext) -> None:
    """Put a stock on the watchlist."""
    if stock := await asked_stock(context, "w", example="/watch 삼성전자"):
        await _watch(context, stock)


async def watch_pressed(context: BotContext, code: str) -> None:
    """Put a stock on the watchlist by a button."""
    await _watch(context, await stock_of(context, code))


async def unwatch(context: BotContext) -> None:
    """Take a stock off the watchlist."""
    if stock := await asked_stock(context, "u", example="/unwatch 삼성전자"):
        await _unwatch(context, stock)


async def unwatch_pressed(context: BotContext, code: str) -> None:
    """Take a stock off the watchlist by a button."""
    await _unwatch(context, await stock_of(context, code))


async def watchlist(context: BotContext) -> None:
    """The watched stocks with the newest prices known."""
    resolver = await stock_resolver(context.services)
    codes = await chats.watchlist(context.services, context.asker)
    quotes = await known_quotes(context.services, codes)
    watched = [(stock, quotes.get(code)) for code in codes if (stock := resolver.get(code))]
    await context.say(views.watched(watched, context.texts))


async def _watch(context: BotContext, stock: Stock) -> None:
    added = await chats.watch(context.services, context.asker, stock.code)
    await context.say(views.watching(stock, added, context.texts))


async def _unwatch(context: BotContext, stock: Stock) -> None:
    removed = await chats.unwatch(context.services, context.asker, stock.code)
    await context.say(views.not_watching(stock, removed, context.texts))
