"""The jobs themselves on the simulated market: a day is caught up whole, and a second look finds nothing to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.clock import ManualClock, kst_date
from core.errors import Unavailable
from core.runs.queries import recent_runs
from core.runs.run import Run, RunState
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.stock import Stock
from jobs.registry import JOBS
from jobs.run import run_job
from jobs.scheduler import run_due
from jobs.stocks import each_followed
from sim.market import generated_market
from sim.world import open_world
from tests.conftest import NOW, OpenServices
from tests.unit.jobs.specs import make_spec

FOLLOWED = ["000660", "005930"]
EVERY_MINUTE = {name for name, spec in JOBS.items() if str(spec.schedule).startswith("* ")}


@pytest.fixture
async def market_services(open_test_services: OpenServices, clock: ManualClock) -> AsyncIterator[Services]:
    """Services over a simulated world in which the stocks are known and two are followed."""
    market = generated_market(7, until=kst_date(NOW) + timedelta(days=5))
    async with (
        open_world(market, clock, llm_latency=0.0) as world,
        open_test_services(**world.settings_overrides()) as services,
    ):
        await services.cache.clear()
        await run_due(services, specs=[JOBS["refresh_stocks"]])
        async with services.db.begin() as conn:
            await conn.execute(text("UPDATE stock SET priority = 1 WHERE code = ANY(:codes)"), {"codes": FOLLOWED})
        yield services


async def count(services: Services, table: str) -> int:
    """Rows of a table."""
    async with services.db.begin() as conn:
        return int((await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_every_due_job_succeeds_and_is_due_no_more(market_services: Services, clock: ManualClock) -> None:
    clock.move(timedelta(hours=1))
    ended = {due.spec.name: state for due, state in await run_due(market_services)}
    assert ended == {name: RunState.SUCCEEDED for name in JOBS if name != "refresh_stocks"}
    # Waiting for KIS has moved the clock into the next minute.
    assert {due.spec.name for due, _ in await run_due(market_services)} <= EVERY_MINUTE
    assert await count(market_services, "daily_price") >= 2 * 200
    assert await count(market_services, "article") > 0
    assert await count(market_services, "stock_analysis") == len(FOLLOWED)
    async with market_services.db.begin() as conn:
        assert all(run.failed == 0 for run in await recent_runs(conn))


async def test_reports_are_made_once_for_a_slot_even_without_a_checkpoint(market_services: Services) -> None:
    spec = JOBS["generate_reports"]
    await run_job(market_services, spec, NOW, owner="a")
    async with market_services.db.begin() as conn:
        await conn.execute(text("UPDATE job_run SET state = 'interrupted', checkpoint = '{}'"))
    assert await run_job(market_services, spec, NOW, owner="b") is RunState.SUCCEEDED
    assert await count(market_services, "stock_analysis") == len(FOLLOWED)
    assert await count(market_services, "report_update") == len(FOLLOWED)


async def test_walk_goes_on_past_a_failing_stock_and_resumes_behind_the_last_done(market_services: Services) -> None:
    assert [stock.code for stock in await followed_stocks(market_services)] == FOLLOWED
    seen: list[str] = []

    async def walk(services: Services, run: Run) -> None:
        async def work(stock: Stock) -> None:
            seen.append(stock.code)
            if len(seen) == 1:
                raise Unavailable("no answer")
            if len(seen) == 2:
                return
            raise AssertionError("walked too far")

        await each_followed(services, run, work)
        if len(seen) == 2:
            seen.append("crash")
            raise ValueError

    spec = make_spec(run=walk)
    assert await run_job(market_services, spec, NOW, owner="a") is RunState.FAILED
    assert await run_job(market_services, spec, NOW, owner="a") is RunState.SUCCEEDED
    assert seen == [*FOLLOWED, "crash"]
    async with market_services.db.begin() as conn:
        run = (await recent_runs(conn, job=spec.name))[0]
    assert (run.done, run.failed, run.total, run.warnings) == (1, 1, 2, ("000660: Unavailable: no answer",))
