from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.db import Database
from core.errors import BudgetExceeded
from core.ledger.calls import Budget, Call, Outcome, reserve, settle, spent
from core.ledger.prices import Tokens

AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
CALL = Call(provider="openai", endpoint="chat/completions", model="m", purpose="predict", request_id="r1")
BUDGET = Budget(daily=Decimal(1), monthly=Decimal(3))


async def _reserve(database: Database, amount: str, *, at: datetime = AT, budget: Budget = BUDGET) -> int:
    async with database.begin() as conn:
        return await reserve(conn, CALL, estimate=Decimal(amount), budget=budget, at=at)


async def _settle(database: Database, record: int, cost: str | None) -> None:
    outcome = Outcome(
        tokens=Tokens(sent=1),
        cost_usd=None if cost is None else Decimal(cost),
        status_code=200,
        error_code=None,
        response_ms=1,
    )
    async with database.begin() as conn:
        await settle(conn, record, outcome, at=AT)


async def _spent(database: Database, at: datetime = AT) -> tuple[Decimal, Decimal]:
    async with database.begin() as conn:
        found = await spent(conn, at=at)
    return found.today, found.month


async def test_a_reservation_counts_until_it_is_settled_at_its_real_cost(database: Database) -> None:
    record = await _reserve(database, "0.9")
    with pytest.raises(BudgetExceeded, match="daily"):
        await _reserve(database, "0.2")
    await _settle(database, record, "0.1")
    await _reserve(database, "0.2")
    assert await _spent(database) == (Decimal("0.3"), Decimal("0.3"))


async def test_a_call_of_unknown_cost_keeps_counting_with_its_estimate(database: Database) -> None:
    await _settle(database, await _reserve(database, "0.4"), None)
    assert await _spent(database) == (Decimal("0.4"), Decimal("0.4"))


async def test_days_and_months_turn_at_midnight_in_seoul(database: Database) -> None:
    last_moment = datetime(2026, 2, 28, 14, 59, 59, tzinfo=UTC)
    await _reserve(database, "1", at=last_moment)
    with pytest.raises(BudgetExceeded):
        await _reserve(database, "0.1", at=last_moment)
    next_day = last_moment + timedelta(seconds=1)
    assert await _spent(database, next_day) == (Decimal(0), Decimal(0))
    await _reserve(database, "1", at=next_day)


async def test_the_month_stops_what_the_day_would_allow(database: Database) -> None:
    for day in range(3):
        await _reserve(database, "1", at=AT + timedelta(days=day))
    with pytest.raises(BudgetExceeded, match="monthly"):
        await _reserve(database, "0.1", at=AT + timedelta(days=3))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(1, 60), min_size=8, max_size=25), share=st.integers(0, 100))
async def test_no_crowd_of_callers_spends_beyond_the_budget(database: Database, amounts: list[int], share: int) -> None:
    async with database.begin() as conn:
        await conn.execute(text("TRUNCATE usage_record"))

    async def one(cents: int) -> None:
        try:
            record = await _reserve(database, f"{cents / 100}")
        except BudgetExceeded:
            return
        today, _ = await _spent(database)
        assert today <= BUDGET.daily
        await _settle(database, record, f"{cents * share / 10_000}")

    await asyncio.gather(*(one(cents) for cents in amounts))
    today, _ = await _spent(database)
    assert today <= BUDGET.daily
