"""/watch, /unwatch and /watchlist."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.views import watchlist as views
from core.chats import service as chats
from core.errors import StockPilotError
from core.market.service import get_quote, known_quotes
from core.services import Services
from core.stocks.service import stock_resolver
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)

PATIENCE: Final = 2.0
"""Seconds the watchlist waits for fresh prices."""


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
    """The watched stocks with their prices: fresh ones as far as they come in time, else the newest known."""
    services, resolver = context.services, await stock_resolver(context.services)
    stocks = [stock for code in context.asker.watched if (stock := resolver.get(code))]
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(_freshen(services, stock) for stock in stocks[: views.MOST_BUTTONS]))
    except TimeoutError:
        log.info("quotes_late", stocks=len(stocks))
    quotes = await known_quotes(services, [stock.code for stock in stocks])
    items = [(stock, quotes.get(stock.code)) for stock in stocks]
    await context.say(views.watched(items, services.clock.now(), context.texts))


async def _freshen(services: Services, stock: Stock) -> None:
    try:
        await get_quote(services, stock)
    except StockPilotError as error:
        log.info("quote_not_fresh", code=stock.code, error=str(error))


async def _watch(context: BotContext, stock: Stock) -> None:
    added = await chats.watch(context.services, context.asker, stock.code)
    await context.say(views.watching(stock, added, context.texts))


async def _unwatch(context: BotContext, stock: Stock) -> None:
    removed = await chats.unwatch(context.services, context.asker, stock.code)
    await context.say(views.not_watching(stock, removed, context.texts))
