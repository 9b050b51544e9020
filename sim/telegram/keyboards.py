"""Reply markup: what Telegram accepts as inline buttons and reply keyboards."""

from __future__ import annotations

from typing import Any

from sim.telegram.errors import bad_request

Json = dict[str, Any]

DATA_BYTES = 64
BUTTON_LIMIT = 100
_ACTIONS = (
    "callback_data",
    "url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "web_app",
    "login_url",
    "copy_text",
    "pay",
    "callback_game",
)


def inline_rows(markup: Json | None) -> list[list[Json]]:
    """The rows of an inline keyboard; empty for none or for another kind. Raises `ApiError` 400."""
    rows = (markup or {}).get("inline_keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    if sum(len(row) for row in rows) > BUTTON_LIMIT:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return [[_inline_button(button) for button in row] for row in rows if row]


def _inline_button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not str(button.get("text", "")).strip():
        raise bad_request("can't parse inline keyboard button: Button text must be non-empty")
    if not any(action in button for action in _ACTIONS):
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not str(url).startswith(("http://", "https://", "tg://")):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return button


def reply_keyboard(markup: Json | None) -> Json | None:
    """A reply keyboard, its removal or a forced reply, as sent; None otherwise. Raises `ApiError` 400."""
    if not markup or not any(kind in markup for kind in ("keyboard", "remove_keyboard", "force_reply")):
        return None
    rows = markup.get("keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) and all(map(_labelled, row)) for row in rows):
        raise bad_request("can't parse keyboard: expected an Array of Arrays of KeyboardButton")
    return markup


def _labelled(key: Any) -> bool:
    return isinstance(key, str) or (isinstance(key, dict) and isinstance(key.get("text"), str))
