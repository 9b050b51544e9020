"""/report and its buttons."""

from __future__ import annotations

from bot.context import BotContext
from bot.handlers.asking import asked_stock, stock_of
from bot.handlers.stocks import bars_to_draw
from bot.progress import StageMessage
from bot.views import reports as views
from bot.views.message import Picture
from core.errors import UserError
from core.reports.chart import report_chart
from core.reports.report import Report
from core.reports.service import get_report, newest_report
from core.stocks.stock import Stock


async def report(context: BotContext) -> None:
    """The newest report of a stock, made now if the update policy says so."""
    if stock := await asked_stock(context, "r", example="/report 삼성전자"):
        await _show(context, stock, refresh=False)


async def report_pressed(context: BotContext, code: str) -> None:
    """The report by a button."""
    await _show(context, await stock_of(context, code), refresh=False)


async def refresh_pressed(context: BotContext, code: str) -> None:
    """A renewed report, if the policy allows one."""
    await _show(context, await stock_of(context, code), refresh=True)


async def evidence_pressed(context: BotContext, code: str) -> None:
    """The facts and articles the newest report rests on."""
    await context.say(views.evidence(await _newest(context, code), context.texts))


async def opinions_pressed(context: BotContext, code: str) -> None:
    """Every forecaster's view beside the others."""
    await context.say(views.opinions(await _newest(context, code), context.texts))


async def chart_pressed(context: BotContext, code: str, span: str) -> None:
    """The chart over another span."""
    found = await _newest(context, code)
    if not await bars_to_draw(context, code, as_of=found.as_of):
        raise UserError("차트를 그릴 시세가 아직 없습니다.")
    await context.say(views.chart(found, span, _picture(context, found, span), context.texts))


async def document_pressed(context: BotContext, code: str) -> None:
    """The whole report as an HTML document."""
    found = await _newest(context, code)
    await context.say(views.document(found, await _picture(context, found, "3M").draw(), context.texts))


async def _show(context: BotContext, stock: Stock, *, refresh: bool) -> None:
    services = context.services
    async with StageMessage(context, stock.name) as stage:
        found = await get_report(services, stock, user_id=context.asker.id, refresh=refresh, progress=stage)
    picture, watched = _picture(context, found, "3M"), stock.code in context.asker.watched
    await context.say(views.report(found, watched, picture, services.clock.now(), context.texts))


async def _newest(context: BotContext, code: str) -> Report:
    found = await newest_report(context.services, code)
    if found is None:
        raise UserError("아직 리포트가 없습니다. /report {code} 로 먼저 만들어 주세요.", code=code)
    return found


def _picture(context: BotContext, found: Report, span: str) -> Picture:
    async def draw() -> bytes | None:
        bars = await bars_to_draw(context, found.stock.code, as_of=found.as_of)
        return await report_chart(found, bars, span=span) if bars else None

    return Picture(f"report:{found.id}:{span}", draw)
