"""Who may call what, decided by user id and by nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from telegram import Update
from telegram.ext import ApplicationHandlerStop

from bot.context import BotContext
from core.chats import service as chats
from core.chats.member import Role
from core.errors import Forbidden

Handler = Callable[[BotContext], Awaitable[None]]


async def meet(update: Update, context: BotContext) -> None:
    """Know who asks before any handler runs.

    Channels and anonymous group admins have no user of their own, and blocked members get no answer.
    """
    user, chat = update.effective_user, update.effective_chat
    message = update.effective_message
    if user is None or chat is None or user.is_bot or (message is not None and message.sender_chat is not None):
        raise ApplicationHandlerStop
    context.member = await chats.meet(
        context.services, user_id=user.id, name=user.full_name, client_language=user.language_code
    )
    if context.member.new:
        await chats.seen_chat(context.services, chat_id=chat.id, kind=chat.type)
    if context.member.role is Role.BLOCKED:
        raise ApplicationHandlerStop


def guarded(access: Role, handler: Handler) -> Callable[[Update, BotContext], Awaitable[None]]:
    """The handler as the framework calls it, refusing those who may not."""

    async def call(_update: Update, context: BotContext) -> None:
        if access is Role.ADMIN and not context.asker.admin:
            raise Forbidden("관리자만 쓸 수 있는 명령입니다.")
        await handler(context)

    return call
