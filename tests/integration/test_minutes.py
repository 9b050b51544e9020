"""Minutes of the market: sampled, made true in turn, repaired after the close, kept by month."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta

import orjson
import pytest

from core.clock import ManualClock, kst
from core.market.bar import MinuteBar
from core.market.minute import MINUTE
from core.market.minute_queries import minutes_between, store_minutes
from core.market.minutes import get_minutes, in_turn, share_a_minute
from core.market.partitions import drop_months, ensure_months, known_months, months_back, prepare
from core.runs.run import RunState
from core.services import Services
from sim.kis.minutes import minutes_of
from sim.market import SimMarket, generated_market
from tests.conftest import OpenServices
from tests.integration.market_stage import FRIDAY, UNTIL, World, asked, collecting, follow, rows, run

OPENS, CLOSES = kst(FRIDAY, time(9)), kst(FRIDAY, time(15, 30))


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock, open_test_services: OpenServices) -> AsyncIterator[World]:
    async with collecting(market, clock, open_test_services) as running:
        yield running


def told(market: SimMarket, code: str, until: datetime) -> list[tuple[datetime, int, int, int, int, int]]:
    """The minutes with a trade that the exchange made, up to the one that began at `until`."""
    return [
        (minute.at, minute.open, minute.high, minute.low, minute.close, minute.volume)
        for minute in minutes_of(market, code, FRIDAY, until + MINUTE)
        if minute.volume and minute.at <= until
    ]


async def kept(services: Services, code: str) -> list[MinuteBar]:
    async with services.db.read() as conn:
        return await minutes_between(conn, code, since=OPENS, until=CLOSES + MINUTE)


def plain(bars: list[MinuteBar]) -> list[tuple[datetime, int, int, int, int, int]]:
    return [(bar.at, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


async def test_followed_stocks_get_the_exchanges_own_minutes(
    world: World,
    market: SimMarket,
    clock: ManualClock,
) -> None:
    _, services = world
    await follow(services, "005930")
    clock.at = slot = OPENS + MINUTE * 70
    assert await run(services, "collect_minute_bars", slot) is RunState.SUCCEEDED
    bars = await kept(services, "005930")
    assert plain(bars) == told(market, "005930", slot - MINUTE)
    assert not any(bar.sampled for bar in bars)
    assert sum(bar.value for bar in bars) == pytest.approx(
        minutes_of(market, "005930", FRIDAY, slot)[-2].turnover, rel=0.02
    )


async def test_every_other_stock_gets_a_sampled_minute_and_in_turn_true_ones(
    world: World,
    market: SimMarket,
    clock: ManualClock,
) -> None:
    _, services = world
    for step in (1, 2, 3):
        clock.at = OPENS + MINUTE * step
        assert await run(services, "collect_minute_bars", OPENS + MINUTE * step) is RunState.SUCCEEDED
    sampled = await rows(services, "SELECT code, count(*) AS bars FROM minute_price WHERE sampled GROUP BY code")
    true = await rows(services, "SELECT DISTINCT code FROM minute_price WHERE NOT sampled")
    assert len(sampled) > 40
    assert max(row.bars for row in sampled) == 3
    listed = len(market.listed(clock.now()))
    assert len(true) == pytest.approx(3 * share_a_minute(listed), abs=2)
    untouched = next(row.code for row in sampled if row.bars == 3)
    quote = market.quote(untouched, kst(FRIDAY, time(9, 3)))
    assert quote is not None
    bars = await kept(services, untouched)
    assert sum(bar.volume for bar in bars) == pytest.approx(quote.bar.volume, rel=0.1)
    assert max(bar.high for bar in bars) == quote.bar.high


async def test_a_true_minute_is_never_replaced_by_a_sampled_one(services: Services) -> None:
    def bar(close: int, *, sampled: bool) -> MinuteBar:
        return MinuteBar(at=OPENS, open=1, high=9, low=1, close=close, volume=1, value=5, sampled=sampled)

    for close, sampled, stays in ((3, True, 3), (4, True, 4), (5, False, 5), (6, True, 5), (7, False, 7)):
        async with services.db.begin() as conn:
            await store_minutes(conn, [("005930", bar(close, sampled=sampled))])
        assert (await kept(services, "005930"))[0].close == stays


async def test_after_the_close_every_stock_has_the_whole_day(
    world: World,
    market: SimMarket,
    clock: ManualClock,
) -> None:
    server, services = world
    await follow(services, "005930")
    clock.at = OPENS + MINUTE * 2
    await run(services, "collect_minute_bars", OPENS + MINUTE * 2)
    clock.at = kst(FRIDAY, time(15, 50))
    assert await run(services, "repair_minute_bars") is RunState.SUCCEEDED
    for code in ("005930", "000660", "035720"):
        assert plain(await kept(services, code)) == told(market, code, CLOSES)
    assert await rows(services, "SELECT 1 FROM minute_price WHERE sampled LIMIT 1") == []
    calls = asked(server, "inquire-time-dailychartprice")
    clock.move(timedelta(minutes=5))
    assert await run(services, "repair_minute_bars") is RunState.SUCCEEDED
    assert asked(server, "inquire-time-dailychartprice") == calls


@pytest.mark.parametrize(("odd_answers", "calls"), [(1, 2), (99, 3)])
async def test_minutes_with_an_odd_row_are_asked_for_again_but_not_for_ever(
    world: World, market: SimMarket, odd_answers: int, calls: int
) -> None:
    server, services = world
    row = {"stck_bsop_date": f"{FRIDAY:%Y%m%d}", "stck_cntg_hour": "090000", "cntg_vol": "many"}
    body = orjson.dumps({"rt_cd": "0", "output1": {"acml_vol": "1"}, "output2": [row]}).decode()
    server.faults.add("answer", path="inquire-time-dailychartprice", body=body, times=odd_answers)
    looked = [await get_minutes(services, "000660", day=FRIDAY) for _ in range(5)]
    assert looked[0] == []
    if odd_answers == 1:
        assert plain(looked[1]) == told(market, "000660", CLOSES)
        calls += 3  # the whole session takes four
    assert asked(server, "inquire-time-dailychartprice") == calls


async def test_minutes_of_a_past_session_are_asked_for_once(
    world: World,
    market: SimMarket,
    clock: ManualClock,
) -> None:
    server, services = world
    before = await get_minutes(services, "000660", day=FRIDAY)
    assert plain(before) == told(market, "000660", CLOSES)
    calls = asked(server, "inquire-time-dailychartprice")
    assert calls == 4
    assert await get_minutes(services, "000660", day=FRIDAY) == before
    assert asked(server, "inquire-time-dailychartprice") == calls


@pytest.mark.parametrize("at", [time(9), time(15, 32), time(16, 30)])
async def test_outside_the_session_no_minute_is_asked_for(world: World, clock: ManualClock, at: time) -> None:
    server, services = world
    clock.at = kst(FRIDAY, at)
    assert await run(services, "collect_minute_bars") is RunState.SUCCEEDED
    assert asked(server, "intstock-multprice") == 0


def test_stocks_take_turns_by_how_long_ago_they_were_asked() -> None:
    covered = {"b": OPENS, "a": OPENS + MINUTE}
    assert in_turn(["a", "b", "c", "d"], covered, 3) == ["c", "d", "b"]


async def test_months_are_made_ahead_and_dropped_when_old(services: Services, clock: ManualClock) -> None:
    async with services.db.begin() as conn:
        await ensure_months(conn, [date(2025, 7, 1), date(2025, 12, 1)])
        await prepare(conn, clock.now())
        assert await known_months(conn) == {
            date(2025, 7, 1),
            date(2025, 12, 1),
            date(2026, 2, 1),
            date(2026, 3, 1),
        }
        assert await drop_months(conn, before=months_back(FRIDAY, 6)) == [date(2025, 7, 1)]
    assert months_back(date(2026, 2, 20), 2) == date(2025, 12, 1)


async def test_a_minute_of_the_last_evening_of_a_month_falls_into_seouls_month(services: Services) -> None:
    moment = kst(date(2026, 3, 1), time(0, 30))
    bar = MinuteBar(at=moment, open=1, high=1, low=1, close=1, volume=1, value=1)
    async with services.db.begin() as conn:
        await store_minutes(conn, [("005930", bar)])
    found = await rows(services, "SELECT tableoid::regclass::text AS place FROM minute_price")
    assert found[0].place == "minute_price_2026_03"


async def test_housekeeping_prepares_the_months(world: World, clock: ManualClock) -> None:
    _, services = world
    assert await run(services, "housekeeping") is RunState.SUCCEEDED
    async with services.db.read() as conn:
        assert date(2026, 3, 1) in await known_months(conn)
