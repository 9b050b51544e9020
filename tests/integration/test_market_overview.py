"""The market on one screen and what goes with a price: asked for where it is not kept, once for all who look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from core.clock import ManualClock, Phase, kst
from core.market.indices import MAIN
from core.market.overview import depth_of, market_now
from core.runs.run import RunState
from sim.market import SimMarket, generated_market
from tests.conftest import OpenServices
from tests.integration.market_stage import FRIDAY, UNTIL, World, asked, collecting, run, stock_of


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=UNTIL)


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock, open_test_services: OpenServices) -> AsyncIterator[World]:
    async with collecting(market, clock, open_test_services) as running:
        yield running


async def test_the_first_look_at_the_market_asks_for_its_indices_and_the_next_ones_share_them(
    world: World, clock: ManualClock
) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11))
    now = await market_now(services)
    assert [index.code for index in now.indices] == list(MAIN)
    assert now.breadth is not None
    for _ in range(3):
        clock.move(timedelta(seconds=10))
        await market_now(services)
    assert asked(server, "inquire-index-price") == 3
    clock.move(timedelta(minutes=2))
    await services.cache.clear()
    later = clock.now()
    assert (await market_now(services)).indices[0].at >= later


async def test_after_the_close_the_indices_of_the_close_are_not_asked_for_again(
    world: World, clock: ManualClock
) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(22))
    for _ in range(2):
        now = await market_now(services)
        assert now.indices[0].at == services.calendar.closes(FRIDAY)
        await services.cache.clear()
    assert asked(server, "inquire-index-price") == 3


@pytest.mark.parametrize("key", [{"paper": True, "app_key": "demo-key", "app_secret": "demo-secret"}, {}])
async def test_a_key_that_is_not_told_of_indices_is_not_asked_with(
    open_test_services: OpenServices, key: dict[str, Any]
) -> None:
    async with open_test_services(kis=key | {"base_url": "http://127.0.0.1:1"}) as services:
        now = await market_now(services)
    assert (now.served, now.indices, now.flows) == (False, (), None)


async def test_where_indices_cannot_be_had_the_kept_ones_are_shown(world: World, clock: ManualClock) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11))
    before = await market_now(services)
    server.faults.add("html", path="inquire-index-price", times=99)
    clock.move(timedelta(minutes=30))
    await services.cache.clear()
    assert (await market_now(services)).indices == before.indices


async def test_before_the_open_the_next_session_is_today_and_nothing_has_moved(
    world: World, clock: ManualClock
) -> None:
    _, services = world
    clock.at = kst(FRIDAY, time(8, 40))
    now = await market_now(services)
    assert (now.phase, now.next_session, now.opens) == (Phase.PRE_OPEN, FRIDAY, services.calendar.opens(FRIDAY))
    assert now.breadth is None
    clock.at = kst(FRIDAY, time(10))
    assert (await market_now(services)).next_session == services.calendar.next_session(FRIDAY)


async def test_a_stock_nobody_collected_has_its_order_book_and_flows_when_it_is_looked_at(
    world: World, clock: ManualClock
) -> None:
    server, services = world
    clock.at = kst(FRIDAY, time(11))
    samsung = await stock_of(services, "005930")
    depth = await depth_of(services, samsung)
    assert depth.book is not None
    assert depth.book.at >= kst(FRIDAY, time(11))
    assert depth.flows[-1].day == services.calendar.previous_session(FRIDAY)
    clock.move(timedelta(seconds=20))
    assert (await depth_of(services, samsung)).book == depth.book
    assert asked(server, "inquire-asking-price-exp-ccn") == 1
    clock.move(timedelta(seconds=20))
    assert (await depth_of(services, samsung)).book != depth.book
    server.faults.add("html", path="inquire-asking-price-exp-ccn", times=99)
    clock.move(timedelta(minutes=5))
    assert (await depth_of(services, samsung)).book is not None
    clock.move(timedelta(minutes=15))
    assert (await depth_of(services, samsung)).book is None
    assert (await market_now(services)).flows is None, "the flows of one stock are not those of the market"


async def test_nothing_is_asked_about_what_does_not_trade(world: World, clock: ManualClock) -> None:
    server, services = world
    samsung = await stock_of(services, "005930")
    clock.at = kst(FRIDAY, time(11))
    for still in (replace(samsung, halted=True), replace(samsung, active=False)):
        assert (await depth_of(services, still)).book is None
    clock.at = kst(FRIDAY, time(20))
    assert (await depth_of(services, samsung)).book is None
    assert asked(server, "inquire-asking-price-exp-ccn") == 0


async def test_what_was_traded_after_the_close_goes_with_the_price_until_the_next_open(
    world: World, clock: ManualClock
) -> None:
    _, services = world
    samsung = await stock_of(services, "005930")
    clock.at = kst(FRIDAY, time(18))
    assert await run(services, "collect_overtime") is RunState.SUCCEEDED
    overtime = (await depth_of(services, samsung)).overtime
    assert overtime is not None
    assert overtime.day == FRIDAY
    clock.at = kst(services.calendar.next_session(FRIDAY), time(9, 1))
    assert (await depth_of(services, samsung)).overtime is None


async def test_what_the_broker_keeps_of_an_issue_goes_with_its_price(world: World, clock: ManualClock) -> None:
    _, services = world
    samsung = await stock_of(services, "005930")
    assert (await depth_of(services, samsung)).traits is None
    assert await run(services, "collect_product_info") is RunState.SUCCEEDED
    traits = (await depth_of(services, samsung)).traits
    assert traits is not None
    assert traits.sector
