"""Sending a Message: split, with its picture or document, and as plain text if its markup is refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from html import unescape
from typing import Any

import structlog
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram import Message as Sent
from telegram.error import BadRequest

from bot.views.message import Button, Keyboard, Message
from bot.views.split import MAX_CAPTION, split, visible_length

log = structlog.get_logger(__name__)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


async def send(bot: Bot, chat_id: int, message: Message, *, thread_id: int | None = None) -> Sent | None:
    """Send the message in as many parts as it needs; returns the last part sent."""
    where: dict[str, Any] = {"chat_id": chat_id, "message_thread_id": thread_id}
    keyboard = markup(message.keyboard)
    if message.document is not None:
        document = InputFile(message.document, filename=message.filename)
        return await bot.send_document(**where, document=document, caption=message.text or None, reply_markup=keyboard)
    if message.photo is not None:
        send_photo = partial(bot.send_photo, **where, photo=InputFile(message.photo, filename="chart.png"))
        if visible_length(message.text) <= MAX_CAPTION:
            return await _formatted(partial(send_photo, reply_markup=keyboard), "caption", message.text)
        await send_photo()
    sent = None
    parts = split(message.text)
    for number, part in enumerate(parts, start=1):
        send_text = partial(bot.send_message, **where, link_preview_options=_NO_PREVIEW)
        last = keyboard if number == len(parts) else None
        sent = await _formatted(partial(send_text, reply_markup=last), "text", part)
    return sent


async def edit(query: CallbackQuery, message: Message) -> None:
    """Put the message in place of the one whose button was pressed; an unchanged one is left alone."""
    parts = split(message.text)
    try:
        if query.message is not None and getattr(query.message, "photo", None):
            await query.edit_message_caption(caption=parts[0], reply_markup=markup(message.keyboard))
        else:
            await query.edit_message_text(
                parts[0], reply_markup=markup(message.keyboard), link_preview_options=_NO_PREVIEW
            )
    except BadRequest as error:
        if "not modified" not in str(error):
            raise


def markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Telegram's form of a keyboard."""
    if not keyboard:
        return None
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in keyboard])


def _button(button: Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(button.text, url=button.url)
    return InlineKeyboardButton(button.text, callback_data=button.data)


def plain(html: str) -> str:
    """The text without its markup."""
    return unescape(re.sub(r"<[^>]*>", "", html))


async def _formatted(call: Callable[..., Awaitable[Sent]], field: str, html: str) -> Sent:
    """Send with markup; markup that Telegram cannot parse is our bug, so the log says so and plain text goes out."""
    try:
        return await call(**{field: html})
    except BadRequest as error:
        if "parse entities" not in str(error):
            raise
        log.error("markup_refused", error=str(error))
        return await call(**{field: plain(html)}, parse_mode=None)
