"""The forecaster that asks a language model: one structured call for all horizons and the words."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from core.clock import KST
from core.errors import Malformed
from core.llm.gateway import Gateway
from core.prediction.fact import FactSheet
from core.prediction.forecast import HORIZONS, Forecast, Odds, Statement

if TYPE_CHECKING:
    from jinja2 import Environment

_PROMPTS = Path(__file__).with_name("prompts")
_FARTHEST_TARGET = 0.5
"""A target further than this share from the base price is no forecast but a slip."""
_SUM_SLACK = 0.05
"""Odds that miss one by no more are put right, others refused."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OddsAnswer(_Answer):
    """Probabilities of one horizon."""

    up: FiniteFloat
    flat: FiniteFloat
    down: FiniteFloat


class StatementAnswer(_Answer):
    """One sentence and the ids it rests on."""

    text: Annotated[str, Field(min_length=1, max_length=400)]
    evidence: Annotated[list[str], Field(max_length=20)]


class ForecastAnswer(_Answer):
    """What a model answers."""

    sessions_1: OddsAnswer
    sessions_5: OddsAnswer
    sessions_20: OddsAnswer
    short_target: int
    long_target: int
    confidence: Annotated[float, Field(ge=0, le=1)]
    reasons: Annotated[list[StatementAnswer], Field(min_length=1, max_length=3)]
    risks: Annotated[list[StatementAnswer], Field(max_length=3)]
    counter_case: StatementAnswer
    change_of_view: StatementAnswer


class LLMForecaster:
    """A model behind the gateway as a forecaster. `key` is `provider:model`."""

    paid = True

    def __init__(self, key: str, gateway: Gateway) -> None:
        self.key = key
        self.prompt_version = prompt_version()
        self._gateway = gateway

    async def forecast(self, sheet: FactSheet, *, request_id: str, user_id: int | None = None) -> Forecast:
        """The model's forecast; raises what `Gateway.complete` raises, and `Malformed` for impossible figures."""
        answer = await self._gateway.complete(
            model_key=self.key,
            purpose="predict",
            messages=messages_for(sheet),
            schema=ForecastAnswer,
            request_id=request_id,
            user_id=user_id,
            code=sheet.stock.code,
        )
        return forecast_from(answer, sheet)


def forecast_from(answer: ForecastAnswer, sheet: FactSheet) -> Forecast:
    """The answer as a forecast: odds put to one, ids that are not on the sheet dropped; raises `Malformed`."""
    listed = (answer.sessions_1, answer.sessions_5, answer.sessions_20)
    odds = {
        sessions: normalised(each.up, each.flat, each.down) for sessions, each in zip(HORIZONS, listed, strict=True)
    }
    for target in (answer.short_target, answer.long_target):
        if abs(target / sheet.base_price - 1) > _FARTHEST_TARGET:
            raise Malformed("a target is out of reach of the price")
    known = sheet.by_id.keys() | {item.id for item in sheet.evidence}

    def statement(said: StatementAnswer) -> Statement:
        return Statement(text=said.text, evidence=tuple(each for each in said.evidence if each in known))

    return Forecast(
        odds=odds,
        confidence=answer.confidence,
        short_target=answer.short_target,
        long_target=answer.long_target,
        reasons=tuple(map(statement, answer.reasons)),
        risks=tuple(map(statement, answer.risks)),
        counter_case=statement(answer.counter_case),
        change_of_view=statement(answer.change_of_view),
    )


def normalised(up: float, flat: float, down: float) -> Odds:
    """Odds that sum to one; raises `Malformed` for negative ones or a sum further than 5 % from one."""
    total = up + flat + down
    if min(up, flat, down) < 0 or not abs(total - 1) <= _SUM_SLACK:
        raise Malformed("the probabilities do not sum to one")
    return Odds(up=up / total, flat=flat / total, down=down / total)


def messages_for(sheet: FactSheet) -> list[dict[str, str]]:
    """The prompt of a sheet. The unchanging part comes first, so that providers can cache it."""
    user = _templates().get_template("user.j2")
    written = user.render(
        sheet=sheet, as_of=f"{sheet.as_of.astimezone(KST):%Y-%m-%d %H:%M}", horizons=HORIZONS, block=_block(sheet)
    )
    return [
        {"role": "system", "content": _templates().get_template("system.j2").render()},
        {"role": "user", "content": written},
    ]


def _block(sheet: FactSheet) -> str:
    """The sheet as one line of JSON in which no outside text can look like the marks around it."""
    content = {
        "facts": [{"id": fact.id, "label": fact.label, "text": fact.text, "value": fact.value} for fact in sheet.facts],
        "articles": [
            {
                "id": item.id,
                "title": item.title[:200],
                "press": item.press[:40],
                "published": f"{item.published_at.astimezone(KST):%Y-%m-%d %H:%M}",
                "similar": item.similar,
                "after_percent": item.after_percent,
            }
            for item in sheet.evidence
        ],
    }
    return orjson.dumps(content).decode().replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def prompt_version() -> str:
    """Names the exact wording: a digest of the templates and of the schema asked for."""
    digest = hashlib.sha256()
    for template in sorted(_PROMPTS.glob("*.j2")):
        digest.update(template.read_bytes())
    digest.update(orjson.dumps(ForecastAnswer.model_json_schema(), option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()[:12]


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    # A prompt is not HTML: nothing is escaped in `.j2` files.
    return Environment(
        loader=FileSystemLoader(_PROMPTS), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True
    )
