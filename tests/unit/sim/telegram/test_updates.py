"""getUpdates and webhooks, as a client without a library sees them."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

from .conftest import Raw


async def texts(raw: Raw, **params: object) -> list[str]:
    """Texts of the messages one getUpdates gives."""
    return [update["message"]["text"] for update in (await raw("getUpdates", **params)).json()["result"]]


async def test_updates_come_again_until_a_later_offset_confirms_them(raw: Raw, user: TelegramUser) -> None:
    for text in ("1", "2", "3"):
        user.send(text)
    first = (await raw("getUpdates")).json()["result"][0]["update_id"]
    assert await texts(raw) == ["1", "2", "3"]
    assert await texts(raw, limit=2) == ["1", "2"]
    assert await texts(raw, offset=first + 1) == ["2", "3"]
    assert await texts(raw, offset=0) == ["2", "3"]
    assert await texts(raw, offset=first + 3) == []


async def test_a_negative_offset_keeps_the_newest_only(raw: Raw, user: TelegramUser) -> None:
    for text in ("1", "2", "3"):
        user.send(text)
    assert await texts(raw, offset=-1) == ["3"]
    assert await texts(raw) == ["3"]


async def test_a_waiting_poll_ends_as_soon_as_something_is_said(raw: Raw, user: TelegramUser) -> None:
    poll = asyncio.create_task(texts(raw, timeout=30))
    await raw("getMe")
    user.send("새 글")
    assert await asyncio.wait_for(poll, 2) == ["새 글"]


async def test_a_newer_poll_throws_out_the_older_one(raw: Raw, user: TelegramUser, server: TelegramServer) -> None:
    older = asyncio.create_task(raw("getUpdates", timeout=30))
    await user.wait_until(lambda: server.world.updates.polled, look_every=0.01)
    newer = asyncio.create_task(raw("getUpdates", timeout=30))
    refused = await asyncio.wait_for(older, 2)
    assert refused.status_code == 409
    assert refused.json()["description"].startswith("Conflict: terminated by other getUpdates request")
    user.send("가")
    assert (await asyncio.wait_for(newer, 2)).json()["result"][0]["message"]["text"] == "가"


async def test_only_the_asked_kinds_are_sent(raw: Raw, user: TelegramUser) -> None:
    await raw("getUpdates", allowed_updates=["message_reaction"])
    message = user.send("가")
    user.react(message.id, "👍")
    [update] = (await raw("getUpdates")).json()["result"]
    assert update["message_reaction"]["new_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    await raw("getUpdates", offset=update["update_id"] + 1, allowed_updates=[])
    user.react(message.id, "🔥")
    user.send("나")
    assert await texts(raw) == ["나"]


async def test_a_webhook_gets_every_update_in_order_with_the_secret(
    raw: Raw, user: TelegramUser, server: TelegramServer
) -> None:
    got: list[tuple[str | None, str]] = []

    async def receive(request: web.Request) -> web.Response:
        text = (await request.json())["message"]["text"]
        got.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), text))
        if len(got) == 1:
            return web.Response(status=500)
        return web.json_response({"method": "sendMessage", "chat_id": user.id, "text": f"답 {text}"})

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"

    assert (await raw("setWebhook", url=url, secret_token="비밀".encode().hex())).json()["result"]
    assert (await raw("getUpdates")).status_code == 409
    user.send("1")
    last = user.send("2")
    await user.wait_until(lambda: user.messages[-1].text == "답 2")
    assert got == [("비밀".encode().hex(), text) for text in ("1", "1", "2")]
    assert user.since(last)[0].text == "답 1"
    info = (await raw("getWebhookInfo")).json()["result"]
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"
    await raw("deleteWebhook")
    user.send("3")
    assert await texts(raw) == ["3"]
    await runner.cleanup()
