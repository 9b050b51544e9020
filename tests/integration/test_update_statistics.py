"""The statistics of report updates, from rows of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text

from core.clock import Phase, kst, kst_date
from core.reports.models import ReportUpdateRow, StockAnalysisRow
from core.reports.report import UpdateReason
from core.reports.statistics import update_statistics
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from tests.conftest import NOW
from tests.sheets import SAMSUNG

HYNIX = Stock(code="000660", name="SK하이닉스", market=Market.KOSPI)
HOUR = timedelta(hours=1)


def make_update(at: datetime, **changes: Any) -> dict[str, Any]:
    """An attempt that succeeded."""
    values: dict[str, Any] = {
        "code": "005930",
        "at": at,
        "reason": "scheduled",
        "phase": "session",
        "succeeded": True,
        "predictions": 6,
        "llm_calls": 2,
        "cost_usd": Decimal("0.01"),
        "seconds": 2.0,
    }
    return values | changes


async def add(services: Services, updates: Iterable[dict[str, Any]]) -> None:
    """Store updates, of two stocks of which one is followed."""
    async with services.db.begin() as conn:
        await upsert_stocks(conn, [SAMSUNG, HYNIX], at=NOW)
        await conn.execute(text("UPDATE stock SET priority = 1 WHERE code = '005930'"))
        await conn.execute(insert(ReportUpdateRow), list(updates))


async def add_reports(services: Services, made: Iterable[tuple[str, datetime]]) -> None:
    """Store reports of a code, made at a moment."""
    same: dict[str, Any] = {"last_update_reason": "first", "last_market_phase": "session", "base_price": 1, "body": {}}
    same |= {"verdict": "up", "confidence": 0.5, "lead_model": "rule:momentum", "wording": "written", "input_hash": ""}
    rows = [{"code": code, "made_at": at, "as_of": at} | same for code, at in made]
    async with services.db.begin() as conn:
        await conn.execute(insert(StockAnalysisRow), rows)


async def test_attempts_are_counted_by_reason_phase_hour_day_and_stock(services: Services) -> None:
    yesterday = NOW - timedelta(days=1)
    await add(
        services,
        [
            make_update(NOW - 3 * HOUR),
            make_update(NOW - HOUR, reason="asked"),
            make_update(NOW, reason="price_moved", phase="after_hours", succeeded=False, llm_calls=0, cost_usd=0),
            make_update(yesterday, code="000660", reason="asked", llm_calls=5, cost_usd=Decimal("0.002")),
            make_update(NOW - timedelta(days=7)),
        ],
    )
    found = await update_statistics(services, 7)
    assert (found.updates, found.succeeded, found.success_rate) == (4, 3, 0.75)
    assert found.by_reason == {UpdateReason.ASKED: 2, UpdateReason.PRICE_MOVED: 1, UpdateReason.SCHEDULED: 1}
    assert next(iter(found.by_reason)) is UpdateReason.ASKED
    assert found.by_phase == {Phase.SESSION: 3, Phase.AFTER_HOURS: 1}
    assert found.by_weekday_hour == {(4, 12): 1, (4, 14): 1, (4, 15): 1, (3, 15): 1}  # Friday and Thursday in Seoul
    assert found.by_hour == {12: 1, 14: 1, 15: 2}
    assert [(stock.code, stock.updates, stock.failed) for stock in found.busiest] == [
        ("005930", 3, 1),
        ("000660", 1, 0),
    ]
    assert (found.observed_days, found.stocks, found.per_stock_and_day) == (2, 2, 1.0)
    assert [(day.updates, day.calls) for day in found.per_day] == [(0, 0)] * 5 + [(1, 5), (3, 4)]
    assert found.cost_usd == Decimal("0.022")
    assert found.flat_usd == Decimal("0.009")


async def test_the_interval_lies_between_successes_of_one_stock(services: Services) -> None:
    await add(
        services,
        [
            make_update(NOW - 6 * HOUR),
            make_update(NOW - 5 * HOUR, succeeded=False),
            make_update(NOW - 2 * HOUR),
            make_update(NOW - 3 * HOUR, code="000660"),
            make_update(NOW - HOUR, code="000660"),
        ],
    )
    assert (await update_statistics(services, 1)).mean_interval == 3 * HOUR


async def test_a_day_begins_at_midnight_in_seoul(services: Services) -> None:
    midnight = kst(kst_date(NOW))
    await add(services, [make_update(midnight), make_update(midnight - timedelta(microseconds=1))])
    assert (await update_statistics(services, 1)).updates == 1
    assert (await update_statistics(services, 2)).updates == 2


async def test_the_age_is_what_a_reader_meets_at_a_random_moment(services: Services) -> None:
    await add(services, [make_update(NOW)])
    start = kst(kst_date(NOW))  # 15 hours and 50 minutes ago
    await add_reports(services, [("005930", start), ("005930", NOW - HOUR), ("000660", NOW - timedelta(days=5))])
    found = await update_statistics(services, 1)
    first, last = (NOW - HOUR - start).total_seconds(), HOUR.total_seconds()
    expected = (first**2 / 2 + last**2 / 2) / (first + last)
    assert found.mean_age is not None
    assert abs(found.mean_age.total_seconds() - expected) < 1
    assert found.age_now == HOUR


async def test_a_report_from_before_the_span_ages_in_it(services: Services) -> None:
    await add(services, [make_update(NOW)])
    start = kst(kst_date(NOW))
    await add_reports(services, [("005930", start - 10 * HOUR)])
    found = await update_statistics(services, 1)
    assert found.mean_age is not None
    assert abs(found.mean_age - (10 * HOUR + (NOW - start) / 2)) < timedelta(seconds=1)


async def test_nothing_recorded_is_an_answer(services: Services) -> None:
    found = await update_statistics(services, 30)
    assert (found.updates, found.success_rate, found.mean_interval, found.mean_age) == (0, None, None, None)
    assert found.per_stock_and_day is None
    assert (len(found.per_day), found.cost_usd) == (30, Decimal(0))
