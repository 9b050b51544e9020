"""The Telegram application made from the tables of commands and actions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from typing import Any

from telegram import ChatMember, LinkPreviewOptions, Update
from telegram.constants import ParseMode
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationBuilder,
    BaseUpdateProcessor,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    Defaults,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.access import guarded, meet
from bot.callbacks import unpack
from bot.commands import ACTIONS, COMMANDS
from bot.context import BotContext
from bot.errors import on_error
from bot.handlers.stocks import price
from core.chats import service as chats
from core.chats.member import Role
from core.clock import KST
from core.errors import UserError
from core.services import Services

App = Application[Any, BotContext, Any, Any, Any, Any]
CONCURRENT_UPDATES = 64


class PerChat(BaseUpdateProcessor):
    """Updates of different chats side by side, updates of one chat in order."""

    def __init__(self) -> None:
        super().__init__(CONCURRENT_UPDATES)
        self._chats: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Run the update's handlers after the earlier updates of its chat."""
        chat = update.effective_chat if isinstance(update, Update) else None
        if chat is None:
            await coroutine
            return
        lock = self._chats[chat.id]
        async with lock:
            await coroutine
        if not lock.locked():
            self._chats.pop(chat.id, None)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


def build_application(services: Services, *, token: str) -> App:
    """The application with every handler; nothing is sent or asked yet."""
    address = services.settings.telegram.base_url.rstrip("/")
    application: App = (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{address}/bot")
        .base_file_url(f"{address}/file/bot")
        .context_types(ContextTypes(context=BotContext))
        .concurrent_updates(PerChat())
        .rate_limiter(AIORateLimiter(max_retries=1))
        .defaults(
            Defaults(parse_mode=ParseMode.HTML, tzinfo=KST, link_preview_options=LinkPreviewOptions(is_disabled=True))
        )
        .build()
    )
    application.bot_data["services"] = services
    application.add_handler(ChatMemberHandler(_membership, ChatMemberHandler.MY_CHAT_MEMBER), group=-2)
    application.add_handler(TypeHandler(Update, meet), group=-1)
    for command in COMMANDS:
        call = guarded(command.access, command.handler)
        application.add_handler(CommandHandler(command.name, call, filters=filters.UpdateType.MESSAGE))
    application.add_handler(CallbackQueryHandler(guarded(Role.MEMBER, _pressed)))
    text = filters.TEXT & ~filters.COMMAND & filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(text & (filters.ChatType.PRIVATE | _mentioned), guarded(Role.MEMBER, price)))
    unknown = filters.COMMAND & filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(unknown, guarded(Role.MEMBER, _unknown_command)))
    application.add_error_handler(on_error)  # type: ignore[arg-type]
    return application


class _Mentioned(filters.MessageFilter):
    """The bot is mentioned by name."""

    def filter(self, message: Any) -> bool:
        return f"@{message.get_bot().username}".lower() in (message.text or "").lower()


_mentioned = _Mentioned()


async def _pressed(context: BotContext) -> None:
    query = context.update.callback_query
    assert query is not None
    await query.answer()
    action, args = unpack(query.data or "")
    handler = ACTIONS.get(action)
    if handler is None:
        raise UserError("오래된 버튼입니다. 명령을 다시 보내 주세요.")
    await handler(context, *args)


async def _unknown_command(_context: BotContext) -> None:
    raise UserError("모르는 명령입니다. 쓸 수 있는 명령은 /help 에 있습니다.")


async def _membership(update: Update, context: BotContext) -> None:
    change = update.my_chat_member
    assert change is not None
    gone = change.new_chat_member.status in {ChatMember.BANNED, ChatMember.LEFT}
    await chats.seen_chat(context.services, chat_id=change.chat.id, kind=change.chat.type, reachable=not gone)
