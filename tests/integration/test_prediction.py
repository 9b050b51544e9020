from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.clock import ManualClock
from core.ledger.calls import Budget, Call, reserve, spent
from core.prediction.fact import FactSheet
from core.prediction.forecast import HORIZONS, Prediction
from core.prediction.queries import list_models, predictions_for
from core.prediction.rules import RULES
from core.prediction.service import predict
from core.services import Services
from core.stocks.queries import upsert_stocks
from sim.llm.misbehaviour import Mode
from sim.llm.server import LlmServer
from tests.conftest import NOW, OpenServices
from tests.sheets import SAMSUNG, make_bars, make_sheet

LUNA, DEEPSEEK = "openai:gpt-6-luna", "openrouter:deepseek/deepseek-v3.2"
SIGNALS = ("golden_cross", "rsi", "volume_surge", "new_high", "flow_streak")
"""Rules that speak on the days of their signals alone."""


@pytest.fixture
async def llm(clock: ManualClock) -> AsyncIterator[LlmServer]:
    server = LlmServer(clock.now, latency=0.0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def opened(llm: LlmServer, open_test_services: OpenServices) -> AsyncIterator[Services]:
    async with opened_with(llm, open_test_services) as services:
        yield services


@asynccontextmanager
async def opened_with(
    llm: LlmServer, open_services: OpenServices, /, *models: str, **groups: dict[str, Any]
) -> AsyncIterator[Services]:
    """Services with both providers on the simulated endpoint and a stock to predict."""
    given: dict[str, dict[str, Any]] = {
        "openai": {"api_key": llm.api_key, "base_url": f"{llm.url}/v1"},
        "openrouter": {"api_key": llm.api_key, "base_url": f"{llm.url}/api/v1"},
        "llm": {"models": models or (LUNA, DEEPSEEK), "timeout_seconds": 5},
    }
    async with open_services(**given | groups) as services:
        await services.cache.clear()
        async with services.db.begin() as conn:
            await upsert_stocks(conn, [SAMSUNG], at=services.clock.now())
        yield services


def _sheet(**changes: Any) -> FactSheet:
    return make_sheet(**{"as_of": NOW} | changes)


async def _predict(services: Services, sheet: FactSheet | None = None, **asked: Any) -> dict[str, Prediction]:
    made = await predict(services, sheet or _sheet(), request_id="r1", **asked)
    return {prediction.model_key: prediction for prediction in made}


def _chats(llm: LlmServer) -> int:
    return sum(asked.path.endswith("/chat/completions") for asked in llm.requests)


async def _rows(services: Services, query: str) -> list[Any]:
    async with services.db.begin() as conn:
        return list((await conn.execute(text(query))).all())


async def test_every_active_forecaster_seals_a_prediction(opened: Services, llm: LlmServer) -> None:
    sheet = _sheet()
    made = await _predict(opened, sheet, user_id=7)
    assert list(made) == [LUNA, DEEPSEEK, *(rule.key for rule in RULES)]
    outcomes = {key: prediction.outcome for key, prediction in made.items()}
    assert outcomes.pop("rule:flow_following") == "abstained"
    on_signals = {outcomes.pop(f"rule:{name}") for name in SIGNALS}
    assert on_signals <= {"made", "abstained"}
    assert set(outcomes.values()) == {"made"}
    luna = made[LUNA]
    assert luna.forecast is not None
    assert tuple(luna.forecast.odds) == HORIZONS
    assert len(luna.forecast.reasons) == 3
    assert {each for reason in luna.forecast.reasons for each in reason.evidence} <= sheet.by_id.keys()
    assert luna.closes_on == {1: date(2026, 2, 23), 5: date(2026, 2, 27), 20: date(2026, 3, 23)}
    assert (luna.base_price, luna.input_hash, luna.made_at) == (sheet.base_price, sheet.input_hash, NOW)
    assert _chats(llm) == 2


async def test_what_is_stored_is_what_was_answered(opened: Services) -> None:
    made = await _predict(opened)
    async with opened.db.begin() as conn:
        stored = {each.model_key: each for each in await predictions_for(conn, SAMSUNG.code, limit=20)}
    assert stored == made
    (row,) = await _rows(opened, f"SELECT live, phase, request_id FROM prediction WHERE model_key = '{LUNA}'")
    assert (row.live, row.phase, row.request_id) == (True, "after_close", "r1")
    used = await _rows(opened, "SELECT DISTINCT code, purpose, request_id FROM usage_record")
    assert [tuple(each) for each in used] == [(SAMSUNG.code, "predict", "r1")]


async def test_a_sealed_prediction_is_never_changed(opened: Services) -> None:
    await _predict(opened)
    for change in (
        "UPDATE prediction SET base_price = 1",
        "DELETE FROM prediction",
        "UPDATE prediction_horizon SET p_up = 1",
        "DELETE FROM prediction_horizon",
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            await _rows(opened, change)


async def test_equal_input_is_asked_once_even_without_the_cache(opened: Services, llm: LlmServer) -> None:
    first = await _predict(opened)
    assert await _predict(opened) == first
    await opened.cache.clear()
    again = await _predict(opened)
    assert _chats(llm) == 2
    del first["rule:flow_following"], again["rule:flow_following"]  # an abstention is sealed anew
    assert again == first


async def test_a_crowd_shares_one_computation(opened: Services, llm: LlmServer) -> None:
    llm.latency = 0.1
    first, *others = await asyncio.gather(*(_predict(opened) for _ in range(8)))
    assert all(other == first for other in others)
    assert _chats(llm) == 2
    assert len(await _rows(opened, "SELECT id FROM prediction")) == len(first)


async def test_two_processes_seal_one_prediction(
    llm: LlmServer, open_test_services: OpenServices, tmp_path: Path
) -> None:
    llm.latency = 0.1
    folder = {"data_dir": tmp_path / "other"}
    async with (
        opened_with(llm, open_test_services) as one,
        opened_with(llm, open_test_services, app=folder) as other,
    ):
        here, there = await asyncio.gather(_predict(one), _predict(other))
        assert here[LUNA] == there[LUNA]
        made = await _rows(one, "SELECT model_key FROM prediction")
        assert len(made) == len({row.model_key for row in made})


async def test_nothing_is_sealed_again_when_the_cache_is_lost(opened: Services) -> None:
    first = await _predict(opened)
    assert first["rule:flow_following"].outcome == "abstained"
    await opened.cache.clear()
    assert await _predict(opened) == first
    assert len(await _rows(opened, "SELECT id FROM prediction")) == len(first)


async def test_other_input_is_predicted_anew(opened: Services, llm: LlmServer) -> None:
    first = await _predict(opened)
    sheet = _sheet()
    other = await _predict(opened, replace(sheet, missing=("PER",)))
    assert other[LUNA].id != first[LUNA].id
    assert _chats(llm) == 4


@pytest.mark.parametrize("mode", ["prose", "truncated_json", "huge", "empty", "refusal"])
async def test_a_model_that_misbehaves_fails_alone(
    llm: LlmServer, open_test_services: OpenServices, mode: Mode
) -> None:
    llm.misbehave(mode, times=2)
    async with opened_with(llm, open_test_services, LUNA) as services:
        made = await _predict(services)
        assert made[LUNA].outcome == "failed"
        assert (made[LUNA].failure or "").startswith("Malformed: ")
        assert made[LUNA].forecast is None
        assert {prediction.outcome for key, prediction in made.items() if key != LUNA} == {"made", "abstained"}
        (row,) = await _rows(services, f"SELECT outcome, failure FROM prediction WHERE model_key = '{LUNA}'")
        assert row.outcome == "failed"
        horizons = await _rows(services, f"SELECT p_up FROM prediction_horizon WHERE prediction_id = {made[LUNA].id}")
        assert [each.p_up for each in horizons] == [None] * len(HORIZONS)


async def test_a_dead_provider_fails_its_model_alone(opened: Services, llm: LlmServer) -> None:
    await llm.stop()
    made = await _predict(opened)
    assert (made[LUNA].failure or "").startswith("Unavailable: ")
    assert made["rule:momentum"].outcome == "made"


async def test_a_model_that_is_gone_fails_and_says_so(opened: Services, llm: LlmServer) -> None:
    llm.models["gpt-6-luna"] = date(2026, 1, 1)
    made = await _predict(opened)
    assert (made[LUNA].failure or "").startswith("Unsupported: ")
    assert made[DEEPSEEK].outcome == "made"


async def test_a_used_up_budget_leaves_the_rules(opened: Services, llm: LlmServer) -> None:
    call = Call(provider="openai", endpoint="e", model="m", purpose="x", request_id="r0")
    all_of_it = Decimal(5)
    async with opened.db.begin() as conn:
        await reserve(conn, call, estimate=all_of_it, budget=Budget(daily=all_of_it, monthly=all_of_it), at=NOW)
    made = await _predict(opened)
    assert (made[LUNA].failure or "").startswith("BudgetExceeded: ")
    assert made["rule:always_up"].outcome == "made"
    assert _chats(llm) == 0


@pytest.mark.parametrize("cheaper", ["openai:gpt-4o-mini", LUNA])
async def test_at_the_budget_the_cheaper_model_predicts_under_its_own_name(
    llm: LlmServer, open_test_services: OpenServices, cheaper: str
) -> None:
    asked = {"models": (DEEPSEEK, LUNA), "at_budget": "cheaper", "cheaper_model": cheaper}
    call = Call(provider="openai", endpoint="e", model="m", purpose="x", request_id="r0")
    async with opened_with(llm, open_test_services, llm=asked) as services:
        before = list(await _predict(services))
        assert before == [DEEPSEEK, LUNA, *(rule.key for rule in RULES)]
        async with services.db.begin() as conn:
            so_far = (await spent(conn, at=NOW)).today
            await reserve(conn, call, estimate=5 - so_far, budget=Budget(daily=Decimal(5), monthly=Decimal(9)), at=NOW)
        await services.cache.clear()
        made = await _predict(services, _sheet(bars=make_bars(120)))
        assert (made[DEEPSEEK].failure or "").startswith("BudgetExceeded: ")
        assert made[cheaper].outcome == "made"
        assert list(made) == list(dict.fromkeys([DEEPSEEK, LUNA, cheaper, *(rule.key for rule in RULES)]))


async def test_a_failure_is_not_remembered(llm: LlmServer, open_test_services: OpenServices) -> None:
    llm.misbehave("prose", times=2)
    async with opened_with(llm, open_test_services, LUNA) as services:
        assert (await _predict(services))[LUNA].outcome == "failed"
        assert (await _predict(services))[LUNA].outcome == "made"


async def test_odds_and_targets_that_cannot_be_are_a_failure(llm: LlmServer, open_test_services: OpenServices) -> None:
    async with opened_with(llm, open_test_services, LUNA) as services:
        sheet = _sheet(base_price=1_000)  # the facts say 70,000, and the model believes them
        made = await _predict(services, sheet)
        assert made[LUNA].failure == "Malformed: a target is out of reach of the price"


async def test_a_sheet_of_the_past_is_a_replay(opened: Services) -> None:
    await _predict(opened, _sheet(as_of=NOW - timedelta(minutes=11)))
    assert {row.live for row in await _rows(opened, "SELECT live FROM prediction")} == {False}


async def test_before_the_open_the_next_close_is_todays(opened: Services, clock: ManualClock) -> None:
    opens = opened.calendar.opens(date(2026, 2, 23))
    clock.move(opens - timedelta(minutes=5) - clock.now())
    before = await _predict(opened, _sheet(as_of=clock.now()))
    assert before[LUNA].closes_on[1] == date(2026, 2, 23)
    clock.move(timedelta(minutes=10))
    after = await _predict(opened, replace(_sheet(as_of=clock.now()), missing=("PER",)))
    assert after[LUNA].closes_on[1] == date(2026, 2, 24)


async def test_models_are_rows_and_those_without_a_key_are_inactive(
    llm: LlmServer, open_test_services: OpenServices
) -> None:
    async with opened_with(llm, open_test_services, openrouter={}) as services:
        made = await _predict(services)
        assert list(made) == [LUNA, *(rule.key for rule in RULES)]
        async with services.db.begin() as conn:
            known = {model.key: model.active for model in await list_models(conn)}
    assert known == {LUNA: True, DEEPSEEK: False} | {rule.key: True for rule in RULES}
    async with opened_with(llm, open_test_services, DEEPSEEK) as services:
        await _predict(services)
        async with services.db.begin() as conn:
            models = await list_models(conn)
    assert models[0].key == DEEPSEEK
    assert {model.key for model in models if not model.active} == {LUNA}
