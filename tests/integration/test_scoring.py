from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.market.bar import Bar
from core.market.queries import store_bars
from core.prediction.forecast import Direction, Forecast, Odds
from core.prediction.queries import Draft, Model, seal, sync_models
from core.scoring.record import LEAST_EFFECTIVE_N, record_of
from core.scoring.service import score_closed
from core.services import Services
from core.stocks.queries import upsert_stocks
from tests.conftest import NOW
from tests.sheets import SAMSUNG, make_bar

MONDAY, TUESDAY = date(2026, 2, 23), date(2026, 2, 24)
UP = Odds(up=0.5, flat=0.3, down=0.2)
MODELS = ("rule:momentum", "rule:base_rate")


@pytest.fixture(autouse=True)
async def _stock(services: Services) -> None:
    async with services.db.begin() as conn:
        await upsert_stocks(conn, [SAMSUNG], at=NOW)
        models = [
            Model(key=key, kind="rule", provider="rule", name=key, active=True, rank=rank)
            for rank, key in enumerate(MODELS)
        ]
        await sync_models(conn, models, at=NOW)


async def _seal(services: Services, odds: Odds | None = UP, **changes: Any) -> int:
    closes_on: Mapping[int, date] = changes.pop("closes_on", {1: MONDAY, 5: date(2026, 2, 27)})
    row: dict[str, Any] = {
        "code": SAMSUNG.code,
        "model_key": MODELS[0],
        "as_of": NOW,
        "made_at": NOW,
        "phase": "after_close",
        "live": True,
        "base_price": 10_000,
        "base_at": services.calendar.closes(date(2026, 2, 20)),
        "outcome": "made" if odds else "failed",
        "failure": None if odds else "Malformed",
        "confidence": None,
        "short_target": None,
        "long_target": None,
        "prompt_version": "1",
        "input_hash": f"{len(await _all(services, 'SELECT 1 FROM prediction'))}",
        "request_id": "r1",
    }
    forecast = Forecast(odds=dict.fromkeys(closes_on, odds), confidence=0.5) if odds else None
    draft = Draft(row=row | changes, forecast=forecast, closes_on=closes_on, bands=dict.fromkeys(closes_on, 0.01))
    async with services.db.begin() as conn:
        number = await seal(conn, draft)
    assert number is not None
    return number


async def _close(services: Services, *bars: Bar) -> None:
    async with services.db.begin() as conn:
        await store_bars(conn, SAMSUNG.code, bars, source="KIS", at=NOW)


async def _all(services: Services, query: str) -> list[Any]:
    async with services.db.begin() as conn:
        return list((await conn.execute(text(query))).all())


async def _scores(services: Services) -> list[Any]:
    return await _all(services, "SELECT * FROM model_evaluation ORDER BY prediction_id, sessions")


@pytest.fixture
def after_monday(services: Services, clock: ManualClock) -> None:
    clock.move(services.calendar.closes(MONDAY) + timedelta(hours=1) - clock.now())


@pytest.mark.usefixtures("after_monday")
@pytest.mark.parametrize(
    ("close", "actual"),
    [(10_101, "up"), (10_100, "flat"), (10_000, "flat"), (9_900, "flat"), (9_899, "down")],
)
async def test_the_direction_is_judged_by_the_stored_band(services: Services, close: int, actual: str) -> None:
    number = await _seal(services)
    await _close(services, make_bar(MONDAY, close))
    assert await score_closed(services) == 1
    (score,) = await _scores(services)
    assert (score.prediction_id, score.sessions, score.closed_on) == (number, 1, MONDAY)
    assert (score.actual, score.called, score.hit) == (actual, "up", actual == "up")
    assert score.return_percent == pytest.approx((close / 10_000 - 1) * 100)
    outcome = {way: float(way == actual) for way in ("up", "flat", "down")}
    assert score.brier == pytest.approx(sum((getattr(UP, way) - came) ** 2 for way, came in outcome.items()))


@pytest.mark.usefixtures("after_monday")
async def test_the_call_in_sql_is_the_call_in_python(services: Services) -> None:
    tenths = range(11)
    odds = [
        Odds(up=up / 10, flat=flat / 10, down=(10 - up - flat) / 10)
        for up in tenths
        for flat in tenths
        if up + flat <= 10
    ]
    expected = {await _seal(services, each): each.direction for each in odds}
    await _close(services, make_bar(MONDAY, 10_200))
    await score_closed(services)
    called = {score.prediction_id: Direction(score.called) for score in await _scores(services)}
    assert called == expected


@pytest.mark.usefixtures("after_monday")
async def test_a_split_on_the_way_is_seen_through(services: Services) -> None:
    await _seal(services)
    await _close(
        services,
        make_bar(date(2026, 2, 20), 10_000, split_ratio=0.5),  # on the base day: the base price has it already
        make_bar(MONDAY, 2_040, split_ratio=0.2),
    )
    await score_closed(services)
    (score,) = await _scores(services)
    assert score.return_percent == pytest.approx(2.0)
    assert (score.base_price, score.close_price) == (10_000, 2_040)


