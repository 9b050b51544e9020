"""What a handler is given: the services, the member who asks, their texts, and how to answer."""

from __future__ import annotations

import re
from typing import Any

from telegram import Bot, Chat, Update
from telegram.ext import Application, CallbackContext, ExtBot

from bot import reply
from bot.texts import Texts, texts
from bot.views.message import Message
from core.chats.member import Language, Member
from core.services import Services

_Base = CallbackContext[ExtBot[Any], dict[Any, Any], dict[Any, Any], dict[str, Any]]


class BotContext(_Base):
    """The context of one update."""

    update: Update
    member: Member | None = None

    @classmethod
    def from_update(cls, update: object, application: Application[Any, Any, Any, Any, Any, Any]) -> BotContext:
        """The context of `update`."""
        context = super().from_update(update, application)
        assert isinstance(update, Update)
        context.update = update
        return context

    @property
    def services(self) -> Services:
        """The domain's services."""
        services: Services = self.bot_data["services"]
        return services

    @property
    def asker(self) -> Member:
        """The member who asks; set by the gate before any handler runs."""
        assert self.member is not None
        return self.member

    @property
    def texts(self) -> Texts:
        """The asker's language."""
        return texts(self.member.language if self.member else Language(self.services.settings.app.language))

    @property
    def chat(self) -> Chat:
        """Where the update came from."""
        assert self.update.effective_chat is not None
        return self.update.effective_chat

    @property
    def argument(self) -> str:
        """What was written after the command, or the whole of a plain text."""
        if self.args is not None:
            return " ".join(self.args).strip()
        message = self.update.effective_message
        text = (message.text if message else None) or ""
        return re.sub(rf"@{re.escape(self.telegram.username)}\b", "", text, flags=re.IGNORECASE).strip()

    @property
    def telegram(self) -> Bot:
        """The bot to write with."""
        return self.bot

    async def say(self, message: Message) -> None:
        """Answer in the chat the update came from, in its topic."""
        origin = self.update.effective_message
        thread = origin.message_thread_id if origin and origin.is_topic_message else None
        await reply.send(self.telegram, self.chat.id, message, thread_id=thread)

    async def say_privately(self, message: Message) -> None:
        """Answer the asker alone, wherever they asked."""
        await reply.send(self.telegram, self.asker.id, message)

    async def change(self, message: Message) -> None:
        """Change the message whose button was pressed."""
        query = self.update.callback_query
        assert query is not None
        await reply.edit(query, message)
