"""What a handler is given: the services, the member who asks, their texts, and how to answer."""

from __future__ import annotations

import re
from typing import Any

from telegram import Chat, Update
from telegram import Message as Sent
from telegram.error import BadRequest, Forbidden
from telegram.ext import Application, CallbackContext, ExtBot

from bot import reply
from bot.texts import Texts, texts
from bot.views.message import Button, Message
from core.chats.member import Language, Member
from core.log_records.rows import LogRows
from core.runs.control import JobControl
from core.services import Services

_Base = CallbackContext[ExtBot[Any], dict[Any, Any], dict[Any, Any], dict[str, Any]]


class BotContext(_Base):
    """The context of one update."""

    incoming: Update

    @classmethod
    def from_update(cls, update: object, application: Application[Any, Any, Any, Any, Any, Any]) -> BotContext:
        """The context of `update`."""
        context = super().from_update(update, application)
        assert isinstance(update, Update)
        context.incoming = update
        return context

    @property
    def services(self) -> Services:
        """The domain's services."""
        services: Services = self.bot_data["services"]
        return services

    @property
    def log_rows(self) -> LogRows:
        """The log lines on their way to the database."""
        rows: LogRows = self.bot_data["log_rows"]
        return rows

    @property
    def jobs(self) -> JobControl:
        """The scheduled work, as far as an admin may touch it."""
        control: JobControl = self.bot_data["jobs"]
        return control

    @property
    def member(self) -> Member | None:
        """The member who asks, None before the gate met them. A context made for an error knows them too."""
        return self.user_data.get("member") if self.user_data is not None else None

    @member.setter
    def member(self, member: Member | None) -> None:
        if self.user_data is not None:
            self.user_data["member"] = member

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
        assert self.incoming.effective_chat is not None
        return self.incoming.effective_chat

    @property
    def argument(self) -> str:
        """What was written after the command, or the whole of a plain text."""
        if self.args is not None:
            return " ".join(self.args).strip()
        message = self.incoming.effective_message
        text = (message.text if message else None) or ""
        return re.sub(rf"@{re.escape(self.telegram.username)}\b", "", text, flags=re.IGNORECASE).strip()

    @property
    def telegram(self) -> ExtBot[Any]:
        """The bot to write with."""
        return self.bot

    @property
    def place(self) -> dict[str, Any]:
        """The chat and topic the update came from, as the methods of the bot take them."""
        origin = self.incoming.effective_message
        return {
            "chat_id": self.chat.id,
            "message_thread_id": origin.message_thread_id if origin and origin.is_topic_message else None,
        }

    async def say(self, message: Message) -> Sent | None:
        """Answer in the chat the update came from, in its topic; returns what was sent last, if it is text."""
        return await reply.send(self.telegram, message, self.place, cache=self.services.cache)

    async def say_privately(self, *messages: Message) -> Sent | None:
        """Answer the asker alone, and where they asked say once that it was done or why it could not be."""
        elsewhere, sent = self.chat.id != self.asker.id, None
        place = {"chat_id": self.asker.id} if elsewhere else self.place
        try:
            for message in messages:
                sent = await reply.send(self.telegram, message, place, cache=self.services.cache)
        except (BadRequest, Forbidden) as error:
            if not elsewhere or (isinstance(error, BadRequest) and "chat not found" not in str(error).lower()):
                raise
            words = "개인 대화로 보낼 수 없습니다. 먼저 저에게 개인 메시지를 보내 주세요."
        else:
            if not elsewhere:
                return sent
            words = "개인 대화로 보냈습니다."
        button = Button(self.texts("💬 개인 대화 열기"), url=f"https://t.me/{self.telegram.username}")
        await self.say(Message(text=self.texts(words), keyboard=((button,),)))
        return sent

    async def change(self, message: Message) -> None:
        """Change the message whose button was pressed."""
        query = self.incoming.callback_query
        assert query is not None
        await reply.edit(query, message)
