"""Sending a Message: split, with its picture or document, and as plain text if its markup is refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from html import unescape
from typing import Any, TypeVar

import structlog
from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram import Message as Sent
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.texts import clean
from bot.views.message import Button, Keyboard, Message, Picture
from bot.views.split import MAX_CAPTION, split, visible_length
from core.cache import Cache

T = TypeVar("T")
log = structlog.get_logger(__name__)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
PICTURES_KEPT = timedelta(days=7)
"""How long a picture's name at Telegram is remembered."""
_RETRIES = 1
"""How often an answer waits out Telegram's "too many requests"."""


async def send(bot: ExtBot[Any], message: Message, place: Mapping[str, Any], *, cache: Cache) -> Sent | None:
    """Send the message to `place` (`chat_id`, `message_thread_id`), in as many parts as it needs.

    Returns the last part where it is text, which `change` can change later.
    `cache` remembers what Telegram calls a picture it was sent, so that each is drawn and uploaded once.
    """
    where: dict[str, Any] = {**place, "rate_limit_args": _RETRIES}
    keyboard = markup(message.keyboard)
    if message.document is not None:
        document = InputFile(message.document, filename=message.filename)
        send_document = partial(bot.send_document, **where, document=document, reply_markup=keyboard)
        await _formatted(send_document, "caption", message.text)
        return None
    if message.photo is not None and await _photo(bot, message, message.photo, where, cache):
        return None
    sent, parts = None, split(message.text)
    for number, part in enumerate(parts, start=1):
        below = keyboard if number == len(parts) else None
        send_text = partial(bot.send_message, **where, reply_markup=below, link_preview_options=_NO_PREVIEW)
        sent = await _formatted(send_text, "text", part)
    return sent


async def change(sent: Sent, message: Message) -> None:
    """Put the first part of the message in place of a text sent before."""
    edit_text = partial(sent.edit_text, reply_markup=markup(message.keyboard), link_preview_options=_NO_PREVIEW)
    await _formatted(edit_text, "text", split(message.text)[0])


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


async def _photo(bot: ExtBot[Any], message: Message, picture: Picture, where: Mapping[str, Any], cache: Cache) -> bool:
    """Send the picture, with the text under it if it fits there; returns whether everything is said with it.

    A picture that is refused (a group may forbid them) is logged and left out.
    """
    fits = visible_length(message.text) <= MAX_CAPTION
    send_photo: Callable[..., Awaitable[Sent]] = partial(bot.send_photo, **where)
    if fits:
        send_photo = partial(
            _formatted, partial(send_photo, reply_markup=markup(message.keyboard)), "caption", message.text
        )
    key = f"picture:{bot.id}:{picture.key}"
    try:
        if (known := await cache.get(key)) is not None and await _known_photo(send_photo, known.decode()):
            return fits
        if (png := await picture.draw()) is None:
            return False
        photo = InputFile(png, filename="chart.png")
        sent = await send_photo(photo=photo)
    except BadRequest as error:
        if "chat not found" in str(error).lower():
            raise
        log.warning("picture_refused", error=str(error))
        return False
    await cache.set(key, sent.photo[-1].file_id.encode(), PICTURES_KEPT)
    return fits


async def _known_photo(send_photo: Callable[..., Awaitable[Sent]], file_id: str) -> bool:
    """Send a picture Telegram has; False when it does not know it any more."""
    try:
        await send_photo(photo=file_id)
    except BadRequest as error:
        if "file identifier" not in str(error) and "file_id" not in str(error):
            raise
        return False
    return True


async def _formatted(call: Callable[..., Awaitable[T]], field: str, html: str, **more: object) -> T:
    """Send with markup; markup that Telegram cannot parse is our bug, so the log says so and plain text goes out."""
    try:
        return await call(**{field: html}, **more)
    except BadRequest as error:
        if "parse entities" not in str(error):
            raise
        log.error("markup_refused", error=str(error))
        return await call(**{field: plain(html)}, **more, parse_mode=None)
