from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from core.clock import ManualClock
from sim.http import SimServer, json_response


class Greeter(SimServer):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/hello", self._hello), web.get("/other", self._hello)]

    async def _hello(self, request: web.Request) -> web.Response:
        return json_response({"안녕": "하세요" * 50})


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[Greeter]:
    server = Greeter(clock.now)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: Greeter) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=0.5) as client:
        yield client


async def test_a_fault_is_used_up_and_touches_its_path_alone(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add(path="/hello", times=2, status=503, body='{"x":1}', headers={"Retry-After": "2"})
    assert (await client.get("/other")).status_code == 200
    broken = await client.get("/hello")
    assert (broken.status_code, broken.headers["Retry-After"], broken.json()) == (503, "2", {"x": 1})
    assert (await client.get("/hello")).status_code == 503
    assert (await client.get("/hello")).status_code == 200
    assert server.faults.applied == [("/hello", "answer")] * 2


async def test_a_truncated_answer_breaks_off(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add("truncate")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/hello")


async def test_a_closed_connection_is_no_answer(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add("close")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.get("/hello")
    assert (await client.get("/hello")).status_code == 200


async def test_a_hanging_answer_never_comes(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add("hang")
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/hello")


async def test_a_slow_answer_is_the_true_one(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add("slow", seconds=0.05)
    assert "안녕" in (await client.get("/hello")).json()


async def test_an_empty_a_page_and_a_wrongly_encoded_answer(server: Greeter, client: httpx.AsyncClient) -> None:
    server.faults.add("empty")
    server.faults.add("html")
    server.faults.add("wrong_encoding")
    assert (await client.get("/hello")).content == b""
    assert (await client.get("/hello")).headers["content-type"].startswith("text/html")
    wrong = await client.get("/hello")
    with pytest.raises(UnicodeDecodeError):
        wrong.content.decode()
    assert "안녕" in wrong.content.decode("cp949")


async def test_a_stopped_server_refuses_and_comes_back_at_its_address(
    server: Greeter, client: httpx.AsyncClient
) -> None:
    address = server.url
    await server.stop()
    with pytest.raises(httpx.ConnectError):
        await client.get("/hello")
    assert await server.start() == address
    assert (await client.get("/hello")).status_code == 200


async def test_a_server_remembers_what_was_asked(server: Greeter, client: httpx.AsyncClient) -> None:
    await client.get("/hello", params={"q": "삼성"}, headers={"x-one": "1"})
    asked = server.requests[-1]
    assert (asked.method, asked.path, asked.query["q"], asked.headers["x-one"]) == ("GET", "/hello", "삼성", "1")
