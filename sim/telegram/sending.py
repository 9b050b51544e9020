"""Bot API methods that put something new into a chat."""

from __future__ import annotations

from typing import Any

from sim.telegram.chats import Chat, Json, Message
from sim.telegram.errors import bad_request
from sim.telegram.files import Media
from sim.telegram.html import Entity
from sim.telegram.keyboards import inline_rows, reply_keyboard
from sim.telegram.params import Params
from sim.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, compose
from sim.telegram.world import World

_CHAT_ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


def chat_id(params: Params) -> str:
    """The chat named by the call. Raises `ApiError` 400 when it is empty."""
    if not (named := params.text("chat_id")):
        raise bad_request("chat_id is empty")
    return named


def text_of(params: Params) -> tuple[str, list[Entity]]:
    """The message text. Raises `ApiError` 400 when it is empty, malformed or longer than 4,096 characters."""
    text, entities = compose(params.text("text"), params.text("parse_mode"), params.objects("entities"))
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return text, entities


def caption_of(params: Params) -> tuple[str, list[Entity]]:
    """The caption, possibly empty. Raises `ApiError` 400 when malformed or longer than 1,024 characters."""
    text, entities = compose(params.text("caption"), params.text("parse_mode"), params.objects("caption_entities"))
    if len(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return text, entities


def _replied(world: World, chat: Chat, params: Params) -> Message | None:
    reply = Params(params.object("reply_parameters") or {"message_id": params.number("reply_to_message_id")})
    message_id = reply.number("message_id")
    message = chat.messages.get(message_id)
    if message_id and message is None and not reply.flag("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return message


def _post(world: World, params: Params, text: str, entities: list[Entity], media: Media | None = None) -> Json:
    markup = params.object("reply_markup")
    rows = inline_rows(markup)
    chat = world.chat_for_bot(chat_id(params))
    message = world.post(
        chat,
        world.bot,
        text=text,
        entities=entities,
        media=media,
        buttons=rows,
        keyboard=reply_keyboard(markup),
        reply_to=_replied(world, chat, params),
        thread_id=params.number("message_thread_id") or None,
    )
    return message.wire()


def send_message(world: World, params: Params) -> Json:
    """sendMessage."""
    return _post(world, params, *text_of(params))


def stored(world: World, kind: str, params: Params, reference: str = "") -> Media:
    """The file a call sends: uploaded now, or sent before and named by its id. Raises `ApiError` 400 or 413."""
    upload = params.attached(reference) if reference else params.upload(kind)
    if upload is not None:
        return world.files.add(kind, upload)
    file_id = reference or params.text(kind)
    if not file_id:
        raise bad_request(f"there is no {kind} in the request")
    if file_id.startswith(("http://", "https://")):
        # The simulation reaches nothing outside, so it answers as for an address that does not.
        raise bad_request("failed to get HTTP URL content")
    return world.files.reuse(kind, file_id)


def _send_file(world: World, params: Params, kind: str) -> Json:
    text, entities = caption_of(params)
    world.chat_for_bot(chat_id(params))
    return _post(world, params, text, entities, stored(world, kind, params))


def send_photo(world: World, params: Params) -> Json:
    """sendPhoto."""
    return _send_file(world, params, "photo")


def send_document(world: World, params: Params) -> Json:
    """sendDocument."""
    return _send_file(world, params, "document")


def album_item(world: World, params: Params, item: Json) -> tuple[Media, str, list[Entity]]:
    """The file and caption of an InputMedia. Raises `ApiError` 400."""
    kind = item.get("type")
    if kind not in ("photo", "document"):
        raise bad_request("can't parse InputMedia: media type is not supported")
    text, entities = caption_of(Params(item))
    return stored(world, kind, params, str(item.get("media", ""))), text, entities


def send_media_group(world: World, params: Params) -> list[Json]:
    """sendMediaGroup: 2-10 items of one kind; all are checked before the first is sent."""
    chat = world.chat_for_bot(chat_id(params))
    listed = params.objects("media")
    if not 2 <= len(listed) <= 10:
        raise bad_request("group must include 2-10 items")
    if len({str(item.get("type")) for item in listed}) > 1:
        raise bad_request("photos and documents can't be mixed in one group")
    items = [album_item(world, params, item) for item in listed]
    replied = _replied(world, chat, params)
    album = str(world.next_mark())
    return [
        world.post(chat, world.bot, text=text, entities=entities, media=media, album=album, reply_to=replied).wire()
        for media, text, entities in items
    ]


def send_chat_action(world: World, params: Params) -> bool:
    """sendChatAction: shown for five seconds or until the next message; changes nothing."""
    chat = world.chat_for_bot(chat_id(params))
    action = params.text("action")
    if action not in _CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.tell("action", chat, action)
    return True


def get_file(world: World, params: Params) -> dict[str, Any]:
    """getFile."""
    media = world.files.downloadable(params.text("file_id"))
    return {
        "file_id": media.file_id,
        "file_unique_id": media.unique_id,
        "file_size": len(media.data),
        "file_path": media.path,
    }
