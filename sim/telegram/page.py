"""What the chat page asks for: its HTML, the chat as data, live events, and what the person at it does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from core.clock import KST
from sim.telegram.chats import Click, Json, Message
from sim.telegram.people import TelegramUser
from sim.telegram.text import TEXT_LIMIT, to_html
from sim.telegram.world import Event, World

_TICK_SECONDS = 5.0
_WEEKDAYS = "월화수목금토일"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class ChatPage:
    """Routes of the chat page. `users` are the people one can be on it."""

    def __init__(self, world: World, users: Mapping[int, TelegramUser]) -> None:
        self._world = world
        self._users = users
        self._html = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")

    def add_routes(self, app: web.Application) -> None:
        """Put the page into an application."""
        app.router.add_get("/", self._page)
        app.router.add_get("/page/state", self._state)
        app.router.add_get("/page/events", self._events)
        app.router.add_get("/page/files/{unique_id}", self._file)
        app.router.add_post("/page/send", self._send)
        app.router.add_post("/page/click", self._click)

    async def _page(self, request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": _PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=self._html, content_type="text/html", headers=headers)

    def _user(self, named: Any) -> TelegramUser:
        """The person a request is about, the first one by default."""
        chosen = self._users.get(int(named)) if str(named).isdecimal() else next(iter(self._users.values()), None)
        if chosen is None:
            raise web.HTTPNotFound(text="no such person")
        return chosen

    async def _state(self, request: web.Request) -> web.Response:
        user = self._user(request.query.get("user", ""))
        state = {
            "now": self._clock(),
            "bot": {"name": self._world.bot.first_name, "username": self._world.bot.username},
            "user": user.id,
            "users": [{"id": other.id, "name": other.person.first_name} for other in self._users.values()],
            "commands": user.commands(),
            "messages": [self._message(message) for message in user.messages],
        }
        return _json(state)

    def _clock(self) -> str:
        return self._world.now().astimezone(KST).strftime("%Y-%m-%d %H:%M")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events of one person's chat, and the time every few seconds."""
        user = self._user(request.query.get("user", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        seen: asyncio.Queue[Event] = asyncio.Queue()
        self._world.watchers.add(seen.put_nowait)
        try:
            await self._stream(response, user, seen)
        except ConnectionResetError:
            return response  # the page was closed
        finally:
            self._world.watchers.discard(seen.put_nowait)
        return response

    async def _stream(self, response: web.StreamResponse, user: TelegramUser, seen: asyncio.Queue[Event]) -> None:
        told: Json | None = {"kind": "tick"}
        while True:
            if told:
                await response.write(b"data: " + orjson.dumps(told | {"now": self._clock()}) + b"\n\n")
            try:
                event = await asyncio.wait_for(seen.get(), _TICK_SECONDS)
            except TimeoutError:
                told = {"kind": "tick"}
                continue
            if event.kind == "stop":
                return
            told = self._told(event, user) if event.chat in (None, user.chat) else None

    def _told(self, event: Event, user: TelegramUser) -> Json | None:
        match event.kind, event.subject:
            case "message" | "edit", Message() as message:
                return {"kind": "message", "message": self._message(message)}
            case "delete", Message() as message:
                return {"kind": "delete", "id": message.id}
            case "callback", Click() as click:
                return {"kind": "callback", "text": click.text, "alert": click.alert, "url": _safe(click.url)}
            case "action", str() as action:
                return {"kind": "action", "action": action}
            case "menu", _:
                return {"kind": "menu", "commands": user.commands()}
        return None

    def _message(self, message: Message) -> Json:
        at = datetime.fromtimestamp(message.date, KST)
        shown: Json = {
            "id": message.id,
            "mine": not message.sender.is_bot,
            "html": to_html(message.text, message.entities),
            "time": at.strftime("%H:%M"),
            "day": f"{at.year}년 {at.month}월 {at.day}일 {_WEEKDAYS[at.weekday()]}요일",
            "edited": message.edited is not None,
            "buttons": [[_button(button) for button in row] for row in message.buttons],
            "keyboard": message.keyboard,
            "reactions": [reaction.get("emoji", "") for reaction in message.reactions],
        }
        if message.reply_to:
            shown["reply"] = message.reply_to.text[:80]
        if media := message.media:
            shown[media.kind] = {
                "url": f"/page/files/{media.unique_id}",
                "name": media.name,
                "bytes": len(media.data),
                "width": media.width,
                "height": media.height,
            }
        return shown

    async def _file(self, request: web.Request) -> web.Response:
        media = self._world.files.shown(request.match_info["unique_id"])
        if media is None:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": _FILE_POLICY, "X-Content-Type-Options": "nosniff"}
        if media.kind == "document" and media.mime != "text/html":
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(media.name)}"
        charset = "utf-8" if media.mime.startswith("text/") else None
        return web.Response(body=media.data, content_type=media.mime, charset=charset, headers=headers)

    async def _send(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        text = str(asked.get("text", "")).strip()[:TEXT_LIMIT]
        if text:
            self._user(asked.get("user")).send(text)
        return _json({"ok": bool(text)})

    async def _click(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        try:
            self._user(asked.get("user")).click(int(asked.get("message", 0)), str(asked.get("data", "")))
        except (KeyError, ValueError):
            # The message was edited or deleted while the person was pressing.
            return _json({"ok": False})
        return _json({"ok": True})


def _safe(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


def _button(button: Json) -> Json:
    """What the page needs of a button: one of data, url, copy; none of them for kinds it cannot do."""
    shown: Json = {"text": str(button["text"])}
    if "callback_data" in button:
        shown["data"] = str(button["callback_data"])
    elif url := _safe(str(button.get("url", ""))):
        shown["url"] = url
    elif isinstance(copied := button.get("copy_text"), dict):
        shown["copy"] = str(copied.get("text", ""))
    return shown


async def _asked(request: web.Request) -> Json:
    """The JSON of a request. Other content types are refused: a foreign page could send those unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        asked = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise web.HTTPBadRequest from None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest
    return asked


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
