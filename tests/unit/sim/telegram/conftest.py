"""A running server, a clock that stands still, and real python-telegram-bot clients over loopback HTTP."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.ext import Application, ApplicationBuilder, BaseHandler

from core.clock import ManualClock
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

TOKEN = "123456789:AAsimulated-token-of-the-tests-0000"

App = Application[Any, Any, Any, Any, Any, Any]
RunBot = Callable[..., AbstractAsyncContextManager[App]]
Raw = Callable[..., Coroutine[Any, Any, httpx.Response]]


def png(width: int = 4, height: int = 3) -> bytes:
    """A real grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 2, 20, 6, 50, tzinfo=UTC))


@pytest.fixture
async def server(clock: ManualClock, tmp_path: Path) -> AsyncIterator[TelegramServer]:
    telegram = TelegramServer(token=TOKEN, now=clock.now, media_dir=tmp_path)
    yield telegram
    await telegram.stop()


@pytest.fixture
async def url(server: TelegramServer) -> str:
    return await server.start()


@pytest.fixture
def user(server: TelegramServer, url: str) -> TelegramUser:
    """A person the bot has heard from."""
    person = server.user(1001, "지민")
    person.send("/start")
    server.world.updates.drop_pending()
    return person


@pytest.fixture
async def bot(url: str) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot") as client:
        yield client


@pytest.fixture
def run_bot(url: str) -> RunBot:
    """Start an application that polls, with the given handlers."""

    @asynccontextmanager
    async def run(*handlers: BaseHandler[Any, Any, Any]) -> AsyncIterator[App]:
        builder = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
        app = builder.concurrent_updates(64).build()
        app.add_handlers(handlers)
        async with app:
            await app.start()
            assert app.updater
            await app.updater.start_polling(timeout=2)
            yield app
            await app.updater.stop()
            await app.stop()

    return run


@pytest.fixture
async def raw(url: str) -> AsyncIterator[Raw]:
    """Call a method without any client library between: `await raw("getMe", name=value)`."""
    async with httpx.AsyncClient(base_url=url) as client:

        async def call(method: str, **params: Any) -> httpx.Response:
            return await client.post(f"/bot{TOKEN}/{method}", json=params)

        yield call