@pytest.mark.usefixtures("after_monday")
async def test_failed_and_abstained_predictions_count_without_a_call(services: Services) -> None:
    await _seal(services, None)
    await _seal(services, None, outcome="abstained", failure=None)
    await _close(services, make_bar(MONDAY, 10_200))
    assert await score_closed(services) == 2
    for score in await _scores(services):
        assert (score.actual, score.called, score.hit, score.brier) == ("up", None, None, None)


@pytest.mark.usefixtures("after_monday")
async def test_scoring_again_changes_nothing_even_when_the_bar_was_corrected(services: Services) -> None:
    await _seal(services)
    await _close(services, make_bar(MONDAY, 10_200))
    await score_closed(services)
    first = await _scores(services)
    await _close(services, make_bar(MONDAY, 9_000))
    assert await score_closed(services) == 0
    assert await _scores(services) == first


@pytest.mark.usefixtures("after_monday")
async def test_two_runs_at_once_score_everything_once(services: Services) -> None:
    for _ in range(20):
        await _seal(services)
    await _close(services, make_bar(MONDAY, 10_200))
    assert sum(await asyncio.gather(*(score_closed(services) for _ in range(4)))) == 20


async def test_nothing_is_scored_before_its_session_has_closed(services: Services, clock: ManualClock) -> None:
    await _seal(services)
    await _close(services, make_bar(MONDAY, 10_200))
    clock.move(services.calendar.closes(MONDAY) - timedelta(seconds=1) - clock.now())
    assert await score_closed(services) == 0
    clock.move(timedelta(seconds=1))
    assert await score_closed(services) == 1


@pytest.mark.usefixtures("after_monday")
async def test_a_horizon_waits_for_its_bar(services: Services) -> None:
    await _seal(services)
    assert await score_closed(services) == 0
    await _close(services, make_bar(MONDAY, 10_200))
    assert await score_closed(services) == 1


@pytest.mark.usefixtures("after_monday")
async def test_a_run_writes_through_its_own_transaction(services: Services) -> None:
    await _seal(services)
    await _close(services, make_bar(MONDAY, 10_200))
    begun = 0

    def begin() -> Any:
        nonlocal begun
        begun += 1
        return services.db.begin()

    await score_closed(services, begin=begin)
    assert begun == 1


async def _history(services: Services, days: int, **changes: Any) -> list[date]:
    """Predictions of `days` sessions, every other one right, and their closes."""
    day, made = date(2025, 6, 2), []
    for number in range(days):
        day = services.calendar.next_session(day)
        at = services.calendar.opens(day) - timedelta(hours=1)
        base = {"closes_on": {1: day}, "base_at": at - timedelta(days=1), "input_hash": f"{day}", **changes}
        await _seal(services, UP, **base)
        await _seal(services, Odds(up=0.3, flat=0.4, down=0.3), **base | {"model_key": MODELS[1]})
        await _close(services, make_bar(day, 10_200 if number % 2 else 9_800))
        made.append(day)
    await score_closed(services)
    return made


async def test_a_record_counts_calls_hits_and_days_and_is_judged_only_when_it_is_long(services: Services) -> None:
    await _history(services, 10)
    async with services.db.begin() as conn:
        short = await record_of(conn, MODELS[0])
    assert (short.predictions, short.calls, short.hits, short.days) == (10, 10, 5, 10)
    assert (short.hit_rate, short.effective_n, short.interval) == (0.5, 10, None)
    # 0.38 when right and 0.98 when wrong, against 0.74 of the base rate each time
    assert short.skill == pytest.approx(1 - (0.38 + 0.98) / 2 / 0.74)


async def test_a_long_record_has_an_interval_but_not_for_one_stock(services: Services) -> None:
    await _history(services, LEAST_EFFECTIVE_N)
    async with services.db.begin() as conn:
        whole = await record_of(conn, MODELS[0])
        single = await record_of(conn, MODELS[0], code=SAMSUNG.code)
        empty = await record_of(conn, "nobody")
    assert whole.interval == pytest.approx((0.3315, 0.6685), abs=1e-3)
    assert (single.calls, single.interval) == (LEAST_EFFECTIVE_N, None)
    assert (empty.predictions, empty.hit_rate, empty.skill) == (0, None, None)


async def test_a_replay_is_scored_but_is_no_part_of_a_record(services: Services) -> None:
    await _history(services, 3, live=False)
    assert len(await _scores(services)) == 6
    async with services.db.begin() as conn:
        assert (await record_of(conn, MODELS[0])).predictions == 0
