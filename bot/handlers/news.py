"""/news: a list, or one article with what similar ones led to."""

from __future__ import annotations

import re

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.views import news as views
from core.errors import UserError
from core.news.queries import get_article, latest_articles
from core.search.service import similar_articles
from core.stocks.service import stock_resolver
from core.stocks.stock import Stock

PAGE = 8


async def news(context: BotContext) -> None:
    """The newest articles, of everything or of one stock, or one article by its number (`/news #12`)."""
    argument = context.argument
    if re.fullmatch(r"[aA#]\d{1,12}", argument):
        await _show_article(context, int(argument[1:]))
        return
    if not argument or re.fullmatch(r"\d{1,3}", argument):
        await _show_page(context, None, int(argument or 1))
        return
    words, _, last = argument.rpartition(" ")
    page = 1
    if words and re.fullmatch(r"\d{1,3}", last):
        context.args, page = words.split(), int(last)
    if stock := await asked_stock(context, "n", example="/news 삼성전자"):
        await _show_page(context, stock, page)


async def page_pressed(context: BotContext, code: str, page: str = "1") -> None:
    """A page of the list by a button; `-` stands for all stocks."""
    stock = None if code == "-" else await stock_of(context, code)
    await _show_page(context, stock, int(page))


async def article_pressed(context: BotContext, number: str) -> None:
    """One article by a button."""
    await _show_article(context, int(number))


async def _show_page(context: BotContext, stock: Stock | None, page: int) -> None:
    services, page = context.services, max(page, 1)
    now = services.clock.now()
    async with services.db.begin() as conn:
        articles = await latest_articles(
            conn, code=stock.code if stock else None, as_of=now, limit=PAGE + 1, offset=(page - 1) * PAGE
        )
    await context.say(views.listing(articles[:PAGE], stock, page, len(articles) > PAGE, now, context.texts))


async def _show_article(context: BotContext, number: int) -> None:
    services = context.services
    async with services.db.begin() as conn:
        article = await get_article(conn, number)
    if article is None:
        raise UserError("{number}번 기사는 없습니다. /news 로 목록을 볼 수 있습니다.", number=number)
    similar = await similar_articles(
        services, f"{article.title}\n{article.summary}", as_of=services.clock.now(), exclude=(article.id,)
    )
    resolver = await stock_resolver(services)
    stocks = [stock for code in article.codes if (stock := resolver.get(code))]
    await context.say(views.article(article, stocks, similar, services.clock.now(), context.texts))
