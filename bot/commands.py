"""The one table of commands, and the one of button actions. Handlers, menus, /help and access come from them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.access import Handler
from bot.confirm import SIGNED
from bot.context import BotContext
from bot.handlers import (
    alerts,
    audit,
    basics,
    disclosures,
    health,
    jobs,
    locks,
    logs,
    market,
    news,
    reports,
    settings,
    sources,
    status,
    stocks,
    strategies,
    updates,
    usage,
    users,
    watchlist,
)
from bot.handlers.asking_jobs import JOB
from core.briefs.brief import Slot
from core.chats.member import Language, Role
from core.chats.subscriptions import Mode, PersonalKind
from core.reports.chart import SPANS
from core.stocks.stock import CODE


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What a button does: `call` is given the context and the groups of `arguments`, the pattern of what it carries."""

    call: Callable[..., Coroutine[Any, Any, None]]
    arguments: str
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
        name="market",
        handler=market.market,
        summary="지수, 등락 종목, 수급",
        example="/market",
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
        name="disclosures",
        handler=disclosures.disclosures,
        summary="공시와 그 뜻",
        example="/disclosures 삼성전자",
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
        name="settings",
        handler=settings.settings,
        summary="언어, 시간대, 브리핑",
        example="/settings",
        group=Group.MINE,
    ),
    Command(
        name="alerts",
        handler=alerts.alerts,
        summary="알림 종류, 방해 금지, 조건",
        example="/alerts",
        group=Group.MINE,
    ),
    Command(
        name="start",
        handler=basics.start,
        summary="시작과 언어 선택",
        example="/start",
        group=Group.MINE,
        access=Role.WAITING,
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
    Command(
        name="status",
        handler=status.status,
        summary="한 화면 요약",
        example="/status",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="metrics",
        handler=status.metrics,
        summary="CPU, 메모리, 디스크",
        example="/metrics",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="usage",
        handler=usage.usage,
        summary="호출 사용량, 비용, 예산",
        example="/usage 7d",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="updates",
        handler=updates.updates,
        summary="리포트 업데이트 통계",
        example="/updates 14",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="jobs",
        handler=jobs.jobs,
        summary="예약 작업과 실행 기록",
        example="/jobs recent 20",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="run",
        handler=jobs.run,
        summary="작업 지금 실행",
        example="/run housekeeping",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="pause",
        handler=jobs.pause,
        summary="작업 일시정지",
        example="/pause housekeeping",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="resume",
        handler=jobs.resume,
        summary="멈춘 작업 다시 시작",
        example="/resume housekeeping",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="locks",
        handler=locks.locks,
        summary="작업 잠금 보기와 정리",
        example="/locks expired",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="unlock",
        handler=locks.unlock,
        summary="작업 잠금 강제 해제",
        example="/unlock generate_reports",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="sources",
        handler=sources.sources,
        summary="수집원 상태와 격리",
        example="/sources hankyung",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="strategies",
        handler=strategies.strategies,
        summary="전략(상시 작업) 상태",
        example="/strategies price_feed",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="strategy",
        handler=strategies.strategy,
        summary="전략 시작과 중지",
        example="/strategy start rsi",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="audit",
        handler=audit.audit,
        summary="관리자가 한 일",
        example="/audit 20",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="logs",
        handler=logs.logs,
        summary="경고와 오류 기록",
        example="/logs error 5",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="users",
        handler=users.users,
        summary="사용자 목록과 검색",
        example="/users waiting",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
    Command(
        name="user",
        handler=users.user,
        summary="사용자 권한, 차단, 초대",
        example="/user invite 5 7",
        group=Group.OPERATION,
        access=Role.ADMIN,
    ),
)

_CODE = f"({CODE.pattern})"
_STRATEGY = "([a-z_]{1,32})"
_SOURCE = "([a-z_]{1,24})"

ACTIONS: Mapping[str, Action] = {
    "r": Action(call=reports.report_pressed, arguments=_CODE),
    "rr": Action(call=reports.refresh_pressed, arguments=_CODE),
    "re": Action(call=reports.evidence_pressed, arguments=_CODE),
    "ro": Action(call=reports.opinions_pressed, arguments=_CODE),
    "rc": Action(call=reports.chart_pressed, arguments=f"{_CODE}:({'|'.join(SPANS)})"),
    "rd": Action(call=reports.document_pressed, arguments=_CODE),
    "p": Action(call=stocks.price_pressed, arguments=_CODE),
    "n": Action(call=news.page_pressed, arguments=f"(-|{CODE.pattern})(?::([0-9]{{1,3}}))?"),
    "a": Action(call=news.article_pressed, arguments="([0-9]{1,12})"),
    "d": Action(call=disclosures.filing_pressed, arguments="([0-9]{1,12})"),
    "dn": Action(call=disclosures.stock_pressed, arguments=_CODE),
    "ds": Action(call=disclosures.page_pressed, arguments=f"(w|m|{CODE.pattern}):([0-9]{{1,3}})"),
    "w": Action(call=watchlist.watch_pressed, arguments=_CODE),
    "u": Action(call=watchlist.unwatch_pressed, arguments=_CODE),
    "aa": Action(call=alerts.condition_pressed, arguments=f"{alerts.CONDITION}:{_CODE}"),
    "ad": Action(call=alerts.delete_pressed, arguments="([0-9]{1,12})"),
    "al": Action(call=alerts.mode_pressed, arguments=f"({'|'.join(PersonalKind)}):({'|'.join(Mode)})"),
    "ao": Action(call=alerts.off_pressed, arguments=f"({'|'.join(PersonalKind)})"),
    "ap": Action(call=alerts.panel_pressed, arguments=""),
    "aq": Action(call=alerts.quiet_pressed, arguments="(off|[0-9]{4}-[0-9]{4})"),
    "ax": Action(call=alerts.enough_pressed, arguments="([0-9]{1,12})"),
    "l": Action(call=basics.language_pressed, arguments=f"({'|'.join(Language)})"),
    "g": Action(call=settings.settings_pressed, arguments=""),
    "gl": Action(call=settings.language_pressed, arguments=f"({'|'.join(Language)})"),
    "gs": Action(call=settings.brief_pressed, arguments=f"({'|'.join(Slot)}):(on|off)"),
    "gz": Action(call=settings.zone_pressed, arguments="([0-9A-Za-z_+/-]{1,40})"),
    "co": Action(call=usage.usage_pressed, arguments="(today|7d|30d|costs|alerts)", access=Role.ADMIN),
    "cr": Action(call=usage.reset_confirmed, arguments=SIGNED, access=Role.ADMIN),
    "jo": Action(call=jobs.overview_pressed, arguments="", access=Role.ADMIN),
    "jb": Action(call=jobs.job_pressed, arguments=JOB, access=Role.ADMIN),
    "jn": Action(call=jobs.recent_pressed, arguments="", access=Role.ADMIN),
    "js": Action(call=jobs.statistics_pressed, arguments="", access=Role.ADMIN),
    "jr": Action(call=jobs.run_pressed, arguments=JOB, access=Role.ADMIN),
    "jp": Action(call=jobs.pause_pressed, arguments=JOB, access=Role.ADMIN),
    "je": Action(call=jobs.resume_pressed, arguments=JOB, access=Role.ADMIN),
    "la": Action(call=locks.locks_pressed, arguments="", access=Role.ADMIN),
    "lk": Action(call=locks.lock_pressed, arguments=JOB, access=Role.ADMIN),
    "lc": Action(call=locks.cleanup_pressed, arguments="", access=Role.ADMIN),
    "un": Action(call=locks.unlock_pressed, arguments=JOB, access=Role.ADMIN),
    "so": Action(call=sources.sources_pressed, arguments="", access=Role.ADMIN),
    "sd": Action(call=sources.source_pressed, arguments=_SOURCE, access=Role.ADMIN),
    "sq": Action(call=sources.rerun_pressed, arguments=_SOURCE, access=Role.ADMIN),
    "sp": Action(call=sources.ask_pressed, arguments=f"(close|probe):{_SOURCE}", access=Role.ADMIN),
    "sc": Action(call=sources.close_confirmed, arguments=SIGNED, access=Role.ADMIN),
    "sr": Action(call=sources.probe_confirmed, arguments=SIGNED, access=Role.ADMIN),
    "sl": Action(call=strategies.strategies_pressed, arguments="", access=Role.ADMIN),
    "sv": Action(call=strategies.strategy_pressed, arguments=_STRATEGY, access=Role.ADMIN),
    "ss": Action(call=strategies.switch_pressed, arguments=f"(start|stop):{_STRATEGY}", access=Role.ADMIN),
    "uk": Action(call=locks.unlock_confirmed, arguments=SIGNED, access=Role.ADMIN),
    "us": Action(call=users.page_pressed, arguments="([1-9][0-9]{0,2}):([0-9A-Za-z_-]{0,48})", access=Role.ADMIN),
    "uc": Action(call=users.card_pressed, arguments="([1-9][0-9]{0,15})", access=Role.ADMIN),
    "uq": Action(call=users.ask_pressed, arguments="(u[ab]):([1-9][0-9]{0,15})", access=Role.ADMIN),
    "ui": Action(call=users.let_in_pressed, arguments="([1-9][0-9]{0,15})", access=Role.ADMIN),
    "ua": Action(call=users.admin_confirmed, arguments=SIGNED, access=Role.ADMIN),
    "ub": Action(call=users.block_confirmed, arguments=SIGNED, access=Role.ADMIN),
}
"""Button actions by the name a button carries."""


def allowed(context: BotContext) -> list[Command]:
    """The commands the asker may use, in the order of the table."""
    return [command for command in COMMANDS if context.asker.role.reaches(command.access)]
