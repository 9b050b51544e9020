"""What the server refuses, word for word, and trouble on order."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut

from core.clock import ManualClock
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

from .conftest import TOKEN, Raw, png

ROW = [[{"text": "가", "callback_data": "가" * 22}]]
LONG = "🔴" * 4096


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        (
            "sendMessage",
            {"text": "가 <x>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "x" at byte offset 4',
        ),
        ("sendMessage", {"text": " <b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ("sendMessage", {"text": "가" * 4097}, "message is too long"),
        ("sendMessage", {"text": "가", "chat_id": 77}, "chat not found"),
        ("sendMessage", {"text": "가", "chat_id": "@nobody"}, "chat not found"),
        ("sendMessage", {"text": "가", "chat_id": ""}, "chat_id is empty"),
        ("sendMessage", {"text": "가", "reply_markup": {"inline_keyboard": ROW}}, "BUTTON_DATA_INVALID"),
        ("sendMessage", {"text": "가", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        (
            "sendMessage",
            {"text": "가", "reply_markup": {"inline_keyboard": [[{"text": "가"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ("sendMessage", {"text": "가", "reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ("sendPhoto", {"photo": "no-such-id"}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {"photo": "x", "caption": "가" * 1025}, "message caption is too long"),
        ("sendPhoto", {}, "there is no photo in the request"),
        ("editMessageText", {"text": "가", "message_id": 999}, "message to edit not found"),
        ("editMessageText", {"text": "가", "message_id": 1}, "message can't be edited"),
        ("editMessageText", {"text": "가", "message_id": "x"}, 'invalid parameter "message_id": expected Integer'),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
        ("sendChatAction", {"action": "dance"}, "wrong parameter action in request"),
    ],
)
async def test_bad_requests_are_refused(
    raw: Raw, user: TelegramUser, method: str, params: dict[str, Any], description: str
) -> None:
    reply = await raw(method, **({"chat_id": user.id} | params))
    assert reply.status_code == 400
    assert reply.json() == {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}


async def test_the_limit_counts_characters_after_parsing(bot: Bot, user: TelegramUser) -> None:
    sent = await bot.send_message(user.id, f"<b>{LONG}</b>", parse_mode="HTML")
    assert sent.text == LONG
    assert sent.entities[0].length == 8192


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, user: TelegramUser) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("가", callback_data="a")]])
    sent = await bot.send_message(user.id, "가", reply_markup=keyboard)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("<i></i>가 ", user.id, sent.message_id, parse_mode="HTML", reply_markup=keyboard)
    await bot.edit_message_text("가", user.id, sent.message_id)
    assert user.messages[-1].buttons == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"not a picture", "Image_process_failed"), (png(2, 50), "Photo_invalid_dimensions")],
)
async def test_what_is_no_fit_picture_is_refused(bot: Bot, user: TelegramUser, data: bytes, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.send_photo(user.id, data)
    assert len(user.messages) == 1


async def test_an_unknown_method_and_a_wrong_token_are_told_apart(raw: Raw, url: str) -> None:
    reply = await raw("sendCarrierPigeon")
    assert (reply.status_code, reply.json()["description"]) == (404, "Not Found: method not found")
    stranger = Bot("1:wrong", base_url=f"{url}/bot")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()


# The library warns whenever it builds a RetryAfter, about a type it will change in a later version.
@pytest.mark.filterwarnings("ignore:.*retry_after.*timedelta")
async def test_ordered_refusals_reach_only_the_calls_they_are_for(
    bot: Bot, user: TelegramUser, server: TelegramServer
) -> None:
    server.fail_next("sendMessage", status=429, retry_after=3, times=2)
    server.fail_next("sendPhoto", status=500)
    for _ in range(2):
        with pytest.raises(RetryAfter) as refusal:
            await bot.send_message(user.id, "가")
        assert refusal.value._retry_after.total_seconds() == 3
    await bot.send_message(user.id, "가")
    with pytest.raises(NetworkError, match="Internal Server Error"):
        await bot.send_photo(user.id, png())
    assert [m.text for m in user.messages] == ["/start", "가"]
    assert [call.params["text"] for call in server.calls("sendMessage")] == ["가"] * 3


async def test_a_cut_connection_leaves_the_caller_guessing(
    bot: Bot, user: TelegramUser, server: TelegramServer
) -> None:
    server.fail_next("sendMessage", drop="before")
    server.fail_next("sendMessage", drop="after")
    for text in ("잃은 글", "닿은 글"):
        with pytest.raises(NetworkError):
            await bot.send_message(user.id, text)
    assert [m.text for m in user.messages] == ["/start", "닿은 글"]


async def test_a_hanging_call_times_out_and_broken_bodies_are_possible(
    bot: Bot, user: TelegramUser, server: TelegramServer
) -> None:
    server.fail_next("sendMessage", hang=0.3)
    with pytest.raises(TimedOut):
        await bot.send_message(user.id, "가", read_timeout=0.05)
    server.fail_next("getMe", body=b"<html>")
    with pytest.raises(TelegramError, match="Invalid server response"):
        await bot.get_me()


async def test_real_limits_are_enforced_when_turned_on(clock: ManualClock) -> None:
    server = TelegramServer(token=TOKEN, now=clock.now, limits=True)
    url = await server.start()
    user = server.user(1, "지민")
    user.send("/start")
    group = server.group(-5, "모임", user)
    group.add_bot(user)
    async with httpx.AsyncClient(base_url=f"{url}/bot{TOKEN}/") as client:

        async def send(chat_id: int) -> httpx.Response:
            return await client.post("sendMessage", json={"chat_id": chat_id, "text": "가"})

        assert [(await send(user.id)).status_code for _ in range(6)] == [200] * 5 + [429]
        refused = (await send(user.id)).json()
        assert refused["parameters"] == {"retry_after": 5}
        assert refused["description"] == "Too Many Requests: retry after 5"
        assert [(await send(-5)).status_code for _ in range(21)] == [200] * 20 + [429]
        await clock.sleep(5)
        assert (await send(user.id)).status_code == 200
        assert (await send(-5)).json()["parameters"] == {"retry_after": 55}
    await server.stop()


async def test_stopping_ends_a_waiting_poll(raw: Raw, user: TelegramUser, server: TelegramServer) -> None:
    poll = asyncio.create_task(raw("getUpdates", timeout=30))
    await user.wait_until(lambda: server.world.updates.polled, look_every=0.01)
    await server.stop()
    assert (await asyncio.wait_for(poll, 2)).json() == {"ok": True, "result": []}
