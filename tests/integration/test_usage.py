"""Daily figures, thresholds, the reset and the cap, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.clock import ManualClock, kst, kst_date
from core.db import Database
from core.errors import BudgetExceeded, UserError
from core.ledger.calls import Budget, Call, Outcome, budget_period, note_stop, reserve, settle, spent
from core.ledger.prices import Tokens
from core.services import Services
from core.usage import service
from core.usage.aggregates import figures_of, prune, refresh, refresh_changed, stored_figures
from core.usage.figures import added
from core.usage.overview import Span
from core.usage.thresholds import newest_alerts, tell_reached, thresholds
from jobs.registry import JOBS
from jobs.run import run_job
from tests.conftest import NOW, OpenServices
from tests.usage_rows import AT, FreeRun, add_rows, make_outside, make_row, rows_of

TODAY = kst_date(NOW)
CALL = Call(provider="openai", endpoint="chat/completions", model="m", purpose="predict", request_id="r1")

some_rows = st.builds(
    make_row,
    at=st.integers(-30, 30).map(lambda hours: AT + timedelta(hours=hours)),
    settled_at=st.sampled_from([None, AT]),
    provider=st.sampled_from(["openai", "kis"]),
    model=st.sampled_from(["a", "b", ""]),
    error_code=st.sampled_from([None, None, "timeout", "429"]),
    response_ms=st.one_of(st.none(), st.integers(0, 5_000)),
    tokens_in=st.integers(0, 10_000),
    cost_usd=st.decimals(0, 1, places=8),
)


async def stored(db: Database) -> list[Any]:
    return await rows_of(db, "SELECT * FROM daily_usage ORDER BY day, provider, endpoint, model, error_code")


async def told_keys(db: Database) -> list[str]:
    return [row.key for row in await rows_of(db, "SELECT key FROM outbox WHERE hook = 'log' ORDER BY id")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(some_rows, min_size=1, max_size=60))
async def test_figures_add_up_to_their_rows_however_often_they_are_made(
    database: Database, rows: list[dict[str, Any]]
) -> None:
    async with database.begin() as conn:
        await conn.execute(text("TRUNCATE usage_record, daily_usage"))
    await add_rows(database, rows)
    days = sorted({kst_date(row["at"]) for row in rows})
    for _ in range(2):
        for day in random.sample(days, len(days)):
            async with database.begin() as conn:
                await refresh(conn, day, at=AT)
    async with database.read() as conn:
        figures = await stored_figures(conn, days[0], days[-1] + timedelta(days=1))
    whole = added(each.use for each in figures)
    settled = [row for row in rows if row["settled_at"] is not None and row["error_code"] is None]
    assert whole.calls == len(rows)
    assert whole.succeeded == len(settled)
    assert whole.failed == sum(row["error_code"] is not None for row in rows)
    assert whole.tokens_in == sum(row["tokens_in"] for row in rows)
    assert whole.cost_usd == sum((row["cost_usd"] for row in rows), Decimal(0))
    for each in figures:
        kind = (each.day, each.provider, each.model, each.error_code)
        times = sorted(
            row["response_ms"]
            for row in rows
            if (kst_date(row["at"]), row["provider"], row["model"], row["error_code"] or "") == kind
            and row["response_ms"] is not None
        )
        assert each.use.timed == len(times)
        if times:
            assert each.use.mean_ms == pytest.approx(sum(times) / len(times))
            assert each.use.p95_ms == times[-(-95 * len(times) // 100) - 1]
        else:
            assert each.use.mean_ms is None
            assert each.use.p95_ms is None


async def test_a_call_that_fails_after_the_figures_were_made_moves_to_its_error(database: Database) -> None:
    await add_rows(database, [make_row(settled_at=None, response_ms=None)])
    async with database.begin() as conn:
        await refresh(conn, TODAY, at=AT)
        await conn.execute(text("UPDATE usage_record SET settled_at = :at, error_code = 'timeout'"), {"at": AT})
        await refresh(conn, TODAY, at=AT)
    (row,) = await stored(database)
    assert (row.error_code, row.calls, row.succeeded, row.failed) == ("timeout", 1, 0, 1)


@pytest.mark.parametrize(("calls", "p95"), [(1, 1), (19, 19), (20, 19), (21, 20), (100, 95)])
async def test_the_percentile_is_the_least_time_that_95_percent_do_not_exceed(
    database: Database, calls: int, p95: int
) -> None:
    await add_rows(database, [make_row(response_ms=ms) for ms in range(1, calls + 1)])
    async with database.read() as conn:
        (found,) = await figures_of(conn, TODAY)
    assert (found.use.p95_ms, found.use.mean_ms) == (p95, (calls + 1) / 2)


async def test_two_who_refresh_a_day_at_once_do_not_collide(database: Database) -> None:
    await add_rows(database, [make_row(model=f"m{number}") for number in range(20)])

    async def once() -> None:
        async with database.begin() as conn:
            await refresh(conn, TODAY, at=AT)

    await asyncio.gather(*(once() for _ in range(5)))
    assert len(await stored(database)) == 20


async def test_only_days_that_changed_are_refreshed(services: Services, clock: ManualClock) -> None:
    run = FreeRun(services.db)
    assert await refresh_changed(services, run) == 0
    yesterday = AT - timedelta(days=1)
    await add_rows(services.db, [make_row(), make_row(at=yesterday, settled_at=yesterday)])
    assert await refresh_changed(services, run) == 2
    assert await refresh_changed(services, run) == 1
    clock.move(timedelta(hours=1))
    assert await refresh_changed(services, run) == 1  # fifteen minutes before the last look are looked at again
    assert await refresh_changed(services, run) == 0
    await add_rows(services.db, [make_row(at=clock.now())])
    assert await refresh_changed(services, run) == 1
    assert [row.calls for row in await stored(services.db)] == [1, 2]


async def test_old_rows_go_and_their_figures_stay(open_test_services: OpenServices, clock: ManualClock) -> None:
    old, recent = AT - timedelta(days=20), AT - timedelta(days=3)
    async with open_test_services(usage={"raw_days": 14, "paid_days": 62}) as services:
        await add_rows(services.db, [make_outside(at=at, settled_at=at) for at in (old, recent)])
        await add_rows(services.db, [make_row(at=at, settled_at=at) for at in (old, AT - timedelta(days=63))])
        assert await prune(services, FreeRun(services.db)) == 2
        kept = await rows_of(services.db, "SELECT at, model FROM usage_record ORDER BY at")
        assert [(row.at, row.model) for row in kept] == [(old, "gpt-6-luna"), (recent, "")]
        assert sum(row.calls for row in await stored(services.db)) == 4
        # A later look neither forgets what is gone nor counts anything twice.
        clock.move(timedelta(minutes=20))
        await prune(services, FreeRun(services.db))
        assert sum(row.calls for row in await stored(services.db)) == 4


async def test_rows_written_while_nobody_looked_are_counted_before_they_go(
    open_test_services: OpenServices, clock: ManualClock
) -> None:
    async with open_test_services(usage={"raw_days": 2}) as services:
        await add_rows(services.db, [make_outside()])
        await refresh_changed(services, FreeRun(services.db))
        await add_rows(services.db, [make_outside(at=AT + timedelta(minutes=1)), make_row()])
        clock.move(timedelta(days=10))
        assert await prune(services, FreeRun(services.db)) == 2
        await refresh_changed(services, FreeRun(services.db))
        assert sum(row.calls for row in await stored(services.db)) == 3


def make_budget(**llm: Any) -> dict[str, Any]:
    return {"daily_budget_usd": 1.0, "monthly_budget_usd": 10.0} | llm


async def test_each_share_of_a_budget_is_told_once_a_period(
    open_test_services: OpenServices, clock: ManualClock
) -> None:
    async with open_test_services(llm=make_budget()) as services:
        run = FreeRun(services.db)
        await add_rows(services.db, [make_row(cost_usd=Decimal("0.79"))])
        assert await tell_reached(services, run) == 0
        await add_rows(services.db, [make_row(cost_usd=Decimal("0.01"))])
        assert await tell_reached(services, run) == 1
        assert await tell_reached(services, run) == 0
        await add_rows(services.db, [make_row(cost_usd=Decimal("0.2"))])
        assert await tell_reached(services, run) == 1
        clock.move(timedelta(days=1))
        await add_rows(services.db, [make_row(at=clock.now(), cost_usd=Decimal("0.9"))])
        assert await tell_reached(services, run) == 1
        assert await told_keys(services.db) == [
            "budget:day:2026-02-20:80",
            "budget:day:2026-02-20:100",
            "budget:day:2026-02-21:80",
        ]
        async with services.db.read() as conn:
            newest = (await newest_alerts(conn))[0]
        assert newest.facts == {"period": "day", "percent": 80, "spent_usd": 0.9, "limit_usd": 1.0}


async def test_the_month_is_told_apart_from_the_day(open_test_services: OpenServices) -> None:
    async with open_test_services(llm=make_budget(daily_budget_usd=100.0)) as services:
        first = AT - timedelta(days=10)
        await add_rows(services.db, [make_row(at=first, cost_usd=Decimal(9)), make_row(cost_usd=Decimal(1))])
        assert await tell_reached(services, FreeRun(services.db)) == 2
        assert await told_keys(services.db) == ["budget:month:2026-02:80", "budget:month:2026-02:100"]


async def test_many_processes_that_look_at_once_tell_once(open_test_services: OpenServices) -> None:
    async with open_test_services(llm=make_budget()) as services:
        await add_rows(services.db, [make_row(cost_usd=Decimal(2))])
        await add_rows(services.db, [make_outside(error_code="http_503") for _ in range(20)])
        await refresh_changed(services, FreeRun(services.db))
        told = await asyncio.gather(*(tell_reached(services, FreeRun(services.db)) for _ in range(6)))
        assert sum(told) == 3
        assert sorted(await told_keys(services.db)) == [
            "budget:day:2026-02-20:100",
            "budget:day:2026-02-20:80",
            "error_rate:kis:2026-02-20:20",
        ]


async def test_what_is_told_goes_with_the_fact_or_not_at_all(open_test_services: OpenServices) -> None:
    """A process that dies before its commit leaves the threshold for the next look."""

    class Dying(FreeRun):
        def begin(self, **_: Any) -> Any:
            outer = self.db.begin()

            class Lost:
                async def __aenter__(self) -> Any:
                    return await outer.__aenter__()

                async def __aexit__(self, *_: object) -> None:
                    error = RuntimeError()
                    await outer.__aexit__(RuntimeError, error, None)
                    raise error

            return Lost()

    async with open_test_services(llm=make_budget()) as services:
        await add_rows(services.db, [make_row(cost_usd=Decimal("0.85"))])
        with pytest.raises(RuntimeError):
            await tell_reached(services, Dying(services.db))
        assert await told_keys(services.db) == []
        assert await tell_reached(services, FreeRun(services.db)) == 1


async def test_the_job_makes_figures_and_tells(open_test_services: OpenServices) -> None:
    async with open_test_services(llm=make_budget()) as services:
        await add_rows(services.db, [make_row(error_code="timeout", cost_usd=Decimal(0)) for _ in range(4)])
        await add_rows(services.db, [make_row(cost_usd=Decimal(0)) for _ in range(16)])
        await run_job(services, JOBS["check_usage"], NOW, owner="a")
        assert await told_keys(services.db) == ["error_rate:openai:2026-02-20:20"]
        assert sum(row.calls for row in await stored(services.db)) == 20


async def _reserve(services: Services, amount: str, budget: Budget) -> int:
    async with services.db.begin() as conn:
        return await reserve(conn, CALL, estimate=Decimal(amount), budget=budget, at=services.clock.now())


async def _settle(services: Services, record: int, cost: str, at: datetime) -> None:
    outcome = Outcome(tokens=Tokens(), cost_usd=Decimal(cost), status_code=200, error_code=None, response_ms=1)
    async with services.db.begin() as conn:
        await settle(conn, record, outcome, at=at)


async def _spent(services: Services) -> tuple[Decimal, Decimal]:
    async with services.db.read() as conn:
        found = await spent(conn, at=services.clock.now())
    return found.today, found.month


async def test_a_call_that_did_not_fit_tells_of_the_whole_budget(open_test_services: OpenServices) -> None:
    async with open_test_services(llm=make_budget()) as services:
        async with services.db.begin() as conn:
            await note_stop(conn, "day", at=NOW)
            await note_stop(conn, "day", at=NOW)
            await note_stop(conn, "month", at=NOW)
        assert await tell_reached(services, FreeRun(services.db)) == 2
        assert await tell_reached(services, FreeRun(services.db)) == 0
        assert await told_keys(services.db) == ["budget:day:2026-02-20:100", "budget:month:2026-02:100"]


BUDGET = Budget(daily=Decimal(1), monthly=Decimal(10))


async def test_a_reset_archives_the_day_and_leaves_the_month_and_the_rows(
    services: Services, clock: ManualClock
) -> None:
    record = await _reserve(services, "0.9", BUDGET)
    await _settle(services, record, "0.8", clock.now())
    await add_rows(services.db, [make_outside()])
    clock.move(timedelta(minutes=1))
    with pytest.raises(BudgetExceeded):
        await _reserve(services, "0.3", BUDGET)
    shown = await service.to_reset(services)
    assert (shown.calls, shown.cost_usd, shown.previous) == (2, Decimal("0.8"), 0)
    done = await service.reset(services, actor_id=7, previous=shown.previous)
    assert (done.calls, done.cost_usd) == (2, Decimal("0.8"))
    assert await _spent(services) == (Decimal(0), Decimal("0.8"))
    await _reserve(services, "0.3", BUDGET)
    assert await _spent(services) == (Decimal("0.3"), Decimal("1.1"))
    assert (await rows_of(services.db, "SELECT count(*) AS calls FROM usage_record"))[0].calls == 3
    (archive,) = await rows_of(services.db, "SELECT * FROM usage_archive")
    assert (archive.day, archive.actor_id, archive.calls) == (TODAY, 7, 2)
    (audited,) = await rows_of(services.db, "SELECT * FROM audit")
    assert (audited.actor_id, audited.action, audited.detail["archive"]) == (7, "usage_reset", done.number)
    seen = await service.overview(services, Span.TODAY)
    assert (seen.models.calls, seen.outside.calls, seen.since) == (1, 0, clock.now())
    assert (await service.overview(services, Span.WEEK)).models.calls == 2


async def test_pressing_twice_resets_once(services: Services) -> None:
    await add_rows(services.db, [make_row()])
    ended = await asyncio.gather(
        *(service.reset(services, actor_id=7, previous=0) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, UserError) for each in ended) == 3
    assert len(await rows_of(services.db, "SELECT id FROM usage_archive")) == 1


async def test_calls_under_way_at_a_reset_go_on_counting(services: Services, clock: ManualClock) -> None:
    under_way = await _reserve(services, "0.6", BUDGET)
    settled_before = await _reserve(services, "0.3", BUDGET)
    await _settle(services, settled_before, "0.3", clock.now())
    clock.move(timedelta(seconds=30))
    await service.reset(services, actor_id=7, previous=0)
    assert (await _spent(services))[0] == Decimal("0.6")
    with pytest.raises(BudgetExceeded):
        await _reserve(services, "0.5", BUDGET)
    clock.move(timedelta(seconds=5))
    await _settle(services, under_way, "0.55", clock.now())
    assert (await _spent(services))[0] == Decimal("0.55")


async def test_a_reservation_whose_process_died_is_archived_by_a_reset(services: Services, clock: ManualClock) -> None:
    await _reserve(services, "0.9", BUDGET)
    clock.move(timedelta(minutes=11))
    await service.reset(services, actor_id=7, previous=0)
    assert await _spent(services) == (Decimal(0), Decimal("0.9"))


async def test_the_budget_after_a_reset_is_told_of_anew(open_test_services: OpenServices, clock: ManualClock) -> None:
    async with open_test_services(llm=make_budget()) as services:
        await add_rows(services.db, [make_row(cost_usd=Decimal("0.8"))])
        await tell_reached(services, FreeRun(services.db))
        clock.move(timedelta(minutes=1))
        batch = await service.reset(services, actor_id=7, previous=0)
        assert await tell_reached(services, FreeRun(services.db)) == 0
        await add_rows(services.db, [make_row(at=clock.now(), settled_at=clock.now(), cost_usd=Decimal("0.8"))])
        assert await tell_reached(services, FreeRun(services.db)) == 1
        assert (await told_keys(services.db))[-1] == f"budget:day:2026-02-20.{batch.number}:80"


async def test_today_is_broken_down_by_all_that_is_known(services: Services) -> None:
    async with services.db.begin() as conn:
        await conn.execute(
            text("INSERT INTO \"user\" (id, name, role, joined_at, seen_at) VALUES (7, '김하늘', 'member', :at, :at)"),
            {"at": AT},
        )
    await add_rows(
        services.db,
        [
            *(make_row(user_id=7, response_ms=ms) for ms in range(1, 101)),
            make_row(
                model="gpt-4o", purpose="rewrite", error_code="timeout", cost_usd=Decimal("0.5"), response_ms=60_000
            ),
            *(make_outside(response_ms=20) for _ in range(3)),
            make_outside(error_code="EGW00201", status_code=500),
        ],
    )
    found = await service.overview(services, Span.TODAY)
    assert (found.models.calls, found.models.failed, found.outside.calls, found.outside.failed) == (101, 1, 4, 1)
    assert found.models.p95_ms == 96
    assert list(found.by_model) == ["gpt-6-luna", "gpt-4o"]
    assert list(found.by_purpose) == ["predict", "rewrite"]
    assert {name: use.calls for name, use in found.by_user.items()} == {"김하늘 (7)": 100}
    assert list(found.by_error) == ["openai timeout", "kis EGW00201"]
    assert set(found.by_endpoint) == {"openai chat/completions", "kis inquire-price"}
    assert found.budgets.today == Decimal("1.5")
    assert len(found.buckets) == 24
    assert (found.buckets[15].calls, found.buckets[15].failed) == (105, 2)
    assert found.buckets[15].cost["gpt-4o"] == Decimal("0.5")


async def test_a_span_reads_kept_figures_and_the_rows_of_today(services: Services) -> None:
    days_ago = [AT - timedelta(days=days) for days in (0, 1, 6, 7, 29)]
    await add_rows(services.db, [make_row(at=at, settled_at=at) for at in days_ago])
    await refresh_changed(services, FreeRun(services.db))
    async with services.db.begin() as conn:
        await conn.execute(text("DELETE FROM usage_record WHERE at < :today"), {"today": kst(TODAY)})
    await add_rows(services.db, [make_row(), make_outside()])
    week, month = [await service.overview(services, span) for span in (Span.WEEK, Span.MONTH)]
    assert (week.models.calls, month.models.calls, week.outside.calls) == (4, 6, 1)
    assert [bucket.calls for bucket in week.buckets] == [1, 0, 0, 0, 0, 1, 3]
    assert len(month.buckets) == 30


async def test_the_forecast_follows_its_written_rule(services: Services) -> None:
    costs = {0: "1", 1: "2", 2: "3", 3: "4", 25: "7"}
    moments = [(AT - timedelta(days=days), Decimal(cost)) for days, cost in costs.items()]
    await add_rows(services.db, [make_row(at=at, settled_at=at, cost_usd=cost) for at, cost in moments])
    await refresh_changed(services, FreeRun(services.db))
    found = await service.costs(services)
    assert found.month == 10  # the 26th of January is another month's
    assert (found.mean_days, found.daily_mean) == (7, Decimal(9) / 7)
    assert found.days_left == 8
    assert found.forecast == 10 + Decimal(9) / 7 * 8
    assert {name: use.cost_usd for name, use in found.by_purpose.items()} == {"predict": 10}


async def test_the_forecast_of_the_first_day_is_more_of_the_same(services: Services) -> None:
    await add_rows(services.db, [make_row(cost_usd=Decimal("0.25"))])
    found = await service.costs(services)
    assert (found.mean_days, found.forecast) == (0, Decimal("0.25") * 9)


async def test_a_member_s_own_use_is_theirs_alone(services: Services) -> None:
    earlier = AT - timedelta(days=3)
    await add_rows(
        services.db,
        [make_row(user_id=7), make_row(user_id=8), make_row(user_id=7, at=earlier), make_outside(user_id=7)],
    )
    mine = await service.own_use(services, 7)
    assert (mine.calls_today, mine.calls_month, mine.cost_month, mine.tokens_month) == (1, 2, Decimal("0.02"), 240)


async def test_an_empty_database_has_an_answer_to_everything(services: Services) -> None:
    for span in Span:
        found = await service.overview(services, span)
        assert (found.models.calls, found.outside.calls, found.by_model) == (0, 0, {})
    assert (await service.costs(services)).forecast == 0
    assert [each.reached for each in (await service.alerts(services)).thresholds] == [False] * 4
    assert (await service.to_reset(services)).calls == 0
    async with services.db.read() as conn:
        assert await figures_of(conn, date(2026, 2, 20)) == []
        assert await budget_period(conn, TODAY) == "2026-02-20"
        assert len(await thresholds(services, conn)) == 4


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=10, max_size=30))
async def test_no_crowd_passes_the_cap_with_or_without_the_cheaper_model(
    services: Services, amounts: list[tuple[int, bool]]
) -> None:
    async with services.db.begin() as conn:
        await conn.execute(text("TRUNCATE usage_record"))
    beyond = BUDGET.raised(20)
    ordinary: list[Decimal] = []

    async def one(cents: int, cheaper: bool) -> None:
        try:
            await _reserve(services, f"{cents / 100}", beyond if cheaper else BUDGET)
        except BudgetExceeded:
            return
        if not cheaper:
            ordinary.append(Decimal(cents) / 100)

    await asyncio.gather(*(one(cents, cheaper) for cents, cheaper in amounts))
    today, _ = await _spent(services)
    assert today <= beyond.daily
    assert sum(ordinary) <= BUDGET.daily


def test_a_raised_budget_is_a_share_more_of_both() -> None:
    assert Budget(daily=Decimal(5), monthly=Decimal(100)).raised(20) == Budget(daily=Decimal(6), monthly=Decimal(120))
    assert replace(BUDGET).raised(0) == BUDGET
