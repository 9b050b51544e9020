"""Sending a Message: split, with its picture or document, and as plain text if its markup is refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from html import unescape
from typing import Any

import structlog
from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.texts import clean
from bot.views.message import Button, Keyboard, Message
from bot.views.split import MAX_CAPTION, split, visible_length

log = structlog.get_logger(__name__)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_RETRIES = 1
"""How often an answer waits out Telegram's "too many requests"."""


async def send(bot: ExtBot[Any], message: Message, place: Mapping[str, Any]) -> None:
    """Send the message to `place` (`chat_id`, `message_thread_id`), in as many parts as it needs."""
    where: dict[str, Any] = {**place, "rate_limit_args": _RETRIES}
    keyboard = markup(message.keyboard)
    if message.document is not None:
        document = InputFile(message.document, filename=message.filename)
        send_document = partial(bot.send_document, **where, document=document, reply_markup=keyboard)
        await _formatted(send_document, "caption", message.text)
        return
    if message.photo is not None and await _photo(bot, message, where):
        return
    parts = split(message.text)
    for number, part in enumerate(parts, start=1):
        below = keyboard if number == len(parts) else None
        send_text = partial(bot.send_message, **where, reply_markup=below, link_preview_options=_NO_PREVIEW)
        await _formatted(send_text, "text", part)


async def edit(query: CallbackQuery, message: Message) -> None:
    """Put the message in place of the one whose button was pressed; an unchanged one is left alone."""
    keyboard, text = markup(message.keyboard), split(message.text)[0]
    try:
        if query.message is not None and getattr(query.message, "photo", None):
            await _formatted(partial(query.edit_message_caption, reply_markup=keyboard), "caption", text)
        else:
            change = partial(query.edit_message_text, reply_markup=keyboard, link_preview_options=_NO_PREVIEW)
            await _formatted(change, "text", text)
    except BadRequest as error:
        if "not modified" not in str(error):
            raise


def markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Telegram's form of a keyboard."""
    if not keyboard:
        return None
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in keyboard])


def plain(html: str) -> str:
    """The text without its markup."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def _button(button: Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(clean(button.text), url=button.url)
    return InlineKeyboardButton(clean(button.text), callback_data=button.data)


async def _photo(bot: ExtBot[Any], message: Message, where: Mapping[str, Any]) -> bool:
    """Send the picture, with the text under it if it fits there; returns whether everything is said with it.

    A picture that is refused (a group may forbid them) is logged and left out.
    """
    photo = InputFile(message.photo or b"", filename="chart.png")
    send_photo = partial(bot.send_photo, **where, photo=photo)
    try:
        if visible_length(message.text) > MAX_CAPTION:
            await send_photo()
            return False
        await _formatted(partial(send_photo, reply_markup=markup(message.keyboard)), "caption", message.text)
    except BadRequest as error:
        if "chat not found" in str(error).lower():
            raise
        log.warning("picture_refused", error=str(error))
        return False
    return True


async def _formatted(call: Callable[..., Awaitable[object]], field: str, html: str) -> None:
    """Send with markup; markup that Telegram cannot parse is our bug, so the log says so and plain text goes out."""
    try:
        await call(**{field: html})
    except BadRequest as error:
        if "parse entities" not in str(error):
            raise
        log.error("markup_refused", error=str(error))
        await call(**{field: plain(html)}, parse_mode=None)
