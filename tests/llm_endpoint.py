"""An OpenAI-compatible endpoint that answers exactly what a test tells it to, over real HTTP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One reply: bytes as they are, or JSON; `hang` never answers and `drop` closes the connection instead."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False


def completion(content: str | None, *, sent: int = 100, received: int = 50, cached: int = 0, **choice: Any) -> Answer:
    """A chat completion saying `content`."""
    usage = {
        "prompt_tokens": sent,
        "completion_tokens": received,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    message = {"role": "assistant", "content": content}
    return Answer(
        body={"choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice], "usage": usage}
    )


def refusal(status: int, code: str = "", **headers: str) -> Answer:
    """An error reply in the provider's form."""
    return Answer(status=status, body={"error": {"message": "no", "code": code or None}}, headers=headers)


class Endpoint:
    """Gives the queued answers in order, then the last one again; remembers what was asked."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.asked: list[Any] = []
        self.url = ""
        self.arrived, self.closing = asyncio.Event(), asyncio.Event()

    def will(self, *answers: Answer) -> None:
        """Set the answers to come."""
        self.answers = deque(answers)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(orjson.loads(await request.read() or b"null"))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        self.arrived.set()
        if answer.hang:
            await self.closing.wait()
        if answer.drop and request.transport is not None:
            request.transport.close()
        body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
        headers = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in answer.headers.items()
        }
        return web.Response(body=body, status=answer.status, headers=headers)


@asynccontextmanager
async def open_endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint on the loopback until the block ends."""
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", endpoint._handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        await runner.cleanup()
