"""Quotes and daily bars, from the simulated KIS into a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, update

from core.clock import ManualClock, kst
from core.errors import Malformed, NotConfigured, Unavailable, Unsupported
from core.market.bar import Bar, Quote
from core.market.models import DailyPriceRow, QuoteRow
from core.market.queries import bars_until, store_bars, store_quote
from core.market.service import BAR_SOURCE, collect_bars, fetch_bars, get_bars, get_quote, known_quotes
from core.services import Services
from core.sources.models import QuarantineRow
from core.sources.service import list_sources
from core.stocks.models import StockRow
from core.stocks.queries import get_stock, upsert_stocks
from core.stocks.service import refresh_stocks
from core.stocks.stock import Market, Stock
from sim.kis.server import KisServer
from sim.market import SimBar, SimIssue, SimMarket, generated_market
from sim.replay import replayed_market
from tests.conftest import OpenServices
from tests.samples import sample

UNTIL = date(2026, 2, 27)
SAMSUNG = Stock(code="005930", name="삼성전자", market=Market.KOSPI, shares=5_919_637_922)


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@asynccontextmanager
async def serving(
    market: SimMarket, clock: ManualClock, opened: OpenServices
) -> AsyncIterator[tuple[KisServer, Services]]:
    server = KisServer(market, clock.now)
    await server.start()
    groups: dict[str, Any] = {
        "app_key": "demo-key",
        "app_secret": "demo-secret",
        "base_url": server.url,
        "master_url": f"{server.url}/common/master/",
    }
    try:
        async with opened(kis=groups) as services:
            await services.cache.clear()
            yield server, services
    finally:
        await server.stop()


@pytest.fixture
async def world(
    market: SimMarket, clock: ManualClock, open_test_services: OpenServices
) -> AsyncIterator[tuple[KisServer, Services]]:
    async with serving(market, clock, open_test_services) as (server, services):
        await add(services, SAMSUNG)
        yield server, services


World = tuple[KisServer, Services]


async def add(services: Services, *stocks: Stock) -> None:
    async with services.db.begin() as conn:
        await upsert_stocks(conn, stocks, at=services.clock.now())


def charts(server: KisServer) -> int:
    return sum("itemchartprice" in asked.path for asked in server.requests)


def plain(bar: Bar | SimBar) -> tuple[Any, ...]:
    return bar.day, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value


def bar_on(day: date, close: int, **changed: Any) -> Bar:
    usual = {"open": close, "high": close, "low": close, "close": close, "volume": 10, "value": close * 10}
    return Bar(day=day, **usual | changed)


async def test_a_quote_stands_at_the_close_after_the_session(world: World, market: SimMarket) -> None:
    _, services = world
    quote = await get_quote(services, SAMSUNG)
    shown = market.quote("005930", services.clock.now())
    assert shown is not None
    assert (quote.price, quote.source) == (shown.bar.close, "KIS")
    assert quote.at == kst(date(2026, 2, 20)) + timedelta(hours=15, minutes=30)
    async with services.db.begin() as conn:
        assert (await conn.execute(select(QuoteRow.price))).scalar_one() == quote.price


async def test_a_quote_in_the_session_stands_now(world: World, clock: ManualClock) -> None:
    clock.at = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
    assert (await get_quote(world[1], SAMSUNG)).at == clock.now()


async def test_a_quote_on_a_weekend_stands_at_fridays_close(world: World, clock: ManualClock) -> None:
    clock.at = datetime(2026, 2, 22, 2, 0, tzinfo=UTC)
    assert (await get_quote(world[1], SAMSUNG)).at == datetime(2026, 2, 20, 6, 30, tzinfo=UTC)


async def test_those_who_ask_within_ten_seconds_share_one_call(world: World, clock: ManualClock) -> None:
    server, services = world
    quotes = await asyncio.gather(*(get_quote(services, SAMSUNG) for _ in range(8)))
    assert len(set(quotes)) == 1
    asked = sum(request.path.endswith("inquire-price") for request in server.requests)
    assert asked == 1
    clock.move(timedelta(seconds=7))
    assert await get_quote(services, SAMSUNG) == quotes[0]
    clock.move(timedelta(seconds=4))
    await get_quote(services, SAMSUNG)
    assert sum(request.path.endswith("inquire-price") for request in server.requests) == 2


async def test_when_kis_is_down_the_last_quote_says_how_old_it_is(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
    before = await get_quote(services, SAMSUNG)
    clock.move(timedelta(minutes=30))
    await server.stop()
    assert await get_quote(services, SAMSUNG) == before
    async with services.db.begin() as conn:
        (status,) = await list_sources(conn)
    assert (status.source, status.failure_kind, status.failures_in_row) == ("kis_quote", "unavailable", 1)


async def test_a_newer_close_replaces_an_older_quote_when_kis_is_down(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
    await get_quote(services, SAMSUNG)
    clock.at = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
    bars = await get_bars(services, "005930", as_of=clock.now())
    await server.stop()
    quote = await get_quote(services, SAMSUNG)
    assert (quote.price, quote.source, quote.change) == (bars[-1].close, BAR_SOURCE, bars[-1].close - bars[-2].close)
    assert quote.at == datetime(2026, 2, 20, 6, 30, tzinfo=UTC)
    assert quote.market_cap == quote.price * 5_919_637_922


async def test_after_three_failures_kis_is_left_alone_for_a_while(world: World, clock: ManualClock) -> None:
    server, services = world
    server.faults.add("html", path="inquire-price", times=99)
    for error in (Malformed, Malformed, Malformed, Unavailable, Unavailable):
        clock.move(timedelta(seconds=11))
        with pytest.raises(error):
            await get_quote(services, SAMSUNG)
    assert sum(request.path.endswith("inquire-price") for request in server.requests) == 3
    server.faults.clear()
    clock.move(timedelta(minutes=10))
    assert (await get_quote(services, SAMSUNG)).price > 0


async def test_without_a_key_and_without_a_past_there_is_no_price(services: Services) -> None:
    await add(services, SAMSUNG)
    with pytest.raises(NotConfigured):
        await get_quote(services, SAMSUNG)
    with pytest.raises(NotConfigured):
        await get_bars(services, "005930", as_of=services.clock.now())
    assert await known_quotes(services, ["005930"]) == {}


async def test_without_a_key_stored_bars_serve(services: Services) -> None:
    await add(services, SAMSUNG)
    bars = [bar_on(date(2026, 2, 19), 1_000), bar_on(date(2026, 2, 20), 210, split_ratio=0.2)]
    async with services.db.begin() as conn:
        await store_bars(conn, "005930", bars, source="file", at=services.clock.now())
    assert await get_bars(services, "005930", as_of=services.clock.now()) == bars
    quote = await get_quote(services, SAMSUNG)
    assert (quote.price, quote.change, quote.change_percent, quote.source) == (210, 10, 5.0, BAR_SOURCE)


async def test_known_quotes_cover_many_codes_at_once(services: Services, clock: ManualClock) -> None:
    stocks = [replace(SAMSUNG, code=f"00000{digit}") for digit in range(4)]
    await add(services, *stocks)
    quote = Quote(code="000002", price=5, change=0, change_percent=0.0, volume=1, value=5, at=clock.now(), source="KIS")
    async with services.db.begin() as conn:
        for code in ("000000", "000002"):
            await store_bars(conn, code, [bar_on(date(2026, 2, 20), 700)], source="KIS", at=clock.now())
        await store_quote(conn, quote)
    known = await known_quotes(services, ["000000", "000001", "000002"])
    assert {code: (found.price, found.source) for code, found in known.items()} == {
        "000000": (700, BAR_SOURCE),
        "000002": (5, "KIS"),
    }


async def test_an_older_quote_never_replaces_a_newer_one(services: Services, clock: ManualClock) -> None:
    await add(services, SAMSUNG)
    quote = Quote(code="005930", price=9, change=0, change_percent=0.0, volume=1, value=9, at=clock.now(), source="KIS")
    async with services.db.begin() as conn:
        await store_quote(conn, quote)
        await store_quote(conn, replace(quote, price=8, at=clock.now() - timedelta(seconds=1)))
    assert (await known_quotes(services, ["005930"]))["005930"].price == 9


async def test_the_first_ask_backfills_a_year_shared_by_all_who_ask(world: World, market: SimMarket) -> None:
    server, services = world
    answers = await asyncio.gather(*(get_bars(services, "005930", as_of=services.clock.now()) for _ in range(5)))
    wanted = market.bars("005930", until=services.clock.now())[-250:]
    assert [plain(bar) for bar in answers[0]] == [plain(bar) for bar in wanted]
    assert all(answer == answers[0] for answer in answers)
    assert charts(server) == 3
    await get_bars(services, "005930", as_of=services.clock.now())
    assert charts(server) == 3


async def test_later_only_what_came_since_is_asked(world: World, clock: ManualClock) -> None:
    server, services = world
    await get_bars(services, "005930", as_of=clock.now())
    clock.at = datetime(2026, 2, 25, 6, 50, tzinfo=UTC)
    before = charts(server)
    bars = await get_bars(services, "005930", as_of=clock.now())
    assert [bar.day.day for bar in bars[-4:]] == [20, 23, 24, 25]
    assert charts(server) == before + 1
    assert server.requests[-1].query["FID_INPUT_DATE_1"] == "20260220"


async def test_a_running_session_has_no_bar_yet(world: World, clock: ManualClock) -> None:
    _, services = world
    clock.at = datetime(2026, 2, 20, 2, 0, tzinfo=UTC)
    bars = await get_bars(services, "005930", as_of=clock.now())
    assert bars[-1].day == date(2026, 2, 19)
    async with services.db.begin() as conn:
        newest = (await conn.execute(select(func.max(DailyPriceRow.day)))).scalar_one()
    assert newest == date(2026, 2, 19)


async def test_a_bar_read_right_after_the_close_is_read_again_once_it_is_settled(
    world: World, clock: ManualClock
) -> None:
    """Its closing auction may not have been in it."""
    server, services = world
    clock.at = kst(date(2026, 2, 20), time(15, 31))
    early = (await get_bars(services, "005930", as_of=clock.now()))[-1]
    assert early.day == date(2026, 2, 20)
    calls = charts(server)
    clock.at = kst(date(2026, 2, 20), time(15, 40))
    await collect_bars(services, "005930")
    assert charts(server) == calls + 1
    await collect_bars(services, "005930")
    assert charts(server) == calls + 1


async def test_bars_as_of_a_past_moment_hold_nothing_later(world: World, clock: ManualClock) -> None:
    _, services = world
    await get_bars(services, "005930", as_of=clock.now())
    past = datetime(2026, 2, 10, 6, 29, tzinfo=UTC)
    bars = await get_bars(services, "005930", as_of=past, sessions=20)
    assert (bars[-1].day, len(bars)) == (date(2026, 2, 9), 20)


async def test_a_figure_corrected_after_the_close_is_taken_over(world: World, clock: ManualClock) -> None:
    _, services = world
    await get_bars(services, "005930", as_of=clock.now())
    right = (await get_bars(services, "005930", as_of=clock.now()))[-1]
    async with services.db.begin() as conn:
        await store_bars(conn, "005930", [replace(right, volume=1)], source="KIS", at=clock.now())
    clock.at = datetime(2026, 2, 23, 6, 50, tzinfo=UTC)
    bars = await get_bars(services, "005930", as_of=clock.now())
    assert bars[-2] == right


async def test_a_stock_with_three_bars_is_asked_about_once(
    clock: ManualClock, open_test_services: OpenServices
) -> None:
    bars = [SimBar(date(2026, 2, day), 1_000, 1_100, 900, 1_050, 10, 10_500) for day in (13, 19, 20)]
    issue = SimIssue(code="0126Z0", name="삼성에피스홀딩스", market=Market.KOSPI, shares=1_000)
    async with serving(SimMarket({"0126Z0": issue}, {"0126Z0": bars}), clock, open_test_services) as (server, services):
        await add(services, replace(SAMSUNG, code="0126Z0"))
        for _ in range(3):
            found = await get_bars(services, "0126Z0", as_of=clock.now())
            assert [plain(bar) for bar in found] == [plain(bar) for bar in bars]
        assert charts(server) == 1


async def test_an_empty_answer_covers_nothing(world: World) -> None:
    server, services = world
    body = '{"rt_cd":"0","output1":{"stck_prpr":"1000"},"output2":[{},{}]}'
    server.faults.add("answer", path="itemchartprice", body=body)
    assert await get_bars(services, "005930", as_of=services.clock.now()) == []
    assert len(await get_bars(services, "005930", as_of=services.clock.now())) == 250


async def test_odd_rows_are_quarantined_and_the_rest_is_stored(world: World) -> None:
    server, services = world
    good = (
        '{"stck_bsop_date":"20260220","stck_clpr":"5","stck_oprc":"5","stck_hgpr":"5","stck_lwpr":"5",'
        '"acml_vol":"1","acml_tr_pbmn":"5","prtt_rate":"0.00","prdy_vrss":"0"}'
    )
    bad = good.replace("20260220", "20260219").replace('"acml_vol":"1"', '"acml_vol":"DROP TABLE \\u0000"')
    body = f'{{"rt_cd":"0","output1":{{"stck_prpr":"5"}},"output2":[{good},{bad}]}}'
    server.faults.add("answer", path="itemchartprice", body=body)
    assert [bar.close for bar in await get_bars(services, "005930", as_of=services.clock.now())] == [5]
    async with services.db.begin() as conn:
        (row,) = (await conn.execute(select(QuarantineRow.source, QuarantineRow.reason))).all()
    assert row.source == "kis_daily"
    assert "acml_vol" in row.reason


_ODD = {
    "stck_bsop_date": "20260219",
    **dict.fromkeys(("stck_clpr", "stck_oprc", "stck_hgpr", "stck_lwpr", "acml_tr_pbmn"), "5"),
    **{"acml_vol": "many", "prtt_rate": "0.00", "prdy_vrss": "0"},
}


def with_an_odd_row(server: KisServer, times: int) -> None:
    rows = [_ODD | {"stck_bsop_date": "20260220", "acml_vol": "1"}, _ODD]
    body = orjson.dumps({"rt_cd": "0", "output1": {"stck_prpr": "5"}, "output2": rows}).decode()
    server.faults.add("answer", path="itemchartprice", body=body, times=times)


async def test_bars_with_an_odd_row_are_asked_for_again_later_and_then_whole(world: World, clock: ManualClock) -> None:
    server, services = world
    with_an_odd_row(server, 1)
    for _ in range(3):
        assert len(await get_bars(services, "005930", as_of=clock.now())) == 1
    assert charts(server) == 1, "a question does not ask again at once"
    clock.move(timedelta(hours=7))
    assert len(await get_bars(services, "005930", as_of=clock.now())) == 250
    calls = charts(server)
    clock.move(timedelta(hours=7))
    await get_bars(services, "005930", as_of=clock.now())
    assert charts(server) == calls


async def test_a_row_that_stays_odd_is_not_asked_for_for_ever(world: World, clock: ManualClock) -> None:
    server, services = world
    with_an_odd_row(server, 99)
    for _ in range(6):
        assert len(await get_bars(services, "005930", as_of=clock.now())) == 1
        clock.move(timedelta(hours=7))
    assert charts(server) == 3


async def test_an_odd_row_keeps_nothing_of_the_next_session_waiting(world: World, clock: ManualClock) -> None:
    server, services = world
    with_an_odd_row(server, 1)
    await get_bars(services, "005930", as_of=clock.now())
    clock.at = datetime(2026, 2, 23, 6, 40, tzinfo=UTC)
    assert (await get_bars(services, "005930", as_of=clock.now()))[-1].day == date(2026, 2, 23)


@pytest.mark.parametrize("effect", ["html", "empty", "truncate", "close", "wrong_encoding"])
async def test_a_failed_top_up_leaves_the_stored_bars(world: World, clock: ManualClock, effect: str) -> None:
    server, services = world
    before = await get_bars(services, "005930", as_of=clock.now())
    clock.at = datetime(2026, 2, 23, 6, 50, tzinfo=UTC)
    server.faults.add(effect, path="itemchartprice", times=99)  # type: ignore[arg-type]
    assert await get_bars(services, "005930", as_of=clock.now()) == before
    server.faults.clear()
    assert len(await get_bars(services, "005930", as_of=clock.now())) == 250


async def test_a_stock_nobody_knows_is_a_clear_error(world: World) -> None:
    _, services = world
    with pytest.raises(Unsupported, match="999990"):
        await get_bars(services, "999990", as_of=services.clock.now())
    await add(services, replace(SAMSUNG, code="999990"))
    with pytest.raises(Unsupported, match="999990"):
        await get_bars(services, "999990", as_of=services.clock.now())
    with pytest.raises(Unsupported, match="999990"):
        await get_quote(services, replace(SAMSUNG, code="999990"))


async def test_fetching_stores_nothing_and_collecting_writes_through_the_given_transaction(world: World) -> None:
    _, services = world
    fetched = await fetch_bars(services, "005930", since=date(2026, 2, 10))
    assert (fetched[0].day, fetched[-1].day) == (date(2026, 2, 10), date(2026, 2, 20))
    async with services.db.begin() as conn:
        assert await bars_until(conn, "005930", day=UNTIL, limit=9) == []
    began = 0

    def begin() -> Any:
        nonlocal began
        began += 1
        return services.db.begin()

    assert await collect_bars(services, "005930", begin=begin) == 250
    assert await collect_bars(services, "005930", begin=begin) == 0
    assert began == 1


async def test_a_split_in_the_chart_is_stored_as_its_ratio(
    clock: ManualClock, open_test_services: OpenServices
) -> None:
    bars = [
        SimBar(date(2026, 2, 19), 3_000, 3_000, 3_000, 3_000, 10, 30_000),
        SimBar(date(2026, 2, 20), 1_000, 1_100, 1_000, 1_100, 10, 10_500),
    ]
    issue = SimIssue(code="000010", name="쪼갠회사", market=Market.KOSPI, shares=1_000)
    split = SimMarket({"000010": issue}, {"000010": bars}, bases={"000010": {date(2026, 2, 20): 1_000}})
    async with serving(split, clock, open_test_services) as (_, services):
        await add(services, replace(SAMSUNG, code="000010"))
        found = await get_bars(services, "000010", as_of=clock.now())
    assert found[-1].split_ratio == pytest.approx(1 / 3)


async def test_a_replayed_market_arrives_as_recorded(clock: ManualClock, open_test_services: OpenServices) -> None:
    import polars as pl

    path = sample("krx/marcap-2026_part_20260102-20260220.parquet")
    recorded = pl.read_parquet(path)
    codes = ["005930", "000660", "005935", "0126Z0", *recorded["Code"].unique().sort().sample(6, seed=3).to_list()]
    async with serving(replayed_market(path), clock, open_test_services) as (_, services):
        refreshed = await refresh_stocks(services)
        assert refreshed.listed == recorded.filter(pl.col("Date") == pl.col("Date").max()).height
        assert refreshed.rejected == 0
        for code in codes:
            async with services.db.begin() as conn:
                stock = await get_stock(conn, code)
            if stock is None:
                continue
            rows = recorded.filter(pl.col("Code") == code).sort("Date")
            wanted = rows.select("Open", "High", "Low", "Close", "Volume", "Amount").cast(pl.Int64).rows()
            bars = await get_bars(services, code, as_of=clock.now())
            assert [plain(bar)[1:] for bar in bars] == wanted
            quote = await get_quote(services, stock)
            last = rows.row(-1, named=True)
            assert (quote.price, quote.change, quote.volume) == (last["Close"], last["Changes"], last["Volume"])
            assert quote.market_cap is not None
            assert 0 <= last["Close"] * last["Stocks"] - quote.market_cap < min(10**8, 1_000 * last["Close"])


async def test_market_value_is_as_near_as_the_sources_tell(world: World) -> None:
    _, services = world
    true = (await get_quote(services, replace(SAMSUNG, shares=None))).market_cap
    assert true is not None
    assert true % 10**8 == 0
    price = (await get_quote(services, SAMSUNG)).price
    nearer = replace(SAMSUNG, shares=true // price + 100)
    assert (await get_quote(services, nearer)).market_cap == price * (true // price + 100)
    outdated = replace(SAMSUNG, shares=2 * true // price)
    assert (await get_quote(services, outdated)).market_cap == true


async def test_a_stock_that_is_gone_has_the_price_of_its_last_day(world: World, clock: ManualClock) -> None:
    _, services = world
    last = (await get_bars(services, "005930", as_of=clock.now()))[-1]
    clock.move(timedelta(days=7))
    gone = await get_quote(services, replace(SAMSUNG, active=False))
    assert (gone.price, gone.source, gone.at) == (last.close, BAR_SOURCE, kst(last.day, time(15, 30)))


async def test_before_the_open_a_quote_tells_of_the_last_session(world: World, clock: ManualClock) -> None:
    _, services = world
    evening = await get_quote(services, SAMSUNG)
    clock.at = datetime(2026, 2, 22, 23, 45, tzinfo=UTC)  # 08:45 of the next session in Seoul
    assert await get_quote(services, SAMSUNG) == evening
    assert evening.volume > 0


async def test_bars_of_a_stock_outlive_it(world: World) -> None:
    _, services = world
    await get_bars(services, "005930", as_of=services.clock.now())
    async with services.db.begin() as conn:
        await conn.execute(update(StockRow).values(active=False))
    assert len(await get_bars(services, "005930", as_of=services.clock.now())) == 250
