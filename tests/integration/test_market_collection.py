"""Collecting the market: from the simulated KIS, through the jobs, into a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time, timedelta

import pytest
from sqlalchemy import text

from core.clock import Calendar, ManualClock, kst
from core.market.flow_queries import market_flows
from core.market.flows import known_flows
from core.market.service import get_quote
from core.market.sweep import sweep
from core.prediction.facts import build_sheet
from core.prediction.forecast import Direction
from core.prediction.rules import flow_following
from core.runs.run import RunState
from core.services import Services
from core.sources.service import list_sources
from sim.kis.investors import net
from sim.kis.server import KisServer
from sim.market import SimMarket, generated_market
from tests.conftest import OpenServices
from tests.integration.market_stage import FRIDAY, UNTIL, World, asked, collecting, count, rows, run, stock_of

MOMENT = timedelta(seconds=5)


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
async def world(
    market: SimMarket, clock: ManualClock, open_test_services: OpenServices
) -> AsyncIterator[tuple[KisServer, Services]]:
    async with collecting(market, clock, open_test_services) as running:
        yield running


async def test_the_whole_market_is_priced_thirty_a_call(world: World, market: SimMarket, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11))
    assert await run(services, "collect_market_data") is RunState.SUCCEEDED
    listed = [issue for issue in market.listed(clock.now()) if not issue.halted]
    priced = await rows(services, "SELECT code, price, volume, at, details_at FROM quote ORDER BY code")
    assert {row.code for row in priced} == {issue.code for issue in listed}
    assert asked(server, "intstock-multprice") == -(-len(market.listed(clock.now())) // 30)
    for row in priced[:10]:
        # Time goes on while a page is on its way, so what the exchange told lies within a moment of when it came.
        before, after = (market.quote(row.code, row.at + moment) for moment in (-MOMENT, MOMENT))
        assert before is not None
        assert after is not None
        assert before.bar.volume <= row.volume <= after.bar.volume
        assert before.bar.low <= row.price <= after.bar.high
        assert row.details_at is None
    async with services.db.read() as conn:
        assert "kis_multi" in {source.source for source in await list_sources(conn)}


async def test_a_sweep_leaves_ranges_and_ratios_of_a_quote_and_freshens_its_price(
    world: World, clock: ManualClock
) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11))
    whole = await get_quote(services, await stock_of(services, "005930"))
    clock.move(timedelta(minutes=5))
    await sweep(services, ["005930", "000660"], services.db.begin)
    await services.cache.clear()
    again = await get_quote(services, await stock_of(services, "005930"))
    assert asked(server, "inquire-price") == 1
    assert again.at > whole.at
    assert (again.high_52w, again.per) == (whole.high_52w, whole.per)
    clock.move(timedelta(minutes=11))
    await get_quote(services, await stock_of(services, "005930"))
    assert asked(server, "inquire-price") == 2


@pytest.mark.parametrize("at", [time(9), time(15, 35), time(16, 30)])
async def test_outside_the_session_nothing_is_asked(world: World, clock: ManualClock, at: time) -> None:
    server, services = world
    clock.at = kst(FRIDAY, at)
    assert await run(services, "collect_market_data") is RunState.SUCCEEDED
    assert asked(server, "intstock-multprice") == 0


async def test_flows_of_every_stock_are_kept_in_won_as_first_seen(
    world: World, market: SimMarket, clock: ManualClock
) -> None:
    _, services = world
    clock.at = kst(FRIDAY, time(16))
    assert await run(services, "collect_investor_trends") is RunState.SUCCEEDED
    kept = await rows(services, "SELECT * FROM investor_trading WHERE code = '005930' ORDER BY day")
    assert len(kept) == 30
    bars = {bar.day: bar for bar in market.bars("005930", until=clock.now())}
    newest, before = kept[-1], bars[market.calendar.previous_session(FRIDAY)]
    figures = net("005930", bars[FRIDAY], market.base("005930", FRIDAY, before.close))
    assert (newest.day, newest.foreign_shares, newest.individual_shares) == (FRIDAY, figures["frgn"], figures["prsn"])
    assert newest.foreign_value / newest.foreign_shares == pytest.approx(newest.close, rel=0.05)
    codes = await rows(services, "SELECT count(DISTINCT code) FROM investor_trading")
    assert codes[0][0] == len(market.listed(clock.now()))
    async with services.db.read() as conn:
        flows = await market_flows(conn, as_of=clock.now())
        assert await market_flows(conn, as_of=kst(FRIDAY, time(15))) is None
    assert flows is not None
    assert (flows.day, flows.stocks) == (FRIDAY, codes[0][0])


async def test_collecting_flows_again_keeps_only_what_was_corrected(world: World, clock: ManualClock) -> None:
    _, services = world
    clock.at = kst(FRIDAY, time(16))
    await run(services, "collect_investor_trends")
    before = await count(services, "investor_trading")
    async with services.db.begin() as conn:
        await conn.execute(
            text("UPDATE investor_trading SET foreign_shares = 5 WHERE code = '005930' AND day = :day"), {"day": FRIDAY}
        )
    first_seen = clock.now()
    clock.move(timedelta(hours=1))
    await run(services, "collect_investor_trends")
    assert await count(services, "investor_trading") == before + 1
    old = await known_flows(services, "005930", as_of=first_seen, sessions=1)
    new = await known_flows(services, "005930", as_of=clock.now(), sessions=1)
    assert old[-1].foreign_shares == 5 != new[-1].foreign_shares


async def test_paper_keys_get_flows_from_the_older_service(
    market: SimMarket, clock: ManualClock, open_test_services: OpenServices
) -> None:
    async with collecting(market, clock, open_test_services, paper=True) as (server, services):
        clock.at = kst(FRIDAY, time(16))
        assert await run(services, "collect_investor_trends") is RunState.SUCCEEDED
        assert await count(services, "investor_trading") > 0
        assert asked(server, "investor-trade-by-stock-daily") == 0


async def test_before_the_gate_opens_flows_end_with_the_day_before(world: World, clock: ManualClock) -> None:
    _, services = world
    clock.at = kst(FRIDAY, time(15, 35))
    assert await run(services, "collect_investor_trends") is RunState.SUCCEEDED
    newest = (await rows(services, "SELECT max(day) FROM investor_trading"))[0][0]
    assert newest == Calendar().previous_session(FRIDAY)
    assert await known_flows(services, "005930", as_of=clock.now(), sessions=5)


async def test_flows_reach_the_fact_sheet_from_when_they_were_seen(world: World, clock: ManualClock) -> None:
    _, services = world
    samsung = await stock_of(services, "005930")
    clock.at = kst(FRIDAY, time(16))
    earlier = await build_sheet(services, samsung, as_of=clock.now())
    assert "투자자별 매매 동향" in earlier.missing
    before = clock.now()
    clock.move(timedelta(minutes=1))
    await run(services, "collect_investor_trends")
    sheet = await build_sheet(services, samsung, as_of=clock.now())
    assert "투자자별 매매 동향" not in sheet.missing
    flows = await known_flows(services, "005930", as_of=clock.now(), sessions=5)
    assert sheet.value("foreign_net_5") == sum(flow.foreign_value for flow in flows)
    reading = flow_following(sheet)
    assert reading is not None
    net_5 = (sheet.value("foreign_net_5") or 0) + (sheet.value("institution_net_5") or 0)
    wanted = Direction.UP if net_5 > 0 else Direction.DOWN
    assert max(Direction, key=lambda direction: getattr(reading.odds[1], direction.value)) is wanted
    again = await build_sheet(services, samsung, as_of=before)
    assert again.input_hash == (await build_sheet(services, samsung, as_of=before)).input_hash
    assert again.value("foreign_net_5") is None


async def test_a_killed_collection_of_flows_goes_on_where_it_was(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(16))
    slot = clock.now()
    server.faults.add("html", path="investor-trade", times=400)
    assert await run(services, "collect_investor_trends", slot) is RunState.FAILED
    server.faults.clear()
    clock.move(timedelta(minutes=30))
    assert await run(services, "collect_investor_trends", slot) is RunState.SUCCEEDED
    assert await count(services, "investor_trading") > 1_000
