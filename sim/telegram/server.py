"""The HTTP server: Bot API at `/bot<token>/…`, downloads at `/file/bot<token>/…`, the chat page at `/`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from aiohttp import web

from sim.telegram.chats import Chat, Person
from sim.telegram.errors import ApiError, with_status
from sim.telegram.faults import Call, Fault, Faults, Limits
from sim.telegram.methods import METHODS
from sim.telegram.page import ChatPage
from sim.telegram.params import Params, read_params
from sim.telegram.people import TelegramGroup, TelegramUser
from sim.telegram.webhook import deliver
from sim.telegram.world import World

BOT_ID = 7_000_000_001
REQUESTS_KEPT = 50_000
_BODY_BYTES = 64 * 1024 * 1024
_UNAUTHORIZED = ApiError(401, "Unauthorized")
_NO_METHOD = ApiError(404, "Not Found: method not found")


class TelegramServer:
    """A whole Telegram with one bot in it. Everything runs on the event loop that calls `start`.

    `now` is the simulated clock (aware); waiting, long polls and hangs take real seconds. `media_dir` is where pictures
    and files the bot sends are saved for people to open. `limits` turns on Telegram's own sending limits.
    """

    def __init__(
        self,
        *,
        token: str,
        now: Callable[[], datetime],
        bot_username: str = "stockpilot_demo_bot",
        bot_name: str = "StockPilot",
        media_dir: Path | None = None,
        limits: bool = False,
    ) -> None:
        self._token = token
        bot_id = int(token.split(":", 1)[0]) if token.split(":", 1)[0].isdecimal() else BOT_ID
        bot = Person(id=bot_id, first_name=bot_name, username=bot_username, is_bot=True)
        self.world = World(now=now, bot=bot, media_dir=media_dir)
        self.users: dict[int, TelegramUser] = {}
        self.requests: deque[Call] = deque(maxlen=REQUESTS_KEPT)
        """What the bot asked, oldest first: the newest 50,000 calls."""
        self.faults = Faults()
        self._limits = Limits(now) if limits else None
        self._runner: web.AppRunner | None = None
        self._delivery: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the base URL. A bot uses `{url}/bot` and `{url}/file/bot`. Raises `OSError`."""
        app = web.Application(client_max_size=_BODY_BYTES)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        ChatPage(self.world, self.users).add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._delivery = asyncio.create_task(deliver(self.world, self._call_quietly))
        address = self._runner.addresses[0]
        return f"http://{address[0]}:{address[1]}"

    async def stop(self) -> None:
        """Stop listening and end waiting calls. Calling it again does nothing."""
        if self._delivery is not None:
            self._delivery.cancel()
            await asyncio.gather(self._delivery, return_exceptions=True)
            self._delivery = None
        if self._runner is not None:
            self.world.updates.release()
            self.world.tell("stop", None)
            await self._runner.cleanup()
            self._runner = None

    def user(self, user_id: int, first_name: str, language_code: str = "ko", username: str = "") -> TelegramUser:
        """The person with this id, made on first use. The bot does not know them before they write to it."""
        if user_id not in self.users:
            person = Person(id=user_id, first_name=first_name, language_code=language_code, username=username)
            members = {user_id: "member", self.world.bot.id: "member"}
            chat = Chat(id=user_id, kind="private", title=first_name, members=members)
            self.world.people[user_id] = person
            self.world.chats[user_id] = chat
            self.users[user_id] = TelegramUser(self.world, chat, person)
        return self.users[user_id]

    def group(self, chat_id: int, title: str, creator: TelegramUser) -> TelegramGroup:
        """A new group (negative id) with its creator in it; the bot joins by `add_bot`."""
        kind = "supergroup" if chat_id <= -1_000_000_000_000 else "group"
        chat = Chat(id=chat_id, kind=kind, title=title, members={creator.id: "creator"})
        self.world.chats[chat_id] = chat
        return TelegramGroup(self.world, chat)

    def calls(self, method: str) -> list[Call]:
        """The recorded calls of one method, oldest first."""
        return [call for call in self.requests if call.method.lower() == method.lower()]

    def fail_next(
        self,
        method: str | None = None,
        *,
        status: int | None = None,
        description: str | None = None,
        retry_after: int | None = None,
        hang: float = 0.0,
        drop: Literal["", "before", "after"] = "",
        body: bytes | None = None,
        chat_id: int | None = None,
        times: int = 1,
    ) -> None:
        """Order trouble for the next `times` calls of `method` (any, if None), in `chat_id` only if given.

        `status` refuses with the usual body; `hang` waits real seconds first; `drop` cuts the connection before or
        after the call took effect; `body` replaces the answer.
        """
        error = None if status is None else with_status(status, description, retry_after)
        self.faults.ordered.append(
            Fault(method=method, chat_id=chat_id, error=error, hang=hang, drop=drop, body=body, times=times)
        )

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            if request.match_info["token"] != self._token:
                raise _UNAUTHORIZED
            params = await read_params(request)
            method = request.match_info["method"]
            fault = self.faults.take(method, params.text("chat_id")) if self.faults.ordered else None
            if fault is None:
                return _json(await self._answer(method, params))
            return await self._answer_with(fault, request, method, params)
        except ApiError as error:
            return web.Response(status=error.status, body=error.body(), content_type="application/json")

    async def _answer(self, method: str, params: Params, refusal: ApiError | None = None) -> bytes:
        self.requests.append(Call(method=method, params=params.plain(), at=self.world.now()))
        if refusal is not None:
            raise refusal
        act = METHODS.get(method.lower())
        if act is None:
            raise _NO_METHOD
        if self._limits:
            self._limits.check(method.lower(), params.text("chat_id"))
        result = act(self.world, params)
        if inspect.isawaitable(result):
            result = await result
        return orjson.dumps({"ok": True, "result": result})

    async def _answer_with(self, fault: Fault, request: web.Request, method: str, params: Params) -> web.Response:
        if fault.hang:
            await asyncio.sleep(fault.hang)
        if fault.drop == "before":
            return _cut(request)
        answer = await self._answer(method, params, fault.error)
        if fault.drop == "after":
            return _cut(request)
        return _json(answer if fault.body is None else fault.body)

    async def _call_quietly(self, method: str, values: dict[str, Any]) -> None:
        """Run the method a webhook answered with; as in Telegram, nobody learns how it went."""
        with contextlib.suppress(ApiError):
            await self._answer(method, Params(values))

    async def _download(self, request: web.Request) -> web.Response:
        media = self.world.files.at(request.match_info["path"])
        if request.match_info["token"] != self._token or media is None:
            error = ApiError(404, "Not Found")
            return web.Response(status=404, body=error.body(), content_type="application/json")
        return web.Response(body=media.data, content_type="application/octet-stream")


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
