"""Predictions: every active forecaster on one sheet, in parallel, sealed before the outcome is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import BudgetExceeded, StockPilotError
from core.prediction.fact import FactSheet
from core.prediction.forecast import HORIZONS, Forecast, Forecaster, Prediction
from core.prediction.llm_forecaster import LLMForecaster
from core.prediction.queries import Draft, Model, find_sealed, get_prediction, seal, sync_models
from core.prediction.rules import RULES
from core.services import Services

log = structlog.get_logger(__name__)

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

CACHED_FOR = timedelta(minutes=15)
REPLAY_AFTER = timedelta(minutes=10)
"""A sheet older than this when it is predicted from is a replay and does not count as live."""
_MAX_FAILURE_CHARS = 300
_PREDICTION = TypeAdapter(Prediction)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking:
    """One ask for predictions: what all forecasters share."""

    services: Services
    sheet: FactSheet
    request_id: str
    user_id: int | None
    live: bool
    begin: Begin


async def predict(
    services: Services,
    sheet: FactSheet,
    *,
    request_id: str,
    user_id: int | None = None,
    live: bool = True,
    begin: Begin | None = None,
) -> list[Prediction]:
    """A sealed prediction of every active forecaster, models in the order of the settings first, then rules.

    They run side by side; one that fails or abstains is sealed as such and harms no other. Equal input is not
    predicted twice: it comes from the 15-minute cache or from the sealed row, and concurrent askers share one
    computation. Raises only when sealing itself fails (`Unavailable`, `Fenced`).
    """
    begin = begin or services.db.begin
    async with begin() as conn:
        await sync_models(conn, models(services), at=services.clock.now())
    is_replay = services.clock.now() - sheet.as_of > REPLAY_AFTER
    asking = _Asking(
        services=services,
        sheet=sheet,
        request_id=request_id,
        user_id=user_id,
        live=live and not is_replay,
        begin=begin,
    )
    # Every forecaster is let finish and seal before a failure to seal one is raised.
    ended = await asyncio.gather(
        *(_shared(asking, forecaster) for forecaster in forecasters(services)), return_exceptions=True
    )
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    made = [outcome for outcome in ended if isinstance(outcome, Prediction)]
    standby = _standby(services, made)
    if standby is None:
        return made
    place = len(made) - len(RULES)
    return [*made[:place], await _shared(asking, standby), *made[place:]]


def _standby(services: Services, made: list[Prediction]) -> Forecaster | None:
    """The cheaper model, when the budget stopped another and it was not among the asked; sealed under its own name."""
    stopped = any((each.failure or "").startswith(BudgetExceeded.__name__) for each in made)
    key = services.llm.cheaper_key
    if not stopped or key is None or key in {each.model_key for each in made}:
        return None
    return LLMForecaster(key, services.llm)


def models(services: Services) -> list[Model]:
    """Every forecaster the settings name, as rows of the model table; without its key a model is inactive."""
    named = [
        Model(
            key=key,
            kind="llm",
            provider=key.partition(":")[0],
            name=key.partition(":")[2],
            active=services.llm.configured(key),
            rank=rank,
        )
        for rank, key in enumerate(dict.fromkeys(_named(services)))
    ]
    rules = [
        Model(
            key=rule.key,
            kind="rule",
            provider="rule",
            name=rule.key.partition(":")[2],
            active=True,
            rank=len(named) + rank,
        )
        for rank, rule in enumerate(RULES)
    ]
    return [*named, *rules]


def _named(services: Services) -> list[str]:
    """The models of the settings, and behind them the one that goes on when the budget is used up."""
    cheaper = services.llm.cheaper_key
    return [*services.settings.llm.models, *([cheaper] if cheaper else [])]


def forecasters(services: Services) -> list[Forecaster]:
    """Every active forecaster in order."""
    keys = [key for key in dict.fromkeys(services.settings.llm.models) if services.llm.configured(key)]
    return [*(LLMForecaster(key, services.llm) for key in keys), *RULES]


async def _shared(asking: _Asking, forecaster: Forecaster) -> Prediction:
    sheet, cache = asking.sheet, asking.services.cache
    key = f"prediction:{sheet.stock.code}:{forecaster.key}:{forecaster.prompt_version}:{sheet.input_hash}"

    async def compute() -> bytes:
        return _PREDICTION.dump_json(await _predicted(asking, forecaster))

    prediction = _PREDICTION.validate_json(await cache.shared(key, CACHED_FOR, compute))
    if prediction.outcome == "failed":
        await cache.delete(key)
    return prediction


async def _predicted(asking: _Asking, forecaster: Forecaster) -> Prediction:
    if (known := await _sealed(asking, forecaster)) is not None:
        return known
    try:
        forecast = await forecaster.forecast(asking.sheet, request_id=asking.request_id, user_id=asking.user_id)
    except StockPilotError as error:
        log.warning("forecast_failed", model=forecaster.key, code=asking.sheet.stock.code, error=type(error).__name__)
        failure = f"{type(error).__name__}: {error}"[:_MAX_FAILURE_CHARS]
        return await _seal(asking, forecaster, None, outcome="failed", failure=failure)
    return await _seal(asking, forecaster, forecast, outcome="made" if forecast else "abstained")


async def _sealed(asking: _Asking, forecaster: Forecaster) -> Prediction | None:
    async with asking.services.db.begin() as conn:
        return await find_sealed(
            conn,
            code=asking.sheet.stock.code,
            model_key=forecaster.key,
            input_hash=asking.sheet.input_hash,
            prompt_version=forecaster.prompt_version,
        )


async def _seal(
    asking: _Asking, forecaster: Forecaster, forecast: Forecast | None, *, outcome: str, failure: str | None = None
) -> Prediction:
    sheet, calendar = asking.sheet, asking.services.calendar
    opened = calendar.latest_session(sheet.as_of)
    closes_on = {sessions: calendar.session_after(opened, sessions) for sessions in HORIZONS}
    row = {
        "code": sheet.stock.code,
        "model_key": forecaster.key,
        "as_of": sheet.as_of,
        "made_at": asking.services.clock.now(),
        "phase": sheet.phase,
        "live": asking.live,
        "base_price": sheet.base_price,
        "base_at": sheet.base_at,
        "outcome": outcome,
        "failure": failure,
        "confidence": forecast and forecast.confidence,
        "short_target": forecast and forecast.short_target,
        "long_target": forecast and forecast.long_target,
        "prompt_version": forecaster.prompt_version,
        "input_hash": sheet.input_hash,
        "request_id": asking.request_id,
    }
    bands = {sessions: sheet.band_over(sessions) for sessions in HORIZONS}
    async with asking.begin() as conn:
        number = await seal(conn, Draft(row=row, forecast=forecast, closes_on=closes_on, bands=bands))
        if number is not None:
            return await get_prediction(conn, number)
    # Another process sealed the same prediction between our look and our write.
    known = await _sealed(asking, forecaster)
    assert known is not None
    return known
