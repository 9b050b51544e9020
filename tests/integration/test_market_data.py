"""Order books, indices, trade after the close, ratios, products and the calendar: collected and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.clock import Calendar, ManualClock, kst
from core.market import indices
from core.market.books import known_book
from core.market.companies import known_ratios
from core.market.overview import depth_of
from core.market.service import get_bars, get_quote
from core.market.sessions import follow_sessions
from core.prediction.facts import build_sheet
from core.runs.run import RunState
from core.sources.service import list_sources
from core.stocks.stock import Kind
from sim.market import SimMarket, generated_market
from tests.conftest import OpenServices
from tests.integration.market_stage import FRIDAY, UNTIL, World, asked, collecting, count, follow, rows, run, stock_of

AFTER_CHANGE = date(2026, 9, 21)
"""A Monday with the continuous after-market."""


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock, open_test_services: OpenServices) -> AsyncIterator[World]:
    async with collecting(market, clock, open_test_services) as running:
        yield running


async def test_books_indices_and_estimates_come_with_the_prices(
    world: World, market: SimMarket, clock: ManualClock
) -> None:
    _, services = world
    await follow(services, "005930")
    clock.at = kst(FRIDAY, time(11, 25))
    assert await run(services, "collect_market_data") is RunState.SUCCEEDED
    async with services.db.read() as conn:
        book = await known_book(conn, "005930", since=kst(FRIDAY, time(11)))
        assert await known_book(conn, "005930", since=clock.now() + timedelta(minutes=1)) is None
        known = await indices.known_indices(conn, indices.MAIN)
    assert book is not None
    assert book.asks[0].price > book.bids[0].price
    assert len(book.asks) == 10
    assert set(known) == set(indices.MAIN)
    kospi = known["0001"]
    breadth = indices.breadth_of([known["0001"], known["1001"]])
    assert kospi.level > 0
    assert breadth.rising + breadth.unchanged + breadth.falling > 40
    estimates = await rows(services, "SELECT at FROM flow_estimate WHERE code = '005930' ORDER BY at")
    assert [row.at for row in estimates] == [kst(FRIDAY, at) for at in (time(9, 30), time(10), time(11, 20))]
    async with services.db.read() as conn:
        names = {source.source for source in await list_sources(conn) if not source.failures_in_row}
    assert {"kis_multi", "kis_book", "kis_index", "kis_estimate"} <= names


async def test_a_source_that_fails_leaves_the_others_collected(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11, 25))
    server.faults.add("html", path="inquire-index-price", times=999)
    assert await run(services, "collect_market_data") is RunState.SUCCEEDED
    assert await count(services, "order_book") > 40
    assert await count(services, "index_quote") == 0


async def test_a_year_of_indices_is_caught_up_once(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(18))
    assert await run(services, "collect_index_daily") is RunState.SUCCEEDED
    kept = await rows(services, "SELECT code, count(*), max(day) FROM index_daily_price GROUP BY code ORDER BY code")
    assert {"0001", "1001", "2001"} <= {row.code for row in kept}
    assert all(row.count > 240 and row.max == FRIDAY for row in kept)
    calls = asked(server, "inquire-daily-indexchartprice")
    clock.move(timedelta(hours=1))
    await run(services, "collect_index_daily")
    assert asked(server, "inquire-daily-indexchartprice") - calls < calls
    async with services.db.read() as conn:
        bars = await indices.index_bars_until(conn, "0001", day=date(2026, 2, 19), limit=5)
    assert [bar.day for bar in bars][-1] == date(2026, 2, 19)


async def test_an_index_whose_chart_fails_is_read_from_the_daily_list(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(18))
    server.faults.add("html", path="inquire-daily-indexchartprice", times=999)
    assert await run(services, "collect_index_daily") is RunState.SUCCEEDED
    (kept,) = await rows(
        services, "SELECT count(*), max(day), min(source) AS source FROM index_daily_price WHERE code = '0001'"
    )
    assert (kept.count > 240, kept.max, kept.source) == (True, FRIDAY, indices.LIST)
    server.faults.clear()
    by_list = await rows(services, "SELECT * FROM index_daily_price WHERE code = '0001' ORDER BY day")
    async with services.db.begin() as conn:
        await conn.execute(text("DELETE FROM index_daily_price"))
    await run(services, "collect_index_daily", clock.now() + timedelta(minutes=1))
    by_chart = await rows(services, "SELECT * FROM index_daily_price WHERE code = '0001' ORDER BY day")
    assert {row.source for row in by_chart} == {indices.CHART}
    same = ("day", "open", "high", "low", "close", "volume", "turnover")
    assert [[getattr(row, name) for name in same] for row in by_list[-240:]] == [
        [getattr(row, name) for name in same] for row in by_chart[-240:]
    ]


async def test_a_session_of_an_index_that_could_not_be_read_comes_the_next_time(
    world: World, clock: ManualClock
) -> None:
    _, services = world
    clock.at = kst(FRIDAY, time(18))
    await run(services, "collect_index_daily")
    async with services.db.begin() as conn:
        await conn.execute(text("DELETE FROM index_daily_price WHERE day = '2026-02-10'"))
    clock.move(timedelta(hours=1))
    await run(services, "collect_index_daily")
    async with services.db.read() as conn:
        bars = await indices.index_bars_until(conn, "0001", day=date(2026, 2, 10), limit=1)
    assert [bar.day for bar in bars] == [date(2026, 2, 10)]


async def test_the_single_price_session_is_collected_at_six(
    world: World, market: SimMarket, clock: ManualClock
) -> None:
    server, services = world
    for at, calls in ((time(17, 59), 0), (time(18), len(market.listed(kst(FRIDAY, time(18)))))):
        clock.at = kst(FRIDAY, at)
        assert await run(services, "collect_overtime") is RunState.SUCCEEDED
        paths = [request for request in server.requests if request.path.endswith("inquire-daily-overtimeprice")]
        assert len({request.query["FID_INPUT_ISCD"] for request in paths}) == calls
    newest = await rows(services, "SELECT * FROM overtime_price WHERE code = '005930' ORDER BY day DESC LIMIT 1")
    assert (newest[0].day, newest[0].kind) == (FRIDAY, "single_price")
    assert newest[0].change == newest[0].price - newest[0].close


async def test_since_september_2026_trade_after_the_close_is_read_at_five_past_eight(
    clock: ManualClock, open_test_services: OpenServices
) -> None:
    later = generated_market(7, until=AFTER_CHANGE)
    clock.at = kst(AFTER_CHANGE, time(15, 45))
    async with collecting(later, clock, open_test_services) as (server, services):
        await follow(services, "005930", "000660")
        await run(services, "collect_daily_bars")
        async with services.db.begin() as conn:
            await conn.execute(
                text(
                    "UPDATE daily_price SET volume = volume - 100, value = value - 100 * close, close = close - 50 "
                    "WHERE code = '005930' AND day = :day"
                ),
                {"day": AFTER_CHANGE},
            )
        for at in (time(18), time(20, 5)):
            clock.at = kst(AFTER_CHANGE, at)
            assert await run(services, "collect_overtime") is RunState.SUCCEEDED
        assert asked(server, "inquire-daily-overtimeprice") == 0
        (kept,) = await rows(services, "SELECT * FROM overtime_price")
        assert (kept.code, kept.kind, kept.volume, kept.change) == ("005930", "continuous", 100, 50)


async def test_a_quote_after_the_close_is_that_of_the_close_with_what_was_traded_since_kept_apart(
    clock: ManualClock, open_test_services: OpenServices
) -> None:
    market = generated_market(7, until=date(2026, 9, 30))
    clock.at = kst(AFTER_CHANGE, time(15, 41))
    async with collecting(market, clock, open_test_services) as (_, services):
        samsung = await stock_of(services, "005930")
        (close,) = (await get_bars(services, "005930", as_of=clock.now()))[-1:]
        async with services.db.begin() as conn:
            await conn.execute(
                text(
                    "UPDATE daily_price SET volume = volume * 0.9, value = value * 0.9, close = close - 500, "
                    "low = least(low, close - 500) WHERE code = '005930' AND day = :day"
                ),
                {"day": AFTER_CHANGE},
            )
        clock.at = kst(AFTER_CHANGE, time(17, 30))
        quote = await get_quote(services, samsung)
        assert (quote.price, quote.at) == (close.close - 500, services.calendar.closes(AFTER_CHANGE))
        assert quote.volume == pytest.approx(close.volume * 0.9, abs=1)
        told = market.quote("005930", clock.now())
        assert told is not None
        assert quote.change == told.change - 500
        overtime = (await depth_of(services, samsung)).overtime
        assert overtime is not None
        assert (overtime.price, overtime.change, overtime.close) == (close.close, 500, close.close - 500)
        assert (await build_sheet(services, samsung, as_of=clock.now())).base_price == close.close - 500


async def test_a_few_shares_that_two_services_differ_by_are_no_trade_after_the_close(
    clock: ManualClock, open_test_services: OpenServices
) -> None:
    market = generated_market(7, until=date(2026, 9, 30))
    clock.at = kst(AFTER_CHANGE, time(15, 41))
    async with collecting(market, clock, open_test_services) as (_, services):
        samsung = await stock_of(services, "005930")
        await get_bars(services, "005930", as_of=clock.now())
        async with services.db.begin() as conn:
            await conn.execute(text("UPDATE daily_price SET volume = volume - 1, value = value - close"))
        clock.at = kst(AFTER_CHANGE, time(17, 30))
        await get_quote(services, samsung)
        assert await count(services, "overtime_price") == 0


async def test_ratios_are_kept_by_period_as_first_seen(world: World, clock: ManualClock) -> None:
    _, services = world
    before = clock.now() - timedelta(minutes=1)
    assert await run(services, "collect_financials") is RunState.SUCCEEDED
    async with services.db.read() as conn:
        years = await known_ratios(conn, "005930", as_of=clock.now(), quarters=False)
        quarters = await known_ratios(conn, "005930", as_of=clock.now(), quarters=True)
        assert await known_ratios(conn, "005930", as_of=before, quarters=False) == []
    assert all(year.ended.month == 12 for year in years)
    assert len(years) >= 4 < len(quarters)
    kept = await count(services, "financial_ratio")
    clock.move(timedelta(hours=1))
    await run(services, "collect_financials")
    assert await count(services, "financial_ratio") == kept


async def test_ratios_reach_the_fact_sheet_from_when_they_were_seen(world: World, clock: ManualClock) -> None:
    _, services = world
    before = clock.now()
    samsung = await stock_of(services, "005930")
    assert "재무비율" in (await build_sheet(services, samsung, as_of=before)).missing
    clock.move(timedelta(minutes=1))
    await run(services, "collect_financials")
    sheet = await build_sheet(services, samsung, as_of=clock.now())
    async with services.db.read() as conn:
        year = (await known_ratios(conn, "005930", as_of=clock.now(), quarters=False))[-1]
    assert sheet.by_name["ended_year"].text == f"{year.ended:%Y-%m}"
    assert (sheet.value("roe_year"), sheet.value("sales_growth_year")) == (year.roe, year.sales_growth)
    assert sheet.by_name["roe_year"].source == "KIS 재무(연간)"
    assert "재무비율" not in sheet.missing
    assert sheet.value("roe_year") is not None
    again = await build_sheet(services, samsung, as_of=before)
    assert again.value("roe_year") is None
    async with services.db.begin() as conn:
        values = {"later": clock.now() + timedelta(hours=1), "ended": year.ended}
        await conn.execute(
            text(
                "INSERT INTO financial_ratio (code, quarter, ended, first_seen_at, roe, source) "
                "VALUES ('005930', false, :ended, :later, 77.7, 'KIS')"
            ),
            values,
        )
    assert (await build_sheet(services, samsung, as_of=clock.now())).value("roe_year") == year.roe
    clock.move(timedelta(hours=2))
    corrected = await build_sheet(services, samsung, as_of=clock.now())
    assert corrected.value("roe_year") == 77.7
    assert corrected.value("sales_growth_year") is None


async def test_a_fund_lacks_no_figures_of_a_company(world: World, clock: ManualClock) -> None:
    _, services = world
    fund = await stock_of(services, "069500")
    assert fund.kind is Kind.ETF
    sheet = await build_sheet(services, fund, as_of=clock.now())
    assert sheet.by_name.keys().isdisjoint({"per", "pbr", "roe_year"})
    assert {"재무비율", "PER", "PBR"}.isdisjoint(sheet.missing)


async def test_what_an_issue_is_replaces_what_was_read_before(
    world: World, market: SimMarket, clock: ManualClock
) -> None:
    _, services = world
    for _ in range(2):
        assert await run(services, "collect_product_info") is RunState.SUCCEEDED
        clock.move(timedelta(hours=1))
    assert await count(services, "product_info") == len(market.listed(clock.now()))
    (row,) = await rows(services, "SELECT * FROM product_info WHERE code = '005930'")
    assert (row.name, row.market, row.shares) == ("삼성전자", "STK", market.issues["005930"].shares)


async def test_the_exchanges_own_calendar_corrects_ours_here_elsewhere_and_after_a_restart(
    clock: ManualClock, open_test_services: OpenServices, tmp_path: Path
) -> None:
    holiday, weekend = date(2026, 2, 24), date(2026, 2, 28)
    told = Calendar(corrections={holiday: False, weekend: True})
    world = generated_market(7, until=UNTIL, calendar=told)
    async with collecting(world, clock, open_test_services) as (server, services):
        assert services.calendar.is_session(holiday)
        async with open_test_services(app={"data_dir": tmp_path / "beside"}) as beside:
            assert await run(services, "refresh_calendar") is RunState.SUCCEEDED
            assert beside.calendar.is_session(holiday)
            await follow_sessions(beside)
            assert not beside.calendar.is_session(holiday)
        assert asked(server, "chk-holiday") == 1
        assert not services.calendar.is_session(holiday)
        assert services.calendar.closes(weekend) == datetime(2026, 2, 28, 6, 30, tzinfo=UTC)
        assert services.calendar.next_session(FRIDAY + timedelta(days=3)) == date(2026, 2, 25)
        async with open_test_services(app={"data_dir": tmp_path / "other"}) as restarted:
            assert not restarted.calendar.is_session(holiday)
            assert restarted.calendar.is_session(weekend)


async def test_paper_keys_are_not_asked_for_what_they_are_not_served(
    market: SimMarket, clock: ManualClock, open_test_services: OpenServices
) -> None:
    async with collecting(market, clock, open_test_services, paper=True) as (server, services):
        clock.at = kst(FRIDAY, time(11, 25))
        for job in ("collect_market_data", "collect_financials", "collect_product_info", "refresh_calendar"):
            assert await run(services, job) is RunState.SUCCEEDED
        refused = [
            request.path for request in server.requests if "multprice" in request.path or "index" in request.path
        ]
        assert refused == []
        assert await count(services, "order_book") > 0
