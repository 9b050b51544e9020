"""Who may call what, decided by user id and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Update

from bot.context import BotContext
from core.chats import service as chats
from core.chats.member import Member, Role
from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.errors import Forbidden
from core.services import Services

Handler = Callable[[BotContext], Coroutine[Any, Any, None]]


def guarded(access: Role, handler: Handler) -> Callable[[Update, BotContext], Coroutine[Any, Any, None]]:
    """The handler as the framework calls it, refusing those who may not and silent to those who get no answer."""

    async def call(_update: Update, context: BotContext) -> None:
        context.member = await _asker(context)
        if context.member is None:
            return
        if context.member.role is Role.WAITING:
            await _tell_admins(context.services, context.member)
        require(context, access)
        await handler(context)

    return call


def require(context: BotContext, access: Role) -> None:
    """Let the asker pass, or raise `Forbidden` with the reason."""
    if context.asker.role.reaches(access):
        return
    if context.asker.role is not Role.WAITING:
        raise Forbidden("관리자만 쓸 수 있는 명령입니다.")
    if context.services.settings.telegram.sign_up == "invite":
        raise Forbidden("초대받은 분만 쓸 수 있습니다. 받으신 초대 링크를 눌러 주세요.")
    raise Forbidden("가입 신청을 받았습니다. 관리자가 승인하면 알려 드립니다.")


async def _tell_admins(services: Services, member: Member) -> None:
    """Where newcomers wait for an admin, tell of this one: once, however often they write."""
    if services.settings.telegram.sign_up != "list":
        return
    facts: dict[str, str | int | float | None] = {"user_id": member.id, "name": member.name}
    async with services.db.begin() as conn:
        await tell_admins(
            services, conn, Alert(kind=AlertKind.MEMBER_WAITS, key=f"member_waits:{member.id}", facts=facts)
        )


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
