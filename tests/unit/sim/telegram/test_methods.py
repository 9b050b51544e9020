"""Whatever a bot sends, a method answers or refuses; it never breaks."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.telegram.console import render
from sim.telegram.errors import ApiError
from sim.telegram.files import Upload
from sim.telegram.methods import METHODS
from sim.telegram.params import Params
from sim.telegram.server import TelegramServer
from sim.telegram.text import to_html

NAMES = [
    "text",
    "caption",
    "parse_mode",
    "message_id",
    "message_ids",
    "reply_to_message_id",
    "reply_parameters",
    "reply_markup",
    "entities",
    "photo",
    "document",
    "media",
    "callback_query_id",
    "inline_query_id",
    "results",
    "commands",
    "scope",
    "language_code",
    "user_id",
    "action",
    "reaction",
    "caption_entities",
    "offset",
    "limit",
    "allowed_updates",
    "message_thread_id",
    "file_id",
    "show_alert",
    "url",
]
KEYS = [
    "type",
    "media",
    "caption",
    "message_id",
    "inline_keyboard",
    "keyboard",
    "text",
    "callback_data",
    "url",
    "id",
    "input_message_content",
    "message_text",
    "command",
    "description",
    "chat_id",
    "user_id",
    "offset",
    "length",
    "parse_mode",
]

words = st.sampled_from(["html", "HTML", "photo", "chat", "typing", "attach://x", "<b>", "1", "", "가"])
scalars = st.none() | st.booleans() | st.integers(-3, 2**40) | words | st.floats(allow_nan=False)
bodies = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
keyboards = st.fixed_dictionaries({"inline_keyboard": bodies}) | st.fixed_dictionaries({"keyboard": bodies})
parts = st.lists(st.dictionaries(st.sampled_from(KEYS), bodies, min_size=1), min_size=1, max_size=2)
values = (
    bodies
    | keyboards
    | parts
    | bodies.map(lambda body: orjson.dumps(body).decode())
    | st.just(Upload(name="x", data=b"x"))
)


@pytest.mark.parametrize("method", sorted(METHODS))
@settings(max_examples=20)
@given(params=st.dictionaries(st.sampled_from(NAMES), values, max_size=5))
async def test_any_parameters_are_answered_or_refused(method: str, params: dict[str, Any]) -> None:
    server = TelegramServer(token="1:a", now=lambda: datetime(2026, 2, 20, tzinfo=UTC))
    user = server.user(1, "지민")
    user.send("/start")
    try:
        result = METHODS[method](server.world, Params({"chat_id": "1", "timeout": 0} | params))
        orjson.dumps(await asyncio.wait_for(result, 5) if inspect.isawaitable(result) else result)
    except ApiError as refusal:
        orjson.loads(refusal.body())
    for message in user.messages:
        render(message)
        to_html(message.text, message.entities)
