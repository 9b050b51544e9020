"""The stream of trades against the simulated KIS, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.kis.slots import MOST
from core.kis.stream import LONGEST_PAUSE, SETTLED, SILENCE, Taken, TickStream, pause
from core.kis.wire import Wire
from core.market.bar import Quote
from core.settings import KisSettings
from sim.kis.server import KisServer
from sim.market import SimMarket, generated_market

UNTIL = date(2026, 2, 20)
IN_SESSION = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
WATCHED = {"005930": 3, "000660": 1}


class NotingClock(ManualClock):
    """A manual clock that keeps for how long it was slept."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
def clock() -> NotingClock:
    return NotingClock(IN_SESSION)


@pytest.fixture
async def kis(market: SimMarket, clock: NotingClock) -> AsyncIterator[KisServer]:
    server = KisServer(market, clock.now)
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def stream_of(server: KisServer, clock: ManualClock, *, secret: str = "demo-secret") -> AsyncIterator[TickStream]:
    settings = KisSettings(
        app_key=SecretStr("demo-key"), app_secret=SecretStr(secret), base_url=server.url, ws_url=server.ws_url
    )
    wire = Wire(settings)
    try:
        async with TickStream(settings.ws_address, wire, clock=clock) as stream:
            yield stream
    finally:
        await wire.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on a socket
            await asyncio.sleep(0)


async def taken_from(stream: TickStream, *, least: int = 1) -> list[Quote]:
    quotes: list[Quote] = []

    def enough() -> bool:
        quotes.extend(stream.take().quotes)
        return len(quotes) >= least

    await until(enough)
    return quotes


async def test_trades_of_what_is_watched_are_told_as_the_exchange_shows_them(
    kis: KisServer, market: SimMarket, clock: NotingClock
) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: stream.live == set(WATCHED))
        await kis.ticks.publish()
        quotes = {quote.code: quote for quote in await taken_from(stream, least=2)}
        assert stream.told_since(IN_SESSION) == set(WATCHED)
    assert set(quotes) == set(WATCHED)
    for code, quote in quotes.items():
        shown = market.quote(code, clock.now())
        assert shown is not None
        assert (quote.price, quote.change, quote.volume) == (shown.bar.close, shown.change, shown.bar.volume)
    assert kis.ticks.log == [("OPSP0000", "005930"), ("OPSP0000", "000660")]


@pytest.mark.parametrize("width", [46, 47])
async def test_only_the_newest_price_of_a_stock_is_kept_until_it_is_taken(
    kis: KisServer, clock: NotingClock, width: int
) -> None:
    kis.ticks.width = width
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
        for _ in range(5):
            clock.move(timedelta(minutes=1))
            await kis.ticks.publish(["005930"])
        await kis.ticks.send("the last of them")
        found: list[Taken] = []

        def told() -> bool:
            found.append(stream.take())
            return bool(found[-1].rejected)

        await asyncio.sleep(0)
        await until(told)
        (last,) = [quote for taken in found for quote in taken.quotes][-1:]
        assert last.at == clock.now().replace(microsecond=0)
        assert stream.take() == Taken(quotes=(), rejected=())


