"""Fetching is polite, capped, typed, and goes nowhere a setting does not name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from aiohttp import web

from core.clock import ManualClock
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.http import Fetcher

START = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
NOTHING: Mapping[str, str] = MappingProxyType({})
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def site(serve: Serve) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@asynccontextmanager
async def fetching(serve: Serve, *, gap: float = 0, also: str = "") -> AsyncIterator[tuple[Fetcher, str, ManualClock]]:
    clock = ManualClock(START)
    async with site(serve) as address:
        fetcher = Fetcher((address, also or address), clock=clock, seconds_between_calls=gap)
        yield fetcher, address, clock
        await fetcher.close()


def answering(status: int = 200, body: bytes = b"ok", headers: Mapping[str, str] = NOTHING) -> Serve:
    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return serve


async def test_the_body_comes_back() -> None:
    async with fetching(answering(body="한글".encode())) as (fetcher, address, _):
        assert (await fetcher.get(f"{address}/x", params={"q": "삼성"})).decode() == "한글"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Blocked), (403, Blocked), (410, Blocked), (404, Malformed), (429, QuotaExceeded), (500, Unavailable)],
)
async def test_a_status_is_a_reaction(status: int, error: type[StockPilotError]) -> None:
    async with fetching(answering(status)) as (fetcher, address, _):
        with pytest.raises(error):
            await fetcher.get(address)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30), ("Fri, 20 Feb 2026 06:52:00 GMT", 120), ("soon", 60), ("999999999", 86_400)],
)
async def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: int) -> None:
    async with fetching(answering(429, headers={"Retry-After": value})) as (fetcher, address, _):
        with pytest.raises(QuotaExceeded) as caught:
            await fetcher.get(address)
    assert caught.value.retry_at == START + timedelta(seconds=seconds)


async def test_a_dead_host_is_unavailable() -> None:
    async with fetching(answering()) as (_, address, clock):
        dead = address
    fetcher = Fetcher((dead,), clock=clock)
    with pytest.raises(Unavailable):
        await fetcher.get(dead)
    await fetcher.close()


async def test_a_huge_reply_is_cut_off() -> None:
    async with fetching(answering(body=b"x" * 100_000)) as (fetcher, address, _):
        with pytest.raises(Malformed, match="over 1,000 bytes"):
            await fetcher.get(address, max_bytes=1_000)


async def test_an_undecodable_reply_is_malformed() -> None:
    async with fetching(answering(body=b"not gzip", headers={"Content-Encoding": "gzip"})) as (fetcher, address, _):
        with pytest.raises(Malformed):
            await fetcher.get(address)


@pytest.mark.parametrize("url", ["http://example.com/", "file:///etc/passwd", "http://169.254.169.254/", "nonsense"])
async def test_an_address_no_setting_names_is_refused(url: str) -> None:
    async with fetching(answering()) as (fetcher, _, _):
        with pytest.raises(Unsupported):
            await fetcher.get(url)


async def test_a_redirect_out_of_the_allow_list_is_refused() -> None:
    async with fetching(answering(302, headers={"Location": "http://127.0.0.1:1/steal"})) as (fetcher, address, _):
        with pytest.raises(Unsupported):
            await fetcher.get(address)


async def test_a_redirect_inside_is_followed_but_not_for_ever() -> None:
    hops = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal hops
        hops += 1
        if request.path == "/once":
            raise web.HTTPFound("/done")
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        return web.Response(body=b"done")

    async with fetching(serve) as (fetcher, address, _):
        assert await fetcher.get(f"{address}/once") == b"done"
        with pytest.raises(Malformed, match="redirects"):
            await fetcher.get(f"{address}/loop")
    assert hops == 2 + 4


async def test_calls_of_one_host_are_spaced_and_never_overlap() -> None:
    under_way = most = 0

    async def serve(_request: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.Response(body=b"ok")

    async with fetching(serve, gap=0.5) as (fetcher, address, clock):
        await asyncio.gather(*(fetcher.get(address) for _ in range(4)))
        assert most == 1
        assert clock.now() - START == timedelta(seconds=1.5)


async def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    fetcher = Fetcher(("http://localhost.localdomain",), clock=ManualClock(START))
    with pytest.raises((Unsupported, Unavailable)):
        await fetcher.get("http://localhost.localdomain/")
    await fetcher.close()
