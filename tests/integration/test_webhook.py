"""Updates by webhook: who may bring them, when they are acknowledged, and what becomes of those nobody can read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bot.demo import USER_ID
from bot.webhook import MOST_BYTES
from core.embedded import Addresses
from tests.acceptance.replicas import forget_updates, free_port
from tests.integration.bot_stage import Stage, open_stage

SECRET = "a-secret_of-the-webhook"
KNOWN = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """A bot that takes its updates at an address."""

    stage: Stage
    url: str

    async def post(self, body: bytes, headers: dict[str, str] = KNOWN, *, url: str = "") -> int:
        """The status a request is answered with."""
        async with (
            aiohttp.ClientSession() as client,
            client.post(url or self.url, data=BytesIO(body), headers=headers) as answer,
        ):
            return answer.status

    def sent(self) -> int:
        """How many messages the bot has written."""
        return len(self.stage.telegram.calls("sendMessage"))


@pytest.fixture(scope="module")
async def door(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """The bot, its webhook set."""
    await forget_updates(servers)
    port = free_port()
    url = f"http://127.0.0.1:{port}/telegram/updates"
    telegram = {"webhook_url": url, "webhook_secret": SECRET, "webhook_port": port}
    folder: Path = tmp_path_factory.mktemp("door")
    async with open_stage(servers, template, folder, telegram=telegram) as stage:
        yield Door(stage=stage, url=url)


def help_update(number: int) -> dict[str, Any]:
    """Somebody asks for help in an update of this number."""
    person = {"id": USER_ID, "is_bot": False, "first_name": "김하늘"}
    entity = {"type": "bot_command", "offset": 0, "length": 5}
    chat = {"id": USER_ID, "type": "private"}
    message = {"message_id": number, "date": 1, "text": "/help", "chat": chat, "from": person, "entities": [entity]}
    return {"update_id": number, "message": message}


async def test_telegram_is_told_where_with_which_secret_and_what_to_bring(door: Door) -> None:
    (call,) = door.stage.telegram.calls("setWebhook")
    assert call.params["url"] == door.url
    assert call.params["secret_token"] == SECRET
    assert "chat_member" in str(call.params["allowed_updates"])
    assert not door.stage.telegram.calls("getUpdates")


async def test_answers_come_through_the_webhook(door: Door) -> None:
    assert "관심종목" in await door.stage.ask("/watchlist")


async def test_update_is_acknowledged_once_it_has_been_handled(door: Door) -> None:
    before = door.sent()
    assert await door.post(orjson.dumps(help_update(1_000))) == 200
    assert door.sent() == before + 1


async def test_update_brought_again_is_acknowledged_and_has_no_effect(door: Door) -> None:
    await door.post(orjson.dumps(help_update(2_000)))
    before = door.sent()
    assert await door.post(orjson.dumps(help_update(2_000))) == 200
    assert door.sent() == before


@pytest.mark.parametrize(
    "headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": ""}, KNOWN | {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]}]
)
async def test_who_does_not_know_the_secret_brings_nothing(door: Door, headers: dict[str, str]) -> None:
    before = door.sent()
    assert await door.post(orjson.dumps(help_update(3_000)), headers) == 403
    assert await door.post(b"x" * (MOST_BYTES + 1), headers) == 403
    assert door.sent() == before


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"update_id": 1, "message": 5}', b'"\xff"'])
async def test_update_nobody_can_read_is_acknowledged_so_that_it_does_not_come_again(door: Door, body: bytes) -> None:
    before = door.sent()
    assert await door.post(body) == 200
    assert door.sent() == before
    assert "관심종목" in await door.stage.ask("/watchlist")


async def test_huge_request_and_any_other_address_are_refused(door: Door) -> None:
    assert await door.post(b" " * (MOST_BYTES + 1)) == 413
    assert await door.post(b"{}", url=door.url + "/else") == 404
    async with aiohttp.ClientSession() as client, client.get(door.url) as answer:
        assert answer.status == 405
