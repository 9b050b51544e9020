"""Showing how far a long piece of work is, in one message that is edited stage by stage and then removed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

import structlog
from telegram import Message as Sent
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.context import BotContext
from core.reports.report import Stage

log = structlog.get_logger(__name__)

WORDS = {
    Stage.PRICES: "시세와 뉴스를 모으고 있습니다",
    Stage.MODELS: "모델들에게 묻고 있습니다",
    Stage.WRITING: "숫자를 대조하고 있습니다",
}
_SOON: Final = 1.0
"""Seconds of silence after which the bot is seen typing."""
_RENEWED: Final = 4.0
"""Telegram shows typing for five seconds."""


class StageMessage:
    """`async with StageMessage(context, "삼성전자") as stage: await work(progress=stage)`.

    No message is shown until the first stage is reached, so an answer that is ready at once stays alone; work that
    takes longer without one shows the bot typing. What cannot be shown never stops the work.
    """

    def __init__(self, context: BotContext, subject: str) -> None:
        self._context, self._subject = context, subject
        self._sent: Sent | None = None
        self._reached: list[Stage] = []
        self._typing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._typing = asyncio.create_task(self._type())
        return self

    async def __call__(self, stage: Stage) -> None:
        """Show that `stage` has begun."""
        self._reached.append(stage)
        text = self._context.texts.render(
            "progress", subject=self._subject, done=[WORDS[s] for s in self._reached[:-1]], now=WORDS[stage]
        )
        try:
            if self._sent is None:
                self._sent = await self._context.telegram.send_message(**self._context.place, text=text)
            else:
                await self._sent.edit_text(text)
        except TelegramError as error:
            log.info("progress_not_shown", error=str(error))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._typing is not None:
            self._typing.cancel()
        if self._sent is None:
            return
        try:
            await self._sent.delete()
        except TelegramError as failure:
            log.info("progress_not_removed", error=str(failure))

    async def _type(self) -> None:
        await asyncio.sleep(_SOON)
        try:
            while True:
                await self._context.telegram.send_chat_action(**self._context.place, action=ChatAction.TYPING)
                await asyncio.sleep(_RENEWED)
        except TelegramError as error:
            log.info("typing_not_shown", error=str(error))
