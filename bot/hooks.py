"""Telegram as a hook: alerts in the reader's language, and what Telegram's errors say of a letter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import structlog
from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.reply import markup, plain
from bot.texts import Texts, texts
from bot.views.alerts import alert
from bot.views.briefs import brief
from bot.views.message import Message
from bot.views.personal import personal
from core.chats.service import spoken_at
from core.delivery.alert import PERSONAL, AlertKind
from core.delivery.hook import AlertHook
from core.delivery.letter import (
    Delivered,
    HookName,
    Letter,
    Moved,
    NotSent,
    Outcome,
    Refused,
    TooFast,
    Unknown,
    Unreachable,
)
from core.delivery.sender import IN_FLIGHT
from core.delivery.webhook import WebhookHook
from core.services import Services

_NO_CHAT: Final = ("chat not found", "user not found", "peer_id_invalid", "group chat was deactivated")
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TIMEOUT: Final = 10.0

log = structlog.get_logger(__name__)


class TelegramHook:
    """Writes alerts into chats, without the waiting room of replies: the sender keeps the pace."""

    def __init__(self, services: Services, bot: Bot) -> None:
        self._services = services
        self._bot = bot

    async def deliver(self, letter: Letter) -> Outcome:
        """Write it once; raises `Unavailable` before anything is sent when the reader's language cannot be had."""
        assert letter.to.chat_id is not None
        language = await spoken_at(self._services, letter.to.chat_id)
        message = _view_of(letter.alert.kind)(letter, self._services.clock.now(), texts(language))
        try:
            await self._write(letter.to.chat_id, message, silent=letter.silent)
        except TelegramError as error:
            return outcome_of(error)
        return Delivered()

    async def _write(self, chat_id: int, message: Message, *, silent: bool) -> None:
        below: dict[str, Any] = {"reply_markup": markup(message.keyboard), "link_preview_options": _NO_PREVIEW}
        if silent:
            below["disable_notification"] = True
        try:
            await self._bot.send_message(chat_id, message.text, parse_mode=ParseMode.HTML, **below)
        except BadRequest as error:
            if "parse entities" not in str(error):
                raise
            log.error("markup_refused", error=str(error))
            await self._bot.send_message(chat_id, plain(message.text), **below)


def _view_of(kind: AlertKind) -> Callable[[Letter, datetime, Texts], Message]:
    if kind is AlertKind.BRIEF:
        return brief
    return personal if kind in PERSONAL else alert


@asynccontextmanager
async def open_hooks(services: Services, *, token: str) -> AsyncIterator[dict[HookName, AlertHook]]:
    """Every hook that is configured, open until the block ends."""
    request = HTTPXRequest(
        connection_pool_size=2 * IN_FLIGHT,
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        write_timeout=_TIMEOUT,
        pool_timeout=_TIMEOUT,
    )
    address = services.settings.telegram.base_url.rstrip("/")
    hooks: dict[HookName, AlertHook] = {
        HookName.TELEGRAM: TelegramHook(services, Bot(token, base_url=f"{address}/bot", request=request))
    }
    url = services.settings.alert.webhook_url
    webhook = WebhookHook(url.get_secret_value()) if url else None
    if webhook is not None:
        hooks[HookName.WEBHOOK] = webhook
    try:
        yield hooks
    finally:
        await request.shutdown()
        if webhook is not None:
            await webhook.close()


def outcome_of(error: TelegramError) -> Outcome:
    """What an error of Telegram's says of the letter that met it."""
    reason = f"{type(error).__name__}: {error}"
    match error:
        case RetryAfter():
            wait = error.retry_after
            return TooFast(wait if isinstance(wait, timedelta) else timedelta(seconds=wait))
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case Forbidden():
            return Unreachable(reason)
        case BadRequest() if any(known in str(error).lower() for known in _NO_CHAT):
            return Unreachable(reason)
        case BadRequest():
            return Refused(reason)
        case InvalidToken():
            return NotSent(reason)
        case TimedOut() | NetworkError():
            return NotSent(reason) if isinstance(error.__cause__, _NEVER_LEFT) else Unknown(reason)
    return Refused(reason)
