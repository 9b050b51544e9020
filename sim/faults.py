"""Faults on demand: what a simulated service answers instead of the truth, for the next requests of a path."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web
from aiohttp.typedefs import Handler

Effect = Literal["answer", "truncate", "empty", "hang", "close", "slow", "html", "wrong_encoding"]

HTML_PAGE = (
    "<!doctype html><html><head><title>서비스 점검</title></head><body><p>잠시 후 다시 이용해 주세요.</p></body></html>"
)


@dataclass(kw_only=True)
class Fault:
    """What happens to the next `times` requests whose path contains `path`.

    `answer`: `status`, `headers` and `body` as given · `truncate`: the true answer, cut in the middle and closed ·
    `empty`: the status with no body · `hang`: no answer until the caller or the server gives up · `close`: the
    connection is dropped · `slow`: the true answer after `seconds` · `html`: a page instead of the true answer ·
    `wrong_encoding`: the true answer in cp949 while its header says UTF-8.
    """

    effect: Effect = "answer"
    path: str = ""
    times: int = 1
    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1.0


class Faults:
    """The faults of one server, used up in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.applied: list[tuple[str, Effect]] = []

    def add(
        self,
        effect: Effect = "answer",
        *,
        path: str = "",
        times: int = 1,
        status: int = 200,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        seconds: float = 1.0,
    ) -> None:
        """Let the next `times` requests whose path contains `path` end in `effect` (see `Fault`)."""
        self._waiting.append(
            Fault(
                effect=effect,
                path=path,
                times=times,
                status=status,
                body=body,
                headers=headers or {},
                seconds=seconds,
            )
        )

    def clear(self, path: str | None = None) -> None:
        """Back to the truth; with `path`, only where a fault was added for it."""
        self._waiting = [fault for fault in self._waiting if path is not None and fault.path != path]

    def take(self, path: str) -> Fault | None:
        """The fault due for a request of `path`, counted as used."""
        found = next((fault for fault in self._waiting if fault.path in path), None)
        if found is None:
            return None
        found.times -= 1
        if found.times <= 0:
            self._waiting.remove(found)
        self.applied.append((path, found.effect))
        return found


async def apply(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer `request` as `fault` says; `handler` gives the true answer where the fault needs it."""
    match fault.effect:
        case "answer":
            return _answer(fault)
        case "empty":
            return web.Response(status=fault.status, headers=fault.headers)
        case "html":
            return web.Response(status=fault.status, text=HTML_PAGE, content_type="text/html")
        case "hang":
            await asyncio.Event().wait()
        case "close":
            return _drop(request)
        case "slow":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        case "truncate":
            return await _cut(request, _body(await handler(request)))
        case "wrong_encoding":
            truth = await handler(request)
            body = _body(truth).decode().encode("cp949", "replace")
            return web.Response(status=truth.status, body=body, content_type=truth.content_type, charset="utf-8")
    raise AssertionError(fault.effect)


def _answer(fault: Fault) -> web.Response:
    body = fault.body.encode() if isinstance(fault.body, str) else fault.body
    headers = {"Content-Type": "application/json; charset=utf-8", **fault.headers}
    return web.Response(status=fault.status, body=body, headers=headers)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _drop(request)
    return response
