"""What a failure says to the asker, and how loud it is in the log."""

from __future__ import annotations

import secrets

import structlog
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.error import Forbidden as CannotWrite

from bot import reply
from bot.context import BotContext
from bot.texts import Texts
from bot.views.message import Message
from core import errors

log = structlog.get_logger(__name__)

SENTENCES: tuple[tuple[type[errors.StockPilotError], str], ...] = (
    (errors.NotConfigured, "이 기능에 필요한 외부 서비스가 설정되지 않았습니다."),
    (errors.QuotaExceeded, "외부 서비스의 호출 한도를 다 썼습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Blocked, "외부 서비스가 요청을 거부하고 있습니다."),
    (errors.Unavailable, "외부 서비스가 응답하지 않습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Malformed, "외부 서비스의 응답을 이해할 수 없습니다. 잠시 뒤에 다시 시도해 주세요."),
    (errors.Unsupported, "이 종목은 데이터를 제공하는 곳이 없습니다."),
    (errors.BudgetExceeded, "오늘의 AI 예산을 다 썼습니다. 내일 다시 시도해 주세요."),
    (errors.Conflict, "같은 작업이 이미 진행 중입니다."),
)
"""What each class says, the most special first."""

UNKNOWN = "예상하지 못한 문제가 생겼습니다. 관리자에게 참조 번호를 알려 주세요."


def sentence(error: BaseException, texts: Texts) -> str:
    """What went wrong in plain words, without anything from inside."""
    if isinstance(error, errors.UserError):
        return texts(error.template, **error.values)
    return texts(next((words for kind, words in SENTENCES if isinstance(error, kind)), UNKNOWN))


async def on_error(update: object, context: BotContext) -> None:
    """Log by class and answer with the sentence and a reference that finds the log line."""
    error = context.error
    if error is None or isinstance(error, CannotWrite):
        log.info("chat_unreachable", error=str(error))
        return
    if isinstance(error, BadRequest) and any(known in str(error) for known in ("not modified", "query is too old")):
        return
    if isinstance(error, errors.UserError):
        await _answer(context, sentence(error, context.texts), reference=None)
        return
    reference = secrets.token_hex(3)
    known = isinstance(error, errors.StockPilotError | NetworkError)
    log.log(
        30 if known else 40,
        "update_failed",
        reference=reference,
        kind=type(error).__name__,
        error=str(error),
        exc_info=None if known else error,
    )
    if not isinstance(error, TelegramError) or isinstance(error, BadRequest):
        await _answer(context, sentence(error, context.texts), reference=reference)


async def _answer(context: BotContext, words: str, *, reference: str | None) -> None:
    if not hasattr(context, "update") or context.update.effective_chat is None:
        return
    text = context.texts.render("error", words=words, reference=reference)
    try:
        await reply.send(context.telegram, context.chat.id, Message(text=text))
    except TelegramError as error:
        log.warning("answer_failed", reference=reference, error=str(error))
