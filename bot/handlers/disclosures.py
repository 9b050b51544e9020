"""/disclosures: filings with what they mean, of a stock, of the watchlist or of the market."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import structlog

from bot.context import BotContext
from bot.handlers.asking import asked_page, meant_as_number, stock_of
from bot.views import disclosures as views
from bot.views.disclosures import MARKET, REACH, WATCHED
from core.clock import kst_date
from core.disclosures.filing import Disclosure
from core.disclosures.queries import get_disclosure, issuer_codes, latest_disclosures, market_disclosures, ties_of
from core.disclosures.service import FEED, LIST, PARTS, document_of
from core.errors import StockPilotError, UserError
from core.services import Services
from core.sources.service import get_source
from core.stocks.service import stock_resolver
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)

PAGE: Final = 6
PATIENCE: Final = 3.0
"""Seconds an answer waits for the text of a filing."""
EXCERPT: Final = 600
"""Letters shown of it."""


async def disclosures(context: BotContext) -> None:
    """The newest filings: of the watchlist, else of the market; of a stock; or one by its number (`#12`)."""
    argument = context.argument
    if found := re.fullmatch(r"#\s?([0-9]{1,12})", argument):
        await filing_pressed(context, found[1])
    elif found := re.fullmatch(r"[0-9]{0,3}", argument):
        await _show_page(context, WATCHED if context.asker.watched else MARKET, int(argument or 1))
    elif meant_as_number(argument):
        raise UserError("쪽은 1~999로, 공시는 # 뒤에 번호로 적어 주세요. 예: /disclosures 2, /disclosures #12")
    elif asked := await asked_page(context, "dn", example="/disclosures 삼성전자"):
        await _show_page(context, *asked)


async def page_pressed(context: BotContext, scope: str, page: str) -> None:
    """A page of a list by a button: of the watchlist, of the market, or of a stock by its code."""
    named = scope if scope in (WATCHED, MARKET) else await stock_of(context, scope)
    await _show_page(context, named, int(page))


async def filing_pressed(context: BotContext, number: str) -> None:
    """One filing by its number."""
    services, now = context.services, context.services.clock.now()
    async with services.db.read() as conn:
        found = await get_disclosure(conn, int(number), as_of=now)
        if found is None:
            raise UserError("{number}번 공시는 없습니다. /disclosures 로 목록을 볼 수 있습니다.", number=number)
        ties = (await ties_of(conn, [found], as_of=now))[found.id]
    stock = (await stock_resolver(services)).get(found.code) if found.code else None
    excerpt = await _excerpt(services, found)
    await context.say(views.filing(found, ties, stock, excerpt, now, context.texts))


async def stock_pressed(context: BotContext, code: str) -> None:
    """The filings of a stock by a button."""
    await _show_page(context, await stock_of(context, code), 1)


async def _show_page(context: BotContext, scope: Stock | str, page: int) -> None:
    services, page = context.services, max(page, 1)
    now, offset = services.clock.now(), (page - 1) * PAGE
    codes = await _codes(context, scope)
    async with services.db.read() as conn:
        if scope == MARKET:
            since = kst_date(now) - REACH
            filings = await market_disclosures(conn, as_of=now, since=since, limit=PAGE + 1, offset=offset)
        else:
            filings = await latest_disclosures(conn, codes=codes, as_of=now, limit=PAGE + 1, offset=offset)
        ties = await ties_of(conn, filings[:PAGE], as_of=now)
    reading = await _reading(services)
    shown = views.listing(filings[:PAGE], ties, scope, page, len(filings) > PAGE, reading, now, context.texts)
    await context.say(shown)


async def _codes(context: BotContext, scope: Stock | str) -> list[str]:
    """The stocks whose companies file for what is asked."""
    if isinstance(scope, Stock):
        return issuer_codes(scope.code)
    watched = context.asker.watched if scope == WATCHED else ()
    return [each for code in watched for each in issuer_codes(code)]


async def _reading(services: Services) -> views.Reading:
    """How DART is read, and when it was last."""
    on = [part.key for part in PARTS if part.off_because(services.settings) is None]
    async with services.db.read() as conn:
        status = await get_source(conn, LIST if LIST in on else FEED)
    return views.Reading(configured=bool(on), whole=LIST in on, at=status.last_success_at)


async def _excerpt(services: Services, filing: Disclosure) -> str:
    """The beginning of a filing's text; empty where it cannot be had soon. The official page is a press away."""
    try:
        async with asyncio.timeout(PATIENCE):
            text = await document_of(services, filing.receipt)
    except (StockPilotError, TimeoutError) as error:
        log.info("document_left_out", receipt=filing.receipt, error=type(error).__name__)
        return ""
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rsplit(maxsplit=1)[0]}…"
