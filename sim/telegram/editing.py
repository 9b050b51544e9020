"""Bot API methods that change or remove a message."""

from __future__ import annotations

from typing import Any

from sim.telegram.chats import Json, Message
from sim.telegram.errors import bad_request
from sim.telegram.keyboards import inline_rows
from sim.telegram.params import Params
from sim.telegram.sending import album_item, caption_of, chat_id, text_of
from sim.telegram.world import World

_SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)


def _editable(world: World, params: Params) -> Message:
    message = world.chat_for_bot(chat_id(params)).messages.get(params.number("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender is not world.bot and message.via_bot is not world.bot:
        raise bad_request("message can't be edited")
    return message


def _apply(world: World, message: Message, params: Params, **content: Any) -> Json:
    """Put new content and buttons into `message`; leaving out reply_markup removes the buttons, as in Telegram."""
    content["buttons"] = inline_rows(params.object("reply_markup"))
    if all(getattr(message, name) == value for name, value in content.items()):
        raise bad_request(_SAME)
    only_buttons = content.keys() == {"buttons"}
    for name, value in content.items():
        setattr(message, name, value)
    world.changed(message, edited=not only_buttons)
    return message.wire()


def edit_text(world: World, params: Params) -> Json:
    """editMessageText."""
    text, entities = text_of(params)
    message = _editable(world, params)
    if message.media:
        raise bad_request("there is no text in the message to edit")
    return _apply(world, message, params, text=text, entities=entities)


def edit_caption(world: World, params: Params) -> Json:
    """editMessageCaption."""
    text, entities = caption_of(params)
    message = _editable(world, params)
    if not message.media:
        raise bad_request("there is no caption in the message to edit")
    return _apply(world, message, params, text=text, entities=entities)


def edit_media(world: World, params: Params) -> Json:
    """editMessageMedia: also turns a text message into one with a picture or a file."""
    message = _editable(world, params)
    media, text, entities = album_item(world, params, params.object("media") or {})
    return _apply(world, message, params, media=media, text=text, entities=entities)


def edit_buttons(world: World, params: Params) -> Json:
    """editMessageReplyMarkup."""
    return _apply(world, _editable(world, params), params)


def _remove(world: World, params: Params, message_id: int) -> bool:
    chat = world.chat_for_bot(chat_id(params))
    if (message := chat.messages.pop(message_id, None)) is None:
        return False
    message.mark = world.next_mark()
    world.tell("delete", chat, message, by_bot=True)
    return True


def delete_message(world: World, params: Params) -> bool:
    """deleteMessage."""
    if not _remove(world, params, params.number("message_id")):
        raise bad_request("message to delete not found")
    return True


def delete_messages(world: World, params: Params) -> bool:
    """deleteMessages: those not found are skipped."""
    for message_id in params.numbers("message_ids"):
        _remove(world, params, message_id)
    return True


def set_reaction(world: World, params: Params) -> bool:
    """setMessageReaction: a bot may leave one."""
    message = world.chat_for_bot(chat_id(params)).messages.get(params.number("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    reactions = params.objects("reaction")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    message.reactions = reactions
    world.changed(message, edited=False)
    return True
