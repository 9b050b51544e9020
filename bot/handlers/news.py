"""/news: a list, or one article with what similar ones led to."""

from __future__ import annotations

import re

import structlog

from bot.context import BotContext
from bot.handlers.asking import asked_page, meant_as_number, stock_of
from bot.views import news as views
from core.errors import UserError
from core.market.bar import adjusted
from core.market.queries import bars_until
from core.news.article import Article
from core.news.queries import get_article, latest_articles, links_of, moves_of
from core.news.sources import SOURCES
from core.prediction.evidence import SEARCH_FAILURES, return_after
from core.search.service import similar_articles
from core.services import Services
from core.sources.service import list_sources
from core.stocks.resolver import Resolver
from core.stocks.service import stock_resolver
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)

PAGE = 8
_YEAR = 250


async def news(context: BotContext) -> None:
    """The newest articles, of everything or of one stock, or one article by its number (`/news #12`)."""
    argument = context.argument
    if found := re.fullmatch(r"#\s?([0-9]{1,12})", argument):
        await _show_article(context, int(found[1]))
    elif found := re.fullmatch(r"[0-9]{0,3}", argument):
        await _show_page(context, None, int(argument or 1))
    elif meant_as_number(argument):
        raise UserError("쪽은 1~999로, 기사는 # 뒤에 번호로 적어 주세요. 예: /news 2, /news #12")
    elif asked := await asked_page(context, "n", example="/news 삼성전자"):
        await _show_page(context, *asked)


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
    async with services.db.read() as conn:
        articles = await latest_articles(
            conn, code=stock.code if stock else None, as_of=now, limit=PAGE + 1, offset=(page - 1) * PAGE
        )
    reading = await _reading(services)
    await context.say(views.listing(articles[:PAGE], stock, page, len(articles) > PAGE, reading, now, context.texts))


async def _reading(services: Services) -> views.Reading:
    """Whether news is read at all, and when any of it was last."""
    on = {source.key for source in SOURCES.values() if source.enabled(services.settings)}
    async with services.db.read() as conn:
        times = [status.last_success_at for status in await list_sources(conn) if status.source in on]
    return views.Reading(configured=bool(on), at=max(filter(None, times), default=None))


async def _show_article(context: BotContext, number: int) -> None:
    services = context.services
    async with services.db.read() as conn:
        article = await get_article(conn, number, as_of=services.clock.now())
        links = await links_of(conn, number, as_of=services.clock.now())
        moves = await moves_of(conn, number)
    if article is None:
        raise UserError("{number}번 기사는 없습니다. /news 로 목록을 볼 수 있습니다.", number=number)
    resolver = await stock_resolver(services)
    stocks = [stock for code in article.codes if (stock := resolver.get(code))]
    cases = await _cases(services, article, resolver)
    await context.say(views.article(article, stocks, cases, services.clock.now(), context.texts, links, moves))


async def _cases(services: Services, article: Article, resolver: Resolver) -> list[views.Case] | None:
    """Articles known before this one that are like it, with what followed; None when they cannot be looked for."""
    text = f"{article.title}\n{article.summary}"
    try:
        similar = await similar_articles(services, text, as_of=article.first_seen_at, exclude=(article.id,))
    except SEARCH_FAILURES as error:
        log.warning("similar_not_found", article=article.id, error=str(error))
        return None
    return [await _case(services, hit.article, resolver) for hit in similar]


async def _case(services: Services, article: Article, resolver: Resolver) -> views.Case:
    """The session after an article, from the bars that are stored: an old case is not worth asking anybody."""
    stock = resolver.get(article.codes[0]) if article.codes else None
    if stock is None:
        return views.Case(article=article)
    last = services.calendar.last_closed_session(services.clock.now())
    async with services.db.read() as conn:
        bars = await bars_until(conn, stock.code, day=last, limit=_YEAR)
    after = return_after(article.published_at, adjusted(bars), services.calendar)
    return views.Case(article=article, stock=stock, after_percent=after)