async def test_what_is_watched_no_more_is_left_and_what_is_new_taken(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
        await stream.watch({"005930": 1, "035720": 1})
        await until(lambda: stream.live == {"005930", "035720"})
    assert kis.ticks.log[2:] == [("OPSP0001", "000660"), ("OPSP0000", "035720")]
    assert kis.ticks.connections == 1


async def test_no_more_is_registered_than_there_are_places(
    kis: KisServer, market: SimMarket, clock: NotingClock
) -> None:
    codes = sorted(market.issues)[:60]
    async with stream_of(kis, clock) as stream:
        await stream.watch(dict.fromkeys(codes, 1))
        await until(lambda: len(stream.live) == MOST)
    assert [said for said, _ in kis.ticks.log] == ["OPSP0000"] * MOST


async def test_a_server_that_has_fewer_places_is_asked_for_no_more(
    kis: KisServer, market: SimMarket, clock: NotingClock
) -> None:
    kis.ticks.most = 3
    wanted = dict.fromkeys(sorted(market.issues)[:6], 1)
    async with stream_of(kis, clock) as stream:
        await stream.watch(wanted)
        await until(lambda: len(kis.ticks.log) == 6 and len(stream.live) == 3)
        await kis.ticks.ping()
        await until(lambda: kis.ticks.pongs)
        await stream.watch(wanted)
        await kis.ticks.ping()
        await until(lambda: kis.ticks.pongs == 2)
        assert len(stream.live) == 3
    assert [said for said, _ in kis.ticks.log] == ["OPSP0000"] * 3 + ["OPSP0008"] * 3


async def test_a_ping_is_sent_back(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: stream.live)
        await kis.ticks.ping()
        await until(lambda: kis.ticks.pongs)


async def test_a_registration_that_stands_already_counts_and_a_refused_one_is_not_tried_again(
    kis: KisServer, clock: NotingClock
) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch({"999990": 9, "005930": 1})
        await until(lambda: stream.live == {"005930"} and len(kis.ticks.log) == 2)
        again = '{"header":{"tr_id":"H0STCNT0","tr_key":"005930"},"body":{"rt_cd":"1","msg_cd":"OPSP0002","msg1":"x"}}'
        await kis.ticks.send(again)
        await stream.watch({"999990": 9, "005930": 1})
        await kis.ticks.ping()
        await until(lambda: kis.ticks.pongs)
        assert stream.live == {"005930"}
    assert kis.ticks.log == [("OPSP8992", "999990"), ("OPSP0000", "005930")]


async def test_a_bad_frame_is_set_aside_and_the_rest_goes_on(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
        await kis.ticks.send("0|H0STCNT0|002|005930^1")
        await kis.ticks.publish()
        found: list[Taken] = []

        def both() -> bool:
            found.append(stream.take())
            return len([quote for taken in found for quote in taken.quotes]) == 2

        await until(both)
        (bad,) = [row for taken in found for row in taken.rejected]
        assert bad.raw == "0|H0STCNT0|002|005930^1"
        assert "2 fields" in bad.reason
    assert kis.ticks.connections == 1


async def test_a_lost_connection_comes_back_with_all_its_registrations(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
        kis.ticks.drop()
        await until(lambda: not stream.live)
        await until(lambda: len(stream.live) == 2)
        await kis.ticks.publish()
        assert len(await taken_from(stream, least=2)) == 2
    assert kis.ticks.connections == 2
    approvals = [asked for asked in kis.requests if asked.path == "/oauth2/Approval"]
    assert len(approvals) == 1


async def test_while_kis_is_away_the_waits_grow_to_five_minutes(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await until(lambda: kis.ticks.connections)
        await kis.stop()
        clock.slept.clear()
        await until(lambda: len(clock.slept) >= 12)
        waits = clock.slept[:12]
        assert waits == sorted(waits)
        assert waits[:3] in ([1, 2, 4], [2, 4, 8])
        assert waits[-1] == LONGEST_PAUSE
        await kis.start()
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)


async def test_a_connection_that_held_a_while_makes_the_waits_begin_anew(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock):
        for connection in (1, 2, 3):
            await until(lambda: kis.ticks._listener is not None and kis.ticks.connections == connection)  # noqa: B023
            clock.move(SETTLED)
            clock.slept.clear()
            kis.ticks.drop()
            await until(lambda: clock.slept)
            assert clock.slept == [1.0]


def test_a_wait_is_never_longer_than_five_minutes() -> None:
    assert [pause(failures) for failures in (1, 2, 3, 9, 10, 1_000_000)] == [1, 2, 4, 256, 300, 300]


async def test_an_unknown_approval_key_is_replaced(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await until(lambda: kis.ticks.connections)
        kis.ticks.forget_keys()
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
    assert kis.ticks.log[0][0] == "OPSP0011"
    assert sum(asked.path == "/oauth2/Approval" for asked in kis.requests) == 2


async def test_a_second_connection_of_a_key_waits_a_minute_and_takes_over(kis: KisServer, clock: NotingClock) -> None:
    other = NotingClock(IN_SESSION)
    async with AsyncExitStack() as opened:
        async with stream_of(kis, clock) as first:
            await first.watch(WATCHED)
            await until(lambda: len(first.live) == 2)
            second = await opened.enter_async_context(stream_of(kis, other))
            await second.watch(WATCHED)
            await until(lambda: any(wait >= 59 for wait in other.slept))
            assert ("OPSP8996", "005930") in kis.ticks.log
            assert not second.live
        await until(lambda: len(second.live) == 2)


async def test_a_wrong_secret_is_not_tried_every_second(kis: KisServer, clock: NotingClock) -> None:
    with capture_logs() as logs:
        async with stream_of(kis, clock, secret="wrong-secret-of-mine") as stream:
            await until(lambda: len(clock.slept) >= 2)
            assert stream.live == frozenset()
    assert clock.slept[:2] == [LONGEST_PAUSE] * 2
    assert "wrong-secret" not in str(logs)


async def test_a_connection_that_falls_silent_is_replaced(kis: KisServer, clock: NotingClock) -> None:
    async with stream_of(kis, clock) as stream:
        await stream.watch(WATCHED)
        await until(lambda: len(stream.live) == 2)
        clock.move(SILENCE - timedelta(seconds=1))
        await stream.watch(WATCHED)
        assert stream.live
        clock.move(timedelta(seconds=2))
        await stream.watch(WATCHED)
        await until(lambda: kis.ticks.connections == 2 and len(stream.live) == 2)


async def test_without_an_address_nothing_is_asked_or_told(kis: KisServer, clock: NotingClock) -> None:
    wire = Wire(KisSettings(app_key=SecretStr("k"), app_secret=SecretStr("s"), base_url=kis.url))
    async with TickStream("", wire, clock=clock) as stream:
        await stream.watch(WATCHED)
        assert (stream.live, stream.take()) == (frozenset(), Taken(quotes=(), rejected=()))
    await wire.close()
    assert not kis.requests


def test_the_address_is_that_of_the_environment_unless_another_api_is_named() -> None:
    assert KisSettings().ws_address == "ws://ops.koreainvestment.com:21000/tryitout"
    assert KisSettings(paper=True).ws_address == "ws://ops.koreainvestment.com:31000/tryitout"
    assert KisSettings(base_url="http://127.0.0.1:1").ws_address == ""
    assert KisSettings(ws_url="wss://example.org/s").ws_address == "wss://example.org/s"
