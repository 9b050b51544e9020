"""The state of the simulated Telegram: people, chats, messages. Plain values that know their wire form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.telegram.files import Media
from sim.telegram.html import Entity

Json = dict[str, Any]
"""An object of the Bot API as it travels."""


@dataclass(slots=True, kw_only=True)
class Person:
    """A Telegram account, the bot's own included."""

    id: int
    first_name: str
    username: str = ""
    language_code: str = ""
    is_bot: bool = False

    def wire(self) -> Json:
        """User object."""
        user: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            user["username"] = self.username
        if self.language_code:
            user["language_code"] = self.language_code
        return user


@dataclass(slots=True, kw_only=True)
class Chat:
    """A private chat (its id is the person's) or a group (negative id), as the bot can know it."""

    id: int
    kind: str
    title: str
    members: dict[int, str] = field(default_factory=dict)
    """Person id → status (creator, administrator, member, left, kicked)."""
    messages: dict[int, Message] = field(default_factory=dict)
    known: bool = False
    """The bot has heard from this chat; before that it does not exist for the bot."""
    moved_to: int | None = None
    """Id of the supergroup this group became."""
    answered: int = 0
    """Sequence number of the bot's last visible act here."""
    active_at: float = 0.0
    """Event-loop seconds of the bot's last call about this chat."""

    def wire(self) -> Json:
        """Chat object."""
        name = "first_name" if self.kind == "private" else "title"
        return {"id": self.id, "type": self.kind, name: self.title}


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A message as it now stands; edits change it in place. `text` holds the caption when there is `media`."""

    id: int
    chat: Chat
    sender: Person
    date: int
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    media: Media | None = None
    buttons: list[list[Json]] = field(default_factory=list)
    """Rows of inline buttons."""
    keyboard: Json | None = None
    """Reply keyboard, its removal, or a forced reply, as the bot sent it."""
    reply_to: Message | None = None
    via_bot: Person | None = None
    edited: int | None = None
    album: str = ""
    thread_id: int | None = None
    reactions: list[Json] = field(default_factory=list)
    service: Json = field(default_factory=dict)
    """Fields of a service message, such as new_chat_members."""
    mark: int = 0
    """Sequence number of the last change; grows with every act anywhere."""

    def wire(self) -> Json:
        """Message object."""
        message: Json = {"message_id": self.id, "from": self.sender.wire(), "chat": self.chat.wire(), "date": self.date}
        message |= self.service
        if self.media:
            message |= self.media.wire()
        if self.text:
            message["caption" if self.media else "text"] = self.text
        if self.entities:
            message["caption_entities" if self.media else "entities"] = self.entities
        if self.buttons:
            message["reply_markup"] = {"inline_keyboard": self.buttons}
        if self.reply_to:
            message["reply_to_message"] = self.reply_to.wire_alone()
        if self.via_bot:
            message["via_bot"] = self.via_bot.wire()
        if self.album:
            message["media_group_id"] = self.album
        if self.thread_id:
            message["message_thread_id"] = self.thread_id
        if self.edited:
            message["edit_date"] = self.edited
        return message

    def wire_alone(self) -> Json:
        """Message object without the one it replies to, as replies are nested one deep."""
        message = self.wire()
        message.pop("reply_to_message", None)
        return message


@dataclass(slots=True, kw_only=True, eq=False)
class Click:
    """A pressed inline button and, once the bot answered it, the answer."""

    id: str
    chat: Chat
    message: Message
    data: str
    asked: int
    mark: int
    answered: bool = False
    text: str = ""
    alert: bool = False
    url: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class InlineQuestion:
    """Text typed after the bot's name in any chat and, once the bot answered, the offered results."""

    id: str
    sender: Person
    query: str
    asked: int
    mark: int
    answered: bool = False
    results: list[Json] = field(default_factory=list)
    options: Json = field(default_factory=dict)
    """cache_time, next_offset and the like, as the bot sent them."""
