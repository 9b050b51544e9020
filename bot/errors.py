"""What a failure says to the asker, and how loud it is in the log."""

from __future__ import annotations

import logging
import re
import secrets

import structlog
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError
from telegram.error import Forbidden as CannotWrite

from bot.context import BotContext
from bot.texts import Texts
from bot.views.message import Message
from core import errors

log = structlog.get_logger(__name__)

SENTENCES: tuple[tuple[type[errors.StockPilotError], str], ...] = (
    (errors.NotConfigured, "{what}: 아직 설정되지 않아 쓸 수 없습니다."),
    (errors.QuotaExceeded, "{what}: 호출 한도를 다 썼습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Blocked, "{what}: 요청이 거부되었습니다."),
    (errors.Unavailable, "{what}: 지금 응답이 없습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Malformed, "{what}: 알 수 없는 응답이 왔습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Unsupported, "이 종목은 데이터를 제공하는 곳이 없습니다."),
    (errors.BudgetExceeded, "오늘의 AI 예산을 다 썼습니다. 내일 다시 시도해 주세요."),
    (errors.Conflict, "같은 작업이 이미 진행 중입니다."),
)
"""What each class says, the most special first."""

SERVICES: tuple[tuple[str, str], ...] = (
    (r"KIS\b|kis_(quote|daily)\b|.*: no price is known", "주가 시세(한국투자증권)"),
    (r"database\b", "데이터베이스"),
    (r"milvus\b", "기사 검색"),
    (r"openai\b|openrouter\b|no model\b|no forecaster\b", "AI 모델"),
)
"""Which service a failure is about, by how its message begins."""

OUTSIDE = "외부 서비스"
UNKNOWN = "예상하지 못한 문제가 생겼습니다. 관리자에게 참조 번호를 알려 주세요."
_HARMLESS = ("not modified", "query is too old")


def sentence(error: BaseException, texts: Texts) -> str:
    """What went wrong in plain words, without anything from inside."""
    if isinstance(error, errors.UserError):
        return texts(error.template, **error.values)
    words = next((words for kind, words in SENTENCES if isinstance(error, kind)), UNKNOWN)
    service = next((name for pattern, name in SERVICES if re.match(pattern, str(error))), OUTSIDE)
    return texts(words, what=texts(service))


async def on_error(update: object, context: BotContext) -> None:
    """Log by class and answer with the sentence and a reference that finds the log line."""
    error = context.error
    if error is None or (isinstance(error, BadRequest) and any(known in str(error) for known in _HARMLESS)):
        return
    if isinstance(error, CannotWrite):
        log.info("chat_unreachable", error=str(error))
    elif isinstance(error, errors.UserError | errors.Conflict):
        await _answer(context, sentence(error, context.texts), reference=None)
    else:
        reference = secrets.token_hex(3)
        _log(error, reference, context)
        if isinstance(error, BadRequest) or not isinstance(error, TelegramError):
            await _answer(context, sentence(error, context.texts), reference=reference)


def _log(error: Exception, reference: str, context: BotContext) -> None:
    """A warning for what this product knows to happen, an error with its traceback for the rest."""
    known = isinstance(error, errors.StockPilotError | NetworkError | RetryAfter) and not isinstance(error, BadRequest)
    incoming = context.incoming if hasattr(context, "incoming") else None
    log.log(
        logging.WARNING if known else logging.ERROR,
        "update_failed",
        reference=reference,
        kind=type(error).__name__,
        error=str(error),
        update=incoming.update_id if incoming else None,
        exc_info=None if known else error,
    )


async def _answer(context: BotContext, words: str, *, reference: str | None) -> None:
    if not hasattr(context, "incoming") or context.incoming.effective_chat is None:
        return
    try:
        await context.say(Message(text=context.texts.render("error", words=words, reference=reference)))
    except TelegramError as error:
        log.warning("answer_failed", reference=reference, error=str(error))
