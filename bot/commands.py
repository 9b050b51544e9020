"""The one table of commands, and the one of button actions. Handlers, menus, /help and access come from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.access import Handler
from bot.context import BotContext
from bot.handlers import basics, health, news, reports, stocks, watchlist
from core.chats.member import Role

Pressed = Callable[..., Awaitable[None]]


class Group(StrEnum):
    """The headings of /help."""

    STOCKS = "종목"
    NEWS = "뉴스"
    MINE = "내 정보"
    OPERATION = "운영"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command. `summary` and `example` are Korean; the catalogue has the English."""

    name: str
    handler: Handler
    summary: str
    example: str
    group: Group
    access: Role = Role.MEMBER


COMMANDS = (
    Command(
        name="report",
        handler=reports.report,
        summary="종목 리포트와 차트",
        example="/report 삼성전자",
        group=Group.STOCKS,
    ),
    Command(
        name="price",
        handler=stocks.price,
        summary="현재가와 시세",
        example="/price 삼전",
        group=Group.STOCKS,
    ),
    Command(
        name="news",
        handler=news.news,
        summary="최근 뉴스",
        example="/news SK하이닉스",
        group=Group.NEWS,
    ),
    Command(
        name="watch",
        handler=watchlist.watch,
        summary="관심종목 담기",
        example="/watch 카카오",
        group=Group.MINE,
    ),
    Command(
        name="unwatch",
        handler=watchlist.unwatch,
        summary="관심종목 빼기",
        example="/unwatch 카카오",
        group=Group.MINE,
    ),
    Command(
        name="watchlist",
        handler=watchlist.watchlist,
        summary="내 관심종목",
        example="/watchlist",
        group=Group.MINE,
    ),
    Command(
        name="start",
        handler=basics.start,
        summary="시작과 언어 선택",
        example="/start",
        group=Group.MINE,
    ),
    Command(
        name="help",
        handler=basics.help_,
        summary="쓸 수 있는 명령",
        example="/help",
        group=Group.MINE,
    ),
    Command(
        name="health",
        handler=health.health,
        summary="시스템 상태",
        example="/health detailed",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
)

ACTIONS: Mapping[str, Pressed] = {
    "r": reports.report_pressed,
    "rr": reports.refresh_pressed,
    "re": reports.evidence_pressed,
    "ro": reports.opinions_pressed,
    "rc": reports.chart_pressed,
    "rd": reports.document_pressed,
    "p": stocks.price_pressed,
    "n": news.page_pressed,
    "a": news.article_pressed,
    "w": watchlist.watch_pressed,
    "u": watchlist.unwatch_pressed,
    "l": basics.language_pressed,
}
"""Button actions, open to every member; each is called with the context and the button's arguments."""


def allowed(context: BotContext) -> list[Command]:
    """The commands the asker may use, in the order of the table."""
    return [command for command in COMMANDS if command.access is Role.MEMBER or context.asker.admin]
