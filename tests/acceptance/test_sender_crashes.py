"""A sender killed again and again loses nothing, keeps every chat's order, and repeats a few letters, marked."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from core.clock import ManualClock
from core.db import Database
from core.delivery import queries
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Destination, HookName
from core.delivery.sender import IN_FLIGHT
from core.settings import Settings
from sim.telegram.server import TelegramServer
from tests.acceptance.crash import Crasher, crasher
from tests.acceptance.sending import SEND, TOKEN
from tests.conftest import NOW

CHATS, ALERTS, KILLS = range(1, 61), range(5), 20


@pytest.fixture
async def crashes() -> AsyncIterator[Crasher]:
    """The parent of the processes to kill."""
    async with crasher() as parent:
        yield parent


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A Telegram that takes its time, with every chat known to the bot."""
    server = TelegramServer(token=TOKEN, now=ManualClock(NOW).now)
    for chat in CHATS:
        server.user(chat, "?").send("/start")
    server.fail_next("sendMessage", hang=0.01, times=100_000)
    yield server
    await server.stop()


def told(telegram: TelegramServer, chat: int) -> list[tuple[int, bool]]:
    """The alerts a chat was told in order, and which of them as a repeat."""
    texts = [message.text for message in telegram.users[chat].messages if message.sender.is_bot]
    return [(int(text.split()[1]), "🔁" in text) for text in texts]


@pytest.mark.timeout(300)
async def test_a_sender_killed_at_any_moment_loses_nothing_and_marks_what_repeats(
    crashes: Crasher, database: Database, test_settings: Callable[..., Settings], telegram: TelegramServer
) -> None:
    settings = test_settings(telegram={"base_url": await telegram.start()})
    async with database.begin() as conn:
        to = [Destination(HookName.TELEGRAM, chat) for chat in CHATS]
        for number in ALERTS:
            alert = Alert(kind=AlertKind.STRATEGY_RECOVERED, key=str(number), facts={"strategy": str(number)})
            await queries.add(conn, alert, to, at=NOW)

    moments = random.Random(7)
    run: dict[str, Any] = {"settings": settings, "slot": NOW, "at": NOW}
    killed = await crashes.run_through(SEND, kills=(moments.uniform(0.1, 0.6) for _ in range(KILLS)), **run)
    assert killed >= 3

    repeats = 0
    for chat in CHATS:
        received = told(telegram, chat)
        firsts = [number for place, (number, _) in enumerate(received) if number not in dict(received[:place])]
        assert firsts == list(ALERTS), f"chat {chat} was told {received}"
        for place, (number, marked) in enumerate(received):
            assert marked or number not in dict(received[:place]), f"chat {chat} was told {received}"
        repeats += len(received) - len(firsts)
    assert repeats <= killed * IN_FLIGHT
    async with database.read() as conn:
        state = await queries.outbox_state(conn)
    assert (state.depth, state.failed, state.dropped, state.parked) == (0, 0, 0, 0)
    assert repeats <= state.repeated <= killed * IN_FLIGHT
    assert state.repeated, "no kill met a letter on its way, so nothing was tried"
