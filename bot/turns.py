"""In which order updates are handled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog
from telegram import CallbackQuery, Update
from telegram.error import TelegramError
from telegram.ext import BaseUpdateProcessor

log = structlog.get_logger(__name__)

WORKING: Final = 64
"""Chats answered at the same time."""
_WAITING: Final = 10_000
"""Updates that may wait for their turn; they hold no place among the working ones."""


class PerChat(BaseUpdateProcessor):
    """Updates of different chats side by side, updates of one chat in order.

    A pressed button is told at once that it was seen; pressed again while its answer is under way, it has no effect.
    """

    def __init__(self) -> None:
        super().__init__(_WAITING)
        self._working = asyncio.Semaphore(WORKING)
        self._chats: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._pressed: set[tuple[int, int | None, str | None]] = set()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Run the update's handlers after the earlier updates of its chat."""
        query = update.callback_query if isinstance(update, Update) else None
        if query is None:
            await self._in_turn(update, coroutine)
            return
        press = (query.from_user.id, query.message.message_id if query.message else None, query.data)
        again = press in self._pressed
        self._pressed.add(press)
        await _acknowledge(query)
        if again:
            coroutine.close()  # type: ignore[attr-defined]
            return
        try:
            await self._in_turn(update, coroutine)
        finally:
            self._pressed.discard(press)

    async def _in_turn(self, update: object, coroutine: Awaitable[Any]) -> None:
        chat = update.effective_chat if isinstance(update, Update) else None
        # Those who wait hold the lock of their chat, so it lives as long as anybody needs it.
        lock = self._chats.setdefault(chat.id, asyncio.Lock()) if chat else asyncio.Lock()
        async with lock, self._working:
            await coroutine

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


async def _acknowledge(query: CallbackQuery) -> None:
    try:
        await query.answer()
    except TelegramError as error:
        log.info("press_not_acknowledged", error=str(error))
