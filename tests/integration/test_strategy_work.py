"""What strategies do: the feed against the simulated KIS, and the watchers over stored bars."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.clock import ManualClock, kst, kst_date
from core.errors import Fenced
from core.market.bar import Bar
from core.market.queries import store_bars
from core.market.service import known_quotes
from core.prediction.forecast import Direction
from core.prediction.signals import golden_cross, new_high, volume_surge
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.queries import upsert_stocks
from core.stocks.service import refresh_stocks
from core.stocks.stock import Market, Stock
from core.strategies.price_feed import (
    DETAILS_EVERY,
    LEAST_LAP,
    QUIET,
    SHARE,
    Tape,
    lap,
    next_open,
    price_feed,
)
from core.strategies.queries import declare, list_states, lock_state, newest_signals, store_state
from core.strategies.registry import STRATEGIES
from core.strategies.state import Action, taken
from core.strategies.watching import NO_FLOWS, look, watch_flows
from core.strategies.worker import Worker
from sim.market import generated_market
from sim.world import World, open_world
from tests.conftest import NOW, OpenServices
from tests.sheets import CALENDAR, LAST_DAY, make_bar, sessions_until

FOLLOWED = ("000660", "005930", "035720")
IN_SESSION = kst(kst_date(NOW)) + timedelta(hours=10)
OTHER = Stock(code="000660", name="SK하이닉스", market=Market.KOSPI)
SAMSUNG = Stock(code="005930", name="삼성전자", market=Market.KOSPI)


async def worker_of(services: Services, id: str) -> Worker:
    """The running worker of a strategy."""
    async with services.db.begin() as conn:
        await declare(conn, [id], at=services.clock.now())
        state = await lock_state(conn, id)
        assert state is not None
        state = taken(state, Action.START, owner="test", now=services.clock.now())
        await store_state(conn, state)
    return Worker(services, id=id, epoch=state.epoch, state=state.state)


async def follow(services: Services, codes: Sequence[str]) -> None:
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE stock SET priority = 1 WHERE code = ANY(:codes)"), {"codes": list(codes)})


# The price feed


def unopened(services: Services, worker: Worker) -> Tape:
    """A tape of a stream that is down."""
    return Tape(services, worker, services.kis.stream())


@asynccontextmanager
async def tape_of(services: Services, worker: Worker) -> AsyncIterator[Tape]:
    """A tape of a stream that tells of all that is followed."""
    async with services.kis.stream() as stream:
        tape = Tape(services, worker, stream)
        await tape.follow(await followed_stocks(services))
        await until(lambda: tape.live == len(FOLLOWED))
        yield tape


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on a socket
            await asyncio.sleep(0)


async def published(world: World) -> None:
    """Trades of all that is registered, heard by whoever listens: an answer to the ping after them says so."""
    pongs = world.kis.ticks.pongs
    await world.kis.ticks.publish()
    await world.kis.ticks.ping()
    await until(lambda: world.kis.ticks.pongs > pongs)


def quotes_asked(world: World) -> int:
    return sum(asked.path.endswith("/inquire-price") for asked in world.kis.requests)


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(generated_market(7, until=LAST_DAY + timedelta(days=5)), clock, llm_latency=0.0) as opened:
        yield opened


@pytest.fixture
async def market(world: World, open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services over a simulated market in which three stocks are followed."""
    async with open_test_services(**world.settings_overrides()) as services:
        await services.cache.clear()
        await refresh_stocks(services)
        await follow(services, FOLLOWED)
        yield services


