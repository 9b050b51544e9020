"""Fetching is polite, capped, typed, and goes nowhere a setting does not name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import httpx
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.http import Fetcher, OutsideCall, authorities, pinned

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


async def test_an_address_is_looked_up_once_a_call_and_that_one_is_connected_to() -> None:
    """A name that stands for a public address when it is checked and for this machine when it is used."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) > 1 else ["127.0.0.1"]

    async with site(answering(body=b"here")) as address:
        name = address.replace("127.0.0.1", "localhost")
        fetcher = Fetcher((name,), clock=ManualClock(START), resolve=rebinding)
        assert await fetcher.get(name) == b"here"
        assert asked == ["localhost"], "a second look might have found another machine"
        with pytest.raises(Unsupported, match="private"):
            await fetcher.get(name)
        await fetcher.close()


async def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]

    async with site(answering(body=b"here")) as address:
        name = address.replace("127.0.0.1", "localhost")
        fetcher = Fetcher((name,), clock=ManualClock(START), resolve=resolve)
        assert await fetcher.get(name) == b"here"
        await fetcher.close()


def test_a_pinned_request_keeps_the_name_for_tls_and_for_the_host() -> None:
    request = httpx.Request("GET", "https://stock.naver.com/api?x=1", headers={"X": "y"})
    sent = pinned(request, "2001:4860:4860::8888")
    assert str(sent.url) == "https://[2001:4860:4860::8888]/api?x=1"
    assert sent.headers["host"] == "stock.naver.com"
    assert sent.extensions["sni_hostname"] == "stock.naver.com"
    assert sent.headers["x"] == "y"


def test_every_connection_verifies_its_host_by_authorities_that_are_read_once() -> None:
    assert authorities() is authorities()
    assert authorities().verify_mode is ssl.CERT_REQUIRED
    assert authorities().check_hostname
    assert authorities().get_ca_certs()


async def test_keys_are_not_carried_to_another_host() -> None:
    seen: list[str | None] = []

    async def there(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("X-Key"))
        return web.Response(body=b"there")

    async with (
        site(there) as other,
        fetching(answering(302, headers={"Location": f"{other}/x"}), also=other) as (
            fetcher,
            address,
            _,
        ),
    ):
        assert await fetcher.get(address, headers={"X-Key": "secret"}) == b"there"
        assert await fetcher.get(other, headers={"X-Key": "secret"}) == b"there"
    assert seen == [None, "secret"]


async def test_a_host_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    calls = 0

    async def serve(_request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        if calls == 1:
            return web.Response(status=503, headers={"Retry-After": "120"})
        return web.Response(body=b"back")

    async with fetching(serve) as (fetcher, address, clock):
        with pytest.raises(Unavailable):
            await fetcher.get(address)
        with pytest.raises(QuotaExceeded) as caught:
            await fetcher.get(f"{address}/other")
        assert caught.value.retry_at == START + timedelta(minutes=2)
        assert calls == 1
        clock.move(timedelta(minutes=2))
        assert await fetcher.get(address) == b"back"


@pytest.mark.parametrize("mark", [{"ETag": '"v1"'}, {"Last-Modified": "Fri, 20 Feb 2026 06:00:00 GMT"}])
async def test_what_did_not_change_is_not_sent_again(mark: dict[str, str]) -> None:
    sent: list[int] = []
    body, marks = b"one", mark

    async def serve(request: web.Request) -> web.StreamResponse:
        known = request.headers.get("If-None-Match") or request.headers.get("If-Modified-Since")
        status = 304 if known is not None and known in marks.values() else 200
        sent.append(status)
        return web.Response(status=status, body=body if status == 200 else None, headers=marks)

    async with fetching(serve) as (fetcher, address, _):
        assert [await fetcher.get(address) for _ in range(3)] == [b"one"] * 3
        assert await fetcher.get(address, params={"page": "2"}) == b"one"
        body, marks = b"two", {name: value.replace("v1", "v2").replace("06:", "07:") for name, value in mark.items()}
        assert [await fetcher.get(address) for _ in range(2)] == [b"two"] * 2
    assert sent == [200, 304, 304, 200, 200, 304]


async def test_a_reply_that_drips_is_given_up_and_noted() -> None:
    calls: list[OutsideCall] = []

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    async with site(drip) as address:
        fetcher = Fetcher((address,), clock=ManualClock(START), most_seconds=0.2, told=calls.append)
        with pytest.raises(Unavailable, match=r"over 0\.2 s"):
            await fetcher.get(address)
        await fetcher.close()
    assert [call.error for call in calls] == ["TimeoutError"]


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Location", "Retry-After", "ETag", "Content-Encoding", "Content-Length", "Transfer-Encoding"]),
        st.one_of(TEXTS, st.sampled_from(["gzip", "chunked", "-1", "http://[", "//", "http://127.0.0.1:1/", "/x"])),
    ),
    max_size=4,
)
REPLIES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda status, headers, body: (
            f"HTTP/1.1 {status} x\r\n".encode()
            + b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers)
            + b"\r\n"
            + body
        ),
        st.sampled_from([200, 204, 206, 301, 302, 304, 308, 403, 404, 429, 500, 503, 600, 999]),
        HEADERS,
        st.binary(max_size=200),
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(REPLIES, min_size=1, max_size=6))
def test_no_reply_whatever_raises_anything_but_our_errors(replies: list[bytes]) -> None:
    async def check() -> None:
        waiting = list(replies)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(waiting.pop(0) if waiting else b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        clock = ManualClock(START)
        fetcher = Fetcher((address,), clock=clock, seconds_between_calls=0)
        for _ in replies:
            retry_at: datetime | None = None
            try:
                assert isinstance(await fetcher.get(address, max_bytes=250), bytes)
            except QuotaExceeded as error:
                retry_at = error.retry_at
            except StockPilotError:
                pass
            if retry_at is not None:
                assert clock.now() <= retry_at <= clock.now() + timedelta(days=1)
                clock.move(retry_at - clock.now())
        await fetcher.close()
        server.close()
        await server.wait_closed()

    asyncio.run(check())
