"""/price, and plain text that is a stock."""

from __future__ import annotations

from datetime import datetime

import structlog

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.views import stocks as views
from bot.views.message import Picture
from core.errors import Malformed, NotConfigured, Unavailable, Unsupported
from core.market.bar import Bar
from core.market.overview import depth_of
from core.market.service import get_bars, get_quote
from core.reports.chart import price_chart
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)


async def price(context: BotContext) -> None:
    """The quote card of a stock."""
    if stock := await asked_stock(context, "p", example="/price 삼성전자"):
        await show_price(context, stock)


async def price_pressed(context: BotContext, code: str) -> None:
    """The quote card by a button."""
    await show_price(context, await stock_of(context, code))


async def show_price(context: BotContext, stock: Stock) -> None:
    """Send the quote card with its chart."""
    services = context.services
    quote, depth = await get_quote(services, stock), await depth_of(services, stock)
    bars = await bars_to_draw(context, stock.code, as_of=services.clock.now())
    watched = stock.code in context.asker.watched
    picture = Picture(f"price:{stock.code}:{bars[-1].day}", lambda: price_chart(stock, bars)) if bars else None
    await context.say(views.quote_card(stock, quote, depth, watched, picture, context.texts))


async def bars_to_draw(context: BotContext, code: str, *, as_of: datetime) -> list[Bar]:
    """The daily bars of a chart; none where they cannot be had, for an answer without its chart is still one."""
    try:
        return await get_bars(context.services, code, as_of=as_of)
    except (NotConfigured, Unavailable, Malformed, Unsupported) as error:
        log.warning("chart_left_out", code=code, error=str(error))
        return []
