"""Unpaid outside calls become rows, many at once, and nothing about writing them can fail a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import structlog
from aiohttp import web
from sqlalchemy import text

from core.clock import ManualClock
from core.db import Database
from core.errors import Blocked, Malformed, QuotaExceeded, Unavailable, Unsupported
from core.http import Fetcher, OutsideCall, endpoint_of
from core.kis.client import KisClient
from core.ledger import recorder as recording
from core.ledger.recorder import FLUSH_AT, MOST_WAITING, CallRecorder
from core.settings import KisSettings
from tests.usage_rows import AT, rows_of

CALL = OutsideCall(provider="kis", endpoint="inquire-price", status=200, error=None, response_ms=12)


@pytest.fixture
async def recorder(database: Database) -> AsyncIterator[CallRecorder]:
    opened = CallRecorder(database, ManualClock(AT))
    yield opened
    await opened.close()


async def count(db: Database) -> int:
    return int((await rows_of(db, "SELECT count(*) FROM usage_record"))[0][0])


async def test_a_call_becomes_a_row_that_costs_nothing(recorder: CallRecorder, database: Database) -> None:
    with structlog.contextvars.bound_contextvars(job="crawl_news", slot="2026-02-20T06:50:00+00:00"):
        recorder(CALL)
    recorder(OutsideCall(provider="kis", endpoint="tokenP", status=None, error="ConnectTimeout", response_ms=5000))
    await recorder.flush()
    first, second = await rows_of(database, "SELECT * FROM usage_record ORDER BY id")
    assert (first.at, first.settled_at, first.provider, first.endpoint) == (AT, AT, "kis", "inquire-price")
    assert (first.model, first.cost_usd, first.status_code, first.error_code, first.response_ms) == (
        "",
        0,
        200,
        None,
        12,
    )
    assert (first.purpose, first.request_id) == ("crawl_news", "crawl_news:2026-02-20T06:50:00+00:00")
    assert (second.status_code, second.error_code, second.purpose) == (None, "ConnectTimeout", "ask")
    assert second.request_id


async def test_enough_calls_are_written_without_waiting(recorder: CallRecorder, database: Database) -> None:
    for _ in range(FLUSH_AT):
        recorder(CALL)
    assert recorder._task is not None
    await recorder._task
    assert await count(database) == FLUSH_AT


async def test_closing_writes_what_waits_and_refuses_what_comes_later(database: Database) -> None:
    recorder = CallRecorder(database, ManualClock(AT))
    recorder(CALL)
    await recorder.close()
    recorder(CALL)
    assert await count(database) == 1
    assert recorder.lost == 1


async def test_calls_wait_while_the_database_is_away(database: Database) -> None:
    recorder = CallRecorder(database, ManualClock(AT))
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    recorder._db = away
    for _ in range(3):
        recorder(CALL)
    await recorder.flush()
    assert recorder.lost == 0
    recorder._db = database
    recorder(CALL)
    await recorder.flush()
    assert await count(database) == 4
    await recorder.close()
    await away.close()


async def test_what_finds_no_room_or_no_database_to_the_end_is_counted(database: Database) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    recorder = CallRecorder(away, ManualClock(AT))
    for _ in range(MOST_WAITING + 7):
        recorder(CALL)
    assert recorder.lost == 7
    await recorder.close()
    assert recorder.lost == MOST_WAITING + 7
    await away.close()


async def test_a_connection_cut_while_writing_loses_nothing(recorder: CallRecorder, database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("LOCK TABLE usage_record IN ACCESS EXCLUSIVE MODE"))
        recorder(CALL)
        writing = asyncio.create_task(recorder.flush())
        killed = 0
        while not killed:
            await asyncio.sleep(0)
            query = text("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted")
            killed = (await conn.execute(query)).scalar_one()
        await writing
    assert recorder.lost == 0
    await recorder.flush()
    assert await count(database) == 1


async def test_text_no_database_takes_does_not_lose_the_batch(recorder: CallRecorder, database: Database) -> None:
    recorder(CALL)
    recorder(OutsideCall(provider="k\x00\ud800", endpoint="e" * 10_000, status=1, error="\x00", response_ms=1))
    await recorder.flush()
    assert recorder.lost == 0
    rows = await rows_of(
        database, "SELECT provider, length(endpoint) AS long, error_code FROM usage_record ORDER BY id"
    )
    assert (rows[1].provider, rows[1].long, rows[1].error_code) == ("k", 120, "")


async def test_a_row_the_database_refuses_is_lost_and_counted(recorder: CallRecorder, database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("ALTER TABLE usage_record ADD CONSTRAINT picky CHECK (endpoint <> 'odd')"))
    recorder(replace(CALL, endpoint="odd"))
    await recorder.flush()
    assert recorder.lost == 1
    recorder(CALL)
    await recorder.flush()
    assert await count(database) == 1


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://n.news.naver.com/mnews/article/015/0000000001?a=1", "mnews/article"),
        ("https://m.stock.naver.com/api/news/stock/005930", "api/news/stock"),
        ("https://example.com", "/"),
        ("https://example.com/123", "/"),
        ("https://example.com/a/b/c/d/e", "a/b/c"),
    ],
)
def test_an_endpoint_is_the_fixed_part_of_an_address(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


async def test_every_fetch_is_told_with_how_it_ended() -> None:
    told: list[OutsideCall] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        status = int(request.query["status"])
        headers = {"location": "/news/list?status=200"} if status == 302 else {}
        return web.Response(status=status, body=b"x" * int(request.query.get("size", 1)), headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    fetcher = Fetcher((base, "http://127.0.0.1:1"), clock=ManualClock(AT), seconds_between_calls=0, told=told.append)
    url = f"{base}/news/list"
    await fetcher.get(url, params={"status": "302"})
    for status, expected in (("429", QuotaExceeded), ("403", Blocked), ("503", Unavailable), ("404", Malformed)):
        with pytest.raises(expected):
            await fetcher.get(url, params={"status": status})
    with pytest.raises(Malformed):
        await fetcher.get(url, params={"status": "200", "size": "9"}, max_bytes=5)
    with pytest.raises(Unavailable):
        await fetcher.get("http://127.0.0.1:1/x")
    with pytest.raises(Unsupported):
        await fetcher.get("http://127.0.0.2/x")
    await fetcher.close()
    await runner.cleanup()
    assert [(call.status, call.error) for call in told] == [
        (302, None),
        (200, None),
        (429, "http_429"),
        (403, "http_403"),
        (503, "http_503"),
        (404, "http_404"),
        (200, "Malformed"),
        (None, "ConnectError"),
    ]
    assert {(call.provider, call.endpoint) for call in told} == {("127.0.0.1", "news/list"), ("127.0.0.1", "x")}
    assert all(call.response_ms >= 0 for call in told)


async def test_every_exchange_with_kis_is_told_with_its_code_and_without_secrets(
    database: Database, clock: ManualClock
) -> None:
    told: list[OutsideCall] = []
    token = {"access_token": "t", "access_token_token_expired": "2026-02-21 15:50:00", "token_type": "Bearer"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("tokenP"):
            return httpx.Response(200, json=token)
        return httpx.Response(500, json={"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."})

    settings = KisSettings(app_key="key-of-nobody", app_secret="secret-of-nobody")
    client = KisClient(settings, db=database, clock=clock, transport=httpx.MockTransport(answer), told=told.append)
    with pytest.raises(QuotaExceeded):
        await client.quote("005930")
    await client.close()
    assert [(call.provider, call.endpoint, call.status, call.error) for call in told] == [
        ("kis", "tokenP", 200, None),
        *[("kis", "inquire-price", 500, "EGW00201")] * 4,
    ]


def test_the_columns_written_exist() -> None:
    from core.ledger.models import UsageRecordRow

    assert set(recording._COLUMNS) <= set(UsageRecordRow.__table__.columns.keys())
