"""Who talks to the bot, and what they watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.chats import queries
from core.chats.member import Language, Member, Role, role_in_force
from core.chats.queries import StoredUser
from core.errors import Unavailable, UserError
from core.services import Services

MAX_WATCHED, MAX_NAME, MAX_LANGUAGE = 100, 100, 35

SEEN_NOTED = timedelta(hours=1)
"""How exactly it is known when somebody was last seen: a question costs no write."""


async def meet(services: Services, *, user_id: int, name: str, client_language: str | None = None) -> Member:
    """The member behind a Telegram user, registered at the first meeting.

    `client_language` is Telegram's language of the app; it decides until the member chooses one. While the database is
    dead an owner is known by the settings alone, so that they can ask what is wrong; others meet `Unavailable`.
    """
    now, name = services.clock.now(), name.replace("\x00", "")[:MAX_NAME]
    client_language = client_language and client_language.replace("\x00", "")[:MAX_LANGUAGE]
    try:
        stored = await _stored(services, user_id, name, client_language, now)
    except Unavailable:
        if user_id not in services.settings.telegram.admin_ids:
            raise
        stored = StoredUser(role=Role.ADMIN, language=None, joined_at=now, watched=(), new=False)
    return Member(
        id=user_id,
        name=name,
        role=role_of(services, user_id, stored.role),
        language=language_of(services, stored.language, client_language),
        joined_at=stored.joined_at,
        watched=stored.watched,
        new=stored.new,
    )


async def _stored(services: Services, user_id: int, name: str, app_language: str | None, now: datetime) -> StoredUser:
    who: dict[str, Any] = {"user_id": user_id, "name": name, "app_language": app_language}
    async with services.db.read() as conn:
        seen = await queries.seen_user(conn, **who, since=now - SEEN_NOTED)
        if seen is not None:
            return seen
        let_in = role_of(services, user_id, Role.WAITING).reaches(Role.MEMBER)
        role = Role.MEMBER if let_in else Role.WAITING
        return await queries.upsert_user(conn, **who, role=role, at=now)


async def choose_language(services: Services, member: Member, language: Language) -> Member:
    """Remember the language a member chose; returns the member as they are now."""
    async with services.db.begin() as conn:
        await queries.set_language(conn, user_id=member.id, language=language)
    return replace(member, language=language)


async def spoken_at(services: Services, chat_id: int) -> Language:
    """The language in which a chat is told: that of the person whose private chat it is, else that of the settings."""
    async with services.db.read() as conn:
        return language_of(services, *await queries.languages_of(conn, chat_id))


async def seen_chat(services: Services, *, chat_id: int, kind: str, reachable: bool = True) -> None:
    """Remember a chat, or that the bot was blocked or removed there."""
    async with services.db.begin() as conn:
        await queries.upsert_chat(conn, chat_id=chat_id, kind=kind, reachable=reachable, at=services.clock.now())


async def watch(services: Services, member: Member, code: str) -> bool:
    """Watch a stock; False when it was watched already. Raises `UserError` past `MAX_WATCHED` stocks."""
    async with services.db.begin() as conn:
        await queries.lock_user(conn, user_id=member.id)
        watched = await queries.watched_codes(conn, user_id=member.id)
        if code not in watched and len(watched) >= MAX_WATCHED:
            raise UserError("관심종목은 {most}개까지 담을 수 있습니다.", most=MAX_WATCHED)
        return await queries.add_watch(conn, user_id=member.id, code=code, at=services.clock.now())


async def unwatch(services: Services, member: Member, code: str) -> bool:
    """Stop watching a stock; False when it was not watched."""
    async with services.db.begin() as conn:
        return await queries.remove_watch(conn, user_id=member.id, code=code)


def role_of(services: Services, user_id: int, stored: str) -> Role:
    """The role in force of somebody of whom `stored` is kept, by the settings of this process."""
    telegram = services.settings.telegram
    return role_in_force(
        stored,
        owner=user_id in telegram.admin_ids,
        allowed=user_id in telegram.allowed_ids,
        everyone=telegram.sign_up == "open",
    )


def language_of(services: Services, stored: str | None, client: str | None = None) -> Language:
    """The language a person chose, else that of their app, else that of the settings."""
    if stored in set(Language):
        return Language(stored)
    if client:
        return Language.KO if client.lower().startswith("ko") else Language.EN
    return Language(services.settings.app.language)