async def test_a_lap_freshens_every_followed_quote_at_its_share_of_the_calls(
    market: Services, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    await lap(market, worker, unopened(market, worker))
    calls_per_second = len(FOLLOWED) / (clock.now() - IN_SESSION).total_seconds()
    assert calls_per_second == pytest.approx(market.settings.kis.rate * SHARE, rel=0.01)
    quotes = await known_quotes(market, FOLLOWED)
    assert set(quotes) == set(FOLLOWED)
    assert all(quote.source == "KIS" and quote.at >= IN_SESSION for quote in quotes.values())
    assert {name: worker.state[name] for name in ("stocks", "missed")} == {"stocks": 3, "missed": 0}


async def test_a_lap_without_kis_raises_nothing_and_says_what_was_missed(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    await lap(market, worker, unopened(market, worker))
    await world.kis.stop()
    clock.move(timedelta(minutes=1))
    await lap(market, worker, unopened(market, worker))
    assert (worker.state["stocks"], worker.state["missed"]) == (3, 3)


async def test_the_feed_sleeps_until_the_open_with_heartbeats_and_then_works(
    market: Services, clock: ManualClock
) -> None:
    clock.at = CALENDAR.opens(LAST_DAY) - timedelta(minutes=3)
    worker = await worker_of(market, "price_feed")
    feed = asyncio.create_task(price_feed(market, worker))
    while not worker.state:
        await asyncio.sleep(0)
        async with market.db.read() as conn:
            state = (await list_states(conn))["price_feed"]
        assert clock.now() - state.seen_at <= timedelta(minutes=2)
    feed.cancel()
    await asyncio.wait({feed})
    assert clock.now() >= CALENDAR.opens(LAST_DAY)
    assert all(quote.at >= CALENDAR.opens(LAST_DAY) for quote in (await known_quotes(market, FOLLOWED)).values())


async def test_a_lap_asks_for_nothing_that_the_stream_tells_of(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    async with tape_of(market, worker) as tape:
        await lap(market, worker, tape)
        asked = quotes_asked(world)
        clock.move(timedelta(seconds=30))
        await published(world)
        await lap(market, worker, tape)
        assert quotes_asked(world) == asked == len(FOLLOWED)
        assert {name: worker.state[name] for name in ("stocks", "streamed", "missed", "note")} == {
            "stocks": 3,
            "streamed": 3,
            "missed": 0,
            "note": "streaming",
        }
        quotes = await known_quotes(market, FOLLOWED)
        assert all(quote.at >= IN_SESSION + timedelta(seconds=30) for quote in quotes.values())
        assert all(quote.high_52w for quote in quotes.values())


async def test_a_stock_of_which_the_stream_falls_quiet_is_asked_for(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    async with tape_of(market, worker) as tape:
        await lap(market, worker, tape)
        await published(world)
        clock.move(QUIET + timedelta(seconds=1))
        asked = quotes_asked(world)
        await lap(market, worker, tape)
        assert quotes_asked(world) == asked + len(FOLLOWED)
        await published(world)
        assert tape.covers("005930")
        clock.move(DETAILS_EVERY)
        await published(world)
        assert not tape.covers("005930")
        assert tape.covers("005930")


async def test_prices_of_the_stream_are_stored_once_a_second_and_only_the_newest(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    async with tape_of(market, worker) as tape:
        await tape.keep()
        clock.move(timedelta(milliseconds=900))
        await published(world)
        await tape.keep()
        assert not await known_quotes(market, FOLLOWED)
        clock.move(timedelta(seconds=5))
        await published(world)
        await tape.keep()
        newest = clock.now().replace(microsecond=0)
        assert {quote.at for quote in (await known_quotes(market, FOLLOWED)).values()} == {newest}


async def test_a_worker_that_was_taken_over_stores_no_more_prices(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    async with tape_of(market, worker) as tape:
        await worker_of(market, "price_feed")
        await published(world)
        with pytest.raises(Fenced):
            await tape.keep()
    assert not await known_quotes(market, FOLLOWED)


async def test_what_the_stream_garbles_waits_in_quarantine(market: Services, world: World, clock: ManualClock) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    async with tape_of(market, worker) as tape:
        await world.kis.ticks.send("0|H0STCNT0|001|005930^x")
        await published(world)
        await tape.keep()
    async with market.db.read() as conn:
        rows = (await conn.execute(text("SELECT source, raw FROM quarantine"))).all()
    assert [tuple(row) for row in rows] == [("kis_quote", "0|H0STCNT0|001|005930^x")]
    assert set(await known_quotes(market, FOLLOWED)) == set(FOLLOWED)


async def test_while_the_stream_is_down_everything_is_asked_for_and_the_worker_says_so(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = IN_SESSION
    worker = await worker_of(market, "price_feed")
    await lap(market, worker, unopened(market, worker))
    assert quotes_asked(world) == len(FOLLOWED)
    assert (worker.state["streamed"], worker.state["note"]) == (0, "polling")


async def test_the_feed_opens_the_stream_in_the_session_alone(
    market: Services, world: World, clock: ManualClock
) -> None:
    clock.at = CALENDAR.opens(LAST_DAY) - timedelta(minutes=3)
    worker = await worker_of(market, "price_feed")
    feed = asyncio.create_task(price_feed(market, worker))
    await until(lambda: worker.state.get("note") == "streaming" or feed.done())
    assert clock.now() >= CALENDAR.opens(LAST_DAY)
    await until(lambda: set(world.kis.ticks.codes) == set(FOLLOWED))
    clock.at = CALENDAR.closes(LAST_DAY)
    await until(lambda: not world.kis.ticks.codes)
    feed.cancel()
    await asyncio.wait({feed})


def test_the_next_open_is_today_s_before_it_and_the_next_session_s_after() -> None:
    opens = CALENDAR.opens(LAST_DAY)
    assert next_open(CALENDAR, opens - LEAST_LAP) == opens
    assert next_open(CALENDAR, opens) == CALENDAR.opens(CALENDAR.next_session(LAST_DAY))
    assert next_open(CALENDAR, opens + timedelta(days=1)) == CALENDAR.opens(CALENDAR.next_session(LAST_DAY))


# Watching bars


def surging(*, last: int = LAST_DAY.toordinal()) -> list[Bar]:
    """Sixty quiet sessions and a surge upwards on the last."""
    bars = [make_bar(day, 10_000) for day in sessions_until(LAST_DAY, 61)]
    bars[-1] = make_bar(LAST_DAY, 10_500, volume=9_000_000)
    return [bar for bar in bars if bar.day.toordinal() <= last]


async def store(services: Services, stock: Stock, bars: Sequence[Bar]) -> None:
    async with services.db.begin() as conn:
        await upsert_stocks(conn, [stock], at=services.clock.now())
        await store_bars(conn, stock.code, bars, source="KIS", at=services.clock.now())
    await follow(services, [stock.code])


async def test_a_signal_of_the_closed_session_is_kept_once(services: Services) -> None:
    await store(services, SAMSUNG, surging())
    worker = await worker_of(services, "volume_surge")
    for _ in range(2):
        done, waiting = await look(services, worker, volume_surge, day=LAST_DAY)
        assert (set(done), waiting) == ({SAMSUNG.code}, 0)
    async with services.db.read() as conn:
        (found,) = await newest_signals(conn, "volume_surge", limit=10)
    assert (found.code, found.name, found.day) == (SAMSUNG.code, SAMSUNG.name, LAST_DAY)
    assert (found.direction, found.figures) == (
        Direction.UP,
        {"close": 10_500, "volume_ratio": 9.0, "change_percent": 5.0},
    )
    assert worker.state == {"day": "2026-02-20", "stocks": 1, "waiting": 0}


async def test_a_stock_without_its_bar_is_waited_for_and_then_looked_at(services: Services) -> None:
    await store(services, SAMSUNG, surging(last=LAST_DAY.toordinal() - 1))
    await store(services, OTHER, surging())
    worker = await worker_of(services, "volume_surge")
    done, waiting = await look(services, worker, volume_surge, day=LAST_DAY)
    assert (set(done), waiting) == ({OTHER.code}, 1)
    await store(services, SAMSUNG, surging())
    done, waiting = await look(services, worker, volume_surge, day=LAST_DAY, done=done)
    assert (set(done), waiting) == ({OTHER.code, SAMSUNG.code}, 0)
    async with services.db.read() as conn:
        assert {found.code for found in await newest_signals(conn, "volume_surge", limit=10)} == done


async def test_a_split_makes_no_signal(services: Services) -> None:
    """Five for one: the raw price falls by four fifths, the adjusted one not at all."""
    bars = [make_bar(day, 50_000) for day in sessions_until(LAST_DAY, 260)]
    bars[-1] = make_bar(LAST_DAY, 10_000, volume=5_000_000, split_ratio=0.2)
    await store(services, SAMSUNG, bars)
    for id, watch in (("golden_cross", golden_cross), ("new_high", new_high), ("volume_surge", volume_surge)):
        await look(services, await worker_of(services, id), watch, day=LAST_DAY)
        async with services.db.read() as conn:
            assert await newest_signals(conn, id, limit=10) == []


async def test_admins_are_told_of_a_signal_once_where_they_ask_for_it(open_test_services: OpenServices) -> None:
    async with open_test_services(strategies={"tell_signals": True}) as services:
        await store(services, SAMSUNG, surging())
        with capture_logs() as logs:
            for _ in range(2):
                await look(services, await worker_of(services, "volume_surge"), volume_surge, day=LAST_DAY)
    (alert,) = [each for each in logs if each["event"] == "alert"]
    assert (alert["kind"], alert["key"]) == ("signal", "signal:volume_surge:005930:2026-02-20")
    assert (alert["fact_name"], alert["fact_volume_ratio"]) == (SAMSUNG.name, 9.0)


async def test_by_default_a_signal_is_kept_and_told_to_nobody(services: Services) -> None:
    await store(services, SAMSUNG, surging())
    with capture_logs() as logs:
        await look(services, await worker_of(services, "volume_surge"), volume_surge, day=LAST_DAY)
    assert [each for each in logs if each["event"] == "alert"] == []


async def test_a_watcher_that_was_replaced_keeps_nothing(services: Services) -> None:
    await store(services, SAMSUNG, surging())
    old = await worker_of(services, "volume_surge")
    async with services.db.begin() as conn:
        state = await lock_state(conn, "volume_surge")
        assert state is not None
        await store_state(conn, replace(state, epoch=state.epoch + 1))
    with pytest.raises(Fenced):
        await look(services, old, volume_surge, day=LAST_DAY)
    async with services.db.read() as conn:
        assert await newest_signals(conn, "volume_surge", limit=10) == []


async def test_the_watcher_of_flows_abstains_and_says_so(services: Services) -> None:
    worker = await worker_of(services, "flow_streak")
    watcher = asyncio.create_task(watch_flows(services, worker))
    while not worker.state:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0)
    watcher.cancel()
    await asyncio.wait({watcher})
    assert worker.state == {"note": NO_FLOWS}


async def test_a_watcher_looks_by_itself_after_each_close(services: Services, clock: ManualClock) -> None:
    await store(services, SAMSUNG, surging())
    worker = await worker_of(services, "volume_surge")
    watcher = asyncio.ensure_future(STRATEGIES["volume_surge"].run(services, worker))
    seen = set[str]()
    while len(seen) < 2:
        await asyncio.sleep(0)
        if day := worker.state.get("day"):
            if not seen:  # the next close is a weekend away
                clock.at = CALENDAR.closes(CALENDAR.next_session(LAST_DAY)) - timedelta(minutes=5)
            seen.add(day)
    watcher.cancel()
    await asyncio.wait({watcher})
    assert seen == {"2026-02-20", "2026-02-23"}
    assert worker.state == {"day": "2026-02-23", "stocks": 1, "waiting": 1}
