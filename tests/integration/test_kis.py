"""The KIS client against the simulated KIS over HTTP, with its token in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database
from core.errors import Blocked, Malformed, NotConfigured, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.kis.client import KisClient
from core.kis.models import KisTokenRow
from core.settings import KisSettings
from sim.kis.server import KisServer
from sim.market import SimMarket, generated_market

UNTIL = date(2026, 2, 20)
AFTER_CLOSE = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
async def kis(market: SimMarket, clock: ManualClock) -> AsyncIterator[KisServer]:
    server = KisServer(market, clock.now)
    await server.start()
    yield server
    await server.stop()


def settings_of(server: KisServer, *, secret: str = "demo-secret", rate: float | None = None) -> KisSettings:
    return KisSettings(
        app_key=SecretStr("demo-key"), app_secret=SecretStr(secret), base_url=server.url, calls_per_second=rate
    )


@asynccontextmanager
async def client_of(server: KisServer, db: Database, clock: ManualClock, **changed: object) -> AsyncIterator[KisClient]:
    client = KisClient(settings_of(server, **changed), db=db, clock=clock)  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.close()


def issues(server: KisServer) -> int:
    return sum(asked.path == "/oauth2/tokenP" for asked in server.requests)


def asked(server: KisServer) -> int:
    return len(server.requests) - issues(server)


async def test_a_quote_is_what_the_exchange_shows(
    kis: KisServer, market: SimMarket, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        quote = await client.quote("005930")
    shown = market.quote("005930", clock.now())
    assert shown is not None
    assert (quote.price, quote.change, quote.volume, quote.value) == (
        shown.bar.close,
        shown.change,
        shown.bar.volume,
        shown.bar.value,
    )
    assert quote.at == AFTER_CLOSE


async def test_a_year_of_bars_takes_three_calls_and_equals_the_exchange(
    kis: KisServer, market: SimMarket, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        chart = await client.daily_bars("005930", date(2025, 2, 12), UNTIL)
    wanted = [bar for bar in market.bars("005930", until=clock.now()) if bar.day >= date(2025, 2, 12)]
    assert [(bar.day, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value) for bar in chart.bars] == [
        (bar.day, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value) for bar in wanted
    ]
    assert 240 < len(wanted) <= 300
    assert asked(kis) == 3


async def test_an_unknown_stock_is_not_offered(kis: KisServer, database: Database, clock: ManualClock) -> None:
    async with client_of(kis, database, clock) as client:
        with pytest.raises(Unsupported, match="999990"):
            await client.quote("999990")
        with pytest.raises(Unsupported, match="999990"):
            await client.daily_bars("999990", UNTIL, UNTIL)


async def test_two_processes_share_one_token(kis: KisServer, database: Database, clock: ManualClock) -> None:
    other = Database(str(database.url).replace("+asyncpg", ""), pool_size=2)
    try:
        async with client_of(kis, database, clock) as first, client_of(kis, other, clock) as second:
            await asyncio.gather(*(client.quote("005930") for client in (first, second) for _ in range(5)))
    finally:
        await other.close()
    assert issues(kis) == 1
    assert asked(kis) == 10


async def test_a_restart_uses_the_stored_token(kis: KisServer, database: Database, clock: ManualClock) -> None:
    for _ in range(3):
        async with client_of(kis, database, clock) as client:
            await client.quote("005930")
        clock.move(timedelta(hours=1))
    assert issues(kis) == 1


async def test_a_token_is_renewed_before_its_end(kis: KisServer, database: Database, clock: ManualClock) -> None:
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
        clock.move(timedelta(hours=23, minutes=49))
        await client.quote("005930")
        assert issues(kis) == 1
        clock.move(timedelta(minutes=2))
        await client.quote("005930")
    assert issues(kis) == 2


async def test_a_refused_renewal_uses_the_old_token_to_its_end_and_asks_once_a_minute(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
        clock.move(timedelta(hours=23, minutes=51))
        kis.faults.add("answer", path="tokenP", status=500, times=5, body="{}")
        for _ in range(4):
            await client.quote("005930")
    assert issues(kis) == 2


async def test_a_token_that_died_early_is_replaced_once_for_all_who_ask(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
        clock.move(timedelta(minutes=5))
        kis.tokens.expire_all()
        await asyncio.gather(*(client.quote("005930") for _ in range(6)))
    assert issues(kis) == 2


async def test_a_token_another_process_renewed_is_taken_from_the_database(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as first, client_of(kis, database, clock) as second:
        await first.quote("005930")
        await second.quote("005930")
        clock.move(timedelta(minutes=5))
        kis.tokens.expire_all()
        await first.quote("005930")
        await second.quote("005930")
    assert issues(kis) == 2


async def test_a_token_that_dies_within_a_minute_is_not_issued_again(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
        kis.tokens.expire_all()
        with pytest.raises(QuotaExceeded) as caught:
            await client.quote("005930")
        assert issues(kis) == 1
        assert caught.value.retry_at is not None
        clock.at = caught.value.retry_at
        await client.quote("005930")
    assert issues(kis) == 2


async def test_a_token_issued_elsewhere_within_the_minute_says_when_to_come_back(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    kis.tokens.issue({"grant_type": "client_credentials", "appkey": "demo-key", "appsecret": "demo-secret"})
    async with client_of(kis, database, clock) as client:
        for _ in range(3):
            with pytest.raises(QuotaExceeded) as caught:
                await client.quote("005930")
            assert caught.value.retry_at == clock.now() + timedelta(minutes=1)
        assert issues(kis) == 1
        clock.move(timedelta(minutes=1))
        await client.quote("005930")


async def test_a_wrong_secret_is_a_block_and_says_no_secret(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock, secret="wrong-secret") as client:
        with pytest.raises(Blocked, match="EGW00105") as caught:
            await client.quote("005930")
    assert "wrong-secret" not in repr(caught.value)
    async with database.begin() as conn:
        assert (await conn.execute(select(KisTokenRow))).all() == []


async def test_over_the_rate_it_waits_a_second_and_asks_again(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    kis.faults.add(
        "answer", path="inquire", status=500, times=3, body='{"rt_cd":"1","msg_cd":"EGW00201","msg1":"초당"}'
    )
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
    assert clock.now() - AFTER_CLOSE >= timedelta(seconds=1 + 2 + 4)


async def test_over_the_rate_four_times_is_a_quota_with_a_time(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    kis.faults.add("answer", path="inquire", status=429, times=9)
    async with client_of(kis, database, clock) as client:
        with pytest.raises(QuotaExceeded) as caught:
            await client.quote("005930")
    assert caught.value.retry_at is not None
    assert asked(kis) == 4


async def test_a_hundred_concurrent_callers_leave_within_the_rate(database: Database, clock: ManualClock) -> None:
    left: list[datetime] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/tokenP":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 86_400})
        left.append(clock.now())
        output = {"stck_prpr": "1000", "prdy_vrss": "0", "prdy_ctrt": "0", "acml_vol": "1", "acml_tr_pbmn": "1000"}
        return httpx.Response(200, json={"rt_cd": "0", "output": output})

    settings = KisSettings(app_key=SecretStr("k"), app_secret=SecretStr("s"), base_url="http://127.0.0.1:1")
    client = KisClient(settings, db=database, clock=clock, transport=httpx.MockTransport(answer))
    await asyncio.gather(*(client.quote("005930") for _ in range(100)))
    await client.close()
    second = timedelta(seconds=1)
    assert len(left) == 100
    assert max(sum(first <= moment < first + second for moment in left) for first in left) <= 18


async def test_a_key_that_is_allowed_less_finds_its_pace(
    market: SimMarket, database: Database, clock: ManualClock
) -> None:
    server = KisServer(market, clock.now, calls_per_second=3)
    await server.start()
    try:
        async with client_of(server, database, clock) as client:
            for _ in range(60):
                await client.quote("005930")
    finally:
        await server.stop()
    assert server.refused_for_rate <= 8  # 19 when every refusal is only waited for


@pytest.mark.parametrize("effect", ["close", "truncate"])
async def test_a_broken_connection_is_tried_again(
    kis: KisServer, database: Database, clock: ManualClock, effect: str
) -> None:
    kis.faults.add(effect, path="inquire", times=2)  # type: ignore[arg-type]
    async with client_of(kis, database, clock) as client:
        assert (await client.quote("005930")).price > 0


Fault = Callable[[KisServer], None]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda kis: kis.faults.add("html", path="inquire", times=9), Malformed),
        (lambda kis: kis.faults.add("html", path="inquire", status=503, times=9), Unavailable),
        (lambda kis: kis.faults.add("empty", path="inquire", times=9), Malformed),
        (lambda kis: kis.faults.add("wrong_encoding", path="inquire", times=9), Malformed),
        (lambda kis: kis.faults.add("truncate", path="inquire", times=9), Unavailable),
        (lambda kis: kis.faults.add("close", path="inquire", times=9), Unavailable),
        (lambda kis: kis.faults.add("answer", path="inquire", body='{"rt_cd":"0"}', times=9), Malformed),
        (lambda kis: kis.faults.add("answer", path="inquire", body="[" * 9_999, times=9), Malformed),
        (lambda kis: kis.faults.add("html", path="tokenP", times=9), Malformed),
        (lambda kis: kis.faults.add("close", path="tokenP", times=9), Unavailable),
        (lambda kis: kis.faults.add("answer", path="tokenP", body='{"access_token":"a\\nb"}', times=9), Malformed),
        (lambda kis: kis.faults.add("answer", path="tokenP", body='{"access_token":"ab"}', times=9), Malformed),
    ],
)
async def test_every_bad_reply_is_a_typed_failure(
    kis: KisServer, database: Database, clock: ManualClock, fault: Fault, error: type[StockPilotError]
) -> None:
    fault(kis)
    async with client_of(kis, database, clock) as client:
        with pytest.raises(StockPilotError) as caught:
            await client.quote("005930")
        assert type(caught.value) is error
        kis.faults.clear()
        assert (await client.quote("005930")).price > 0


async def test_a_dead_service_is_unavailable_after_three_tries(
    kis: KisServer, database: Database, clock: ManualClock
) -> None:
    async with client_of(kis, database, clock) as client:
        await client.quote("005930")
        await kis.stop()
        with pytest.raises(Unavailable, match="ConnectError"):
            await client.quote("005930")


async def test_the_wrong_environment_is_a_block(market: SimMarket, database: Database, clock: ManualClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/tokenP":
            return httpx.Response(
                200, json={"access_token": "t", "access_token_token_expired": "2026-02-21 15:00:00", "expires_in": 1}
            )
        return httpx.Response(500, json={"rt_cd": "1", "msg_cd": "EGW02004", "msg1": "실전투자 TR 이 아닙니다."})

    settings = KisSettings(app_key=SecretStr("k"), app_secret=SecretStr("s"), base_url="http://127.0.0.1:1")
    client = KisClient(settings, db=database, clock=clock, transport=httpx.MockTransport(answer))
    with pytest.raises(Blocked, match="EGW02004"):
        await client.quote("005930")
    await client.close()


async def test_without_a_key_it_is_not_configured(database: Database, clock: ManualClock) -> None:
    client = KisClient(KisSettings(), db=database, clock=clock)
    assert not client.configured
    with pytest.raises(NotConfigured):
        await client.quote("005930")
    await client.close()
