"""Who may call what, decided by user id and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Update

from bot.context import BotContext
from core.chats import service as chats
from core.chats.member import Member, Role
from core.errors import Forbidden

Handler = Callable[[BotContext], Coroutine[Any, Any, None]]


def guarded(access: Role, handler: Handler) -> Callable[[Update, BotContext], Coroutine[Any, Any, None]]:
    """The handler as the framework calls it, refusing those who may not and silent to those who get no answer."""

    async def call(_update: Update, context: BotContext) -> None:
        context.member = await _asker(context)
        if context.member is None:
            return
        require(context, access)
        await handler(context)

    return call


def require(context: BotContext, access: Role) -> None:
    """Let the asker pass, or raise `Forbidden`."""
    if access is Role.ADMIN and not context.asker.admin:
        raise Forbidden("관리자만 쓸 수 있는 명령입니다.")


async def _asker(context: BotContext) -> Member | None:
    """The member who asks; None for channels and anonymous group admins, who have no user of their own, for other
    bots and for blocked members."""
    update = context.incoming
    user, chat, message = update.effective_user, update.effective_chat, update.effective_message
    if user is None or chat is None or user.is_bot or (message is not None and message.sender_chat is not None):
        return None
    member = await chats.meet(
        context.services, user_id=user.id, name=user.full_name, client_language=user.language_code
    )
    if member.new:
        await chats.seen_chat(context.services, chat_id=chat.id, kind=chat.type)
    return None if member.role is Role.BLOCKED else member
