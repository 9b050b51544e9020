"""The simulated Telegram without HTTP: who exists, what was said, and telling everyone who watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sim.telegram.chats import Chat, Click, InlineQuestion, Json, Message, Person
from sim.telegram.errors import ApiError, bad_request, forbidden
from sim.telegram.files import FileStore
from sim.telegram.menus import Menus
from sim.telegram.updates import UpdateQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a watcher of a chat sees: message, edit, delete, action, callback, menu, inline."""

    kind: str
    chat: Chat | None
    """None where every chat is concerned."""
    subject: Any = None


class World:
    """State shared by the Bot API, the people and the chat page. Not thread-safe: one event loop owns it."""

    def __init__(self, *, now: Callable[[], datetime], bot: Person, media_dir: Path | None = None) -> None:
        self.now = now
        self.bot = bot
        self.people: dict[int, Person] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.files = FileStore(media_dir)
        self.menus = Menus()
        self.updates = UpdateQueue()
        self.clicks: dict[str, Click] = {}
        self.questions: dict[str, InlineQuestion] = {}
        self.watchers: set[Callable[[Event], None]] = set()
        self._sequence = 0
        self._message_id = 0
        self._changes: set[asyncio.Future[None]] = set()

    def seconds(self) -> int:
        """Unix time of the simulated clock."""
        return int(self.now().timestamp())

    def next_mark(self) -> int:
        """A new sequence number; every act takes one."""
        self._sequence += 1
        return self._sequence

    def chat_for_bot(self, chat_id: int | str) -> Chat:
        """The chat the bot means, if it may write there. Raises `ApiError` 400 or 403."""
        chat = self.readable_chat(chat_id)
        status = chat.members.get(self.bot.id, "left")
        if status in ("member", "administrator"):
            return chat
        if chat.kind == "private":
            raise forbidden()
        raise forbidden(f"bot {'was kicked from' if status == 'kicked' else 'is not a member of'} the {chat.kind} chat")

    def readable_chat(self, chat_id: int | str) -> Chat:
        """The chat the bot means, blocked or not. Raises `ApiError` 400."""
        try:
            chat = self.chats.get(int(chat_id))
        except ValueError:
            chat = None
        if chat is None or not chat.known:
            raise bad_request("chat not found")
        if chat.moved_to is not None:
            reason = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, reason, migrate_to_chat_id=chat.moved_to)
        chat.active_at = asyncio.get_running_loop().time()
        return chat

    def post(self, chat: Chat, sender: Person, **fields: Any) -> Message:
        """Put a new message into a chat and show it to who watches. No update is sent to the bot."""
        self._message_id += 1
        mark = self.next_mark()
        message = Message(id=self._message_id, chat=chat, sender=sender, date=self.seconds(), mark=mark, **fields)
        chat.messages[message.id] = message
        self.tell("message", chat, message, by_bot=sender is self.bot)
        return message

    def changed(self, message: Message, *, edited: bool = True) -> None:
        """The bot changed `message` in place."""
        message.mark = self.next_mark()
        if edited:
            message.edited = self.seconds()
        self.tell("edit", message.chat, message, by_bot=True)

    def tell(self, kind: str, chat: Chat | None, subject: Any = None, *, by_bot: bool = False) -> None:
        """Show an event to the watchers; `by_bot` marks it as an answer of the bot in that chat."""
        if by_bot and chat is not None:
            chat.answered = self._sequence
            chat.active_at = asyncio.get_running_loop().time()
        for future in self._changes:
            if not future.done():
                future.set_result(None)
        self._changes.clear()
        for watcher in tuple(self.watchers):
            watcher(Event(kind=kind, chat=chat, subject=subject))

    async def change(self, timeout: float | None) -> None:
        """Return when anything happened, or after `timeout` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changes.add(future)
        try:
            await asyncio.wait((future,), timeout=timeout)
        finally:
            self._changes.discard(future)

    def membership(self, chat: Chat, actor: Person, member: Person, status: str) -> None:
        """Change a member's status; the bot gets `my_chat_member` about itself and `chat_member` about others."""
        old = chat.members.get(member.id, "left")
        if old == status:
            return
        chat.members[member.id] = status
        kind = "my_chat_member" if member is self.bot else "chat_member"
        change = {
            "chat": chat.wire(),
            "from": actor.wire(),
            "date": self.seconds(),
            "old_chat_member": member_wire(member, old),
            "new_chat_member": member_wire(member, status),
        }
        self.updates.put(kind, change)


def member_wire(member: Person, status: str) -> Json:
    """ChatMember object."""
    body: Json = {"user": member.wire(), "status": status}
    if status == "kicked":
        body["until_date"] = 0
    elif status == "creator":
        body["is_anonymous"] = False
    elif status == "administrator":
        body |= dict.fromkeys(_RIGHTS, False) | {"can_be_edited": False, "can_manage_chat": True}
    return body


_RIGHTS = [
    "is_anonymous",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
]
