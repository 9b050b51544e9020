"""The Telegram application made from the tables of commands and actions."""

from __future__ import annotations

import re
from typing import Any

from telegram import ChatMember, LinkPreviewOptions, Message, MessageEntity, Update
from telegram.constants import ParseMode
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    Defaults,
    MessageHandler,
    filters,
)

from bot.access import guarded, require
from bot.callbacks import OLD, unpack
from bot.commands import ACTIONS, COMMANDS
from bot.context import BotContext
from bot.errors import on_error
from bot.handlers.stocks import price
from bot.turns import PerChat
from core.chats import service as chats
from core.chats.member import Role
from core.clock import KST
from core.errors import UserError
from core.services import Services

App = Application[Any, BotContext, Any, Any, Any, Any]


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
        .rate_limiter(AIORateLimiter())
        .defaults(
            Defaults(parse_mode=ParseMode.HTML, tzinfo=KST, link_preview_options=LinkPreviewOptions(is_disabled=True))
        )
        .build()
    )
    application.bot_data["services"] = services
    application.add_handler(ChatMemberHandler(_membership, ChatMemberHandler.MY_CHAT_MEMBER))
    for command in COMMANDS:
        call = guarded(command.access, command.handler)
        application.add_handler(CommandHandler(command.name, call, filters=filters.UpdateType.MESSAGE))
    application.add_handler(CallbackQueryHandler(guarded(Role.MEMBER, _pressed)))
    text = filters.TEXT & ~filters.COMMAND & filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(text & (filters.ChatType.PRIVATE | _mentioned), guarded(Role.MEMBER, price)))
    unknown = filters.COMMAND & filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(unknown, guarded(Role.MEMBER, _unknown_command)))
    application.add_error_handler(on_error)
    return application


class _Mentioned(filters.MessageFilter):
    """The bot is mentioned by name."""

    def filter(self, message: Message) -> bool:
        name = f"@{message.get_bot().username}".lower()
        return name in map(str.lower, message.parse_entities([MessageEntity.MENTION]).values())


_mentioned = _Mentioned()


async def _pressed(context: BotContext) -> None:
    query = context.incoming.callback_query
    assert query is not None
    name, arguments = unpack(query.data or "")
    action = ACTIONS.get(name)
    found = re.fullmatch(action.arguments, arguments) if action else None
    if action is None or found is None:
        raise UserError(OLD)
    require(context, action.access)
    await action.call(context, *(each for each in found.groups() if each is not None))


async def _unknown_command(_context: BotContext) -> None:
    raise UserError("모르는 명령입니다. 쓸 수 있는 명령은 /help 에 있습니다.")


async def _membership(update: Update, context: BotContext) -> None:
    change = update.my_chat_member
    assert change is not None
    gone = change.new_chat_member.status in {ChatMember.BANNED, ChatMember.LEFT}
    await chats.seen_chat(context.services, chat_id=change.chat.id, kind=change.chat.type, reachable=not gone)
