"""From predictions to checked words: the lead model's own, written again once, or the facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

from core.errors import Malformed, StockPilotError
from core.llm.gateway import Gateway
from core.prediction.fact import FactSheet
from core.prediction.forecast import Forecast, Prediction, Statement
from core.prediction.llm_forecaster import StatementAnswer, messages_for
from core.reports import plain
from core.reports.report import Opinion, Sentence, Wording
from core.reports.verdict import verdict
from core.reports.wording import CompaniesIn, checked, problems

log = structlog.get_logger(__name__)
_prompts = Environment(  # a prompt is not HTML
    loader=FileSystemLoader(Path(__file__).with_name("prompts")),
    undefined=StrictUndefined,
    trim_blocks=True,
    autoescape=False,  # noqa: S701
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The text of a report, every sentence checked."""

    wording: Wording
    reasons: tuple[Sentence, ...]
    counter_case: Sentence
    change_of_view: Sentence
    risks: tuple[Sentence, ...]


class RewrittenAnswer(BaseModel):
    """What a model answers when asked to write its text again."""

    model_config = ConfigDict(extra="forbid")

    reasons: Annotated[list[StatementAnswer], Field(min_length=1, max_length=3)]
    risks: Annotated[list[StatementAnswer], Field(max_length=3)]
    counter_case: StatementAnswer
    change_of_view: StatementAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    reasons: tuple[Statement, ...]
    counter_case: Statement
    change_of_view: Statement
    risks: tuple[Statement, ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return (*self.reasons, self.counter_case, self.change_of_view, *self.risks)


async def words_for(
    prediction: Prediction,
    forecast: Forecast,
    sheet: FactSheet,
    *,
    gateway: Gateway,
    companies_in: CompaniesIn,
    request_id: str,
    user_id: int | None,
) -> Words:
    """The lead's words if they pass the check, written again once if not, else the facts alone."""
    said = _said(forecast)
    if said is not None:
        broken = _problems(said, sheet, companies_in)
        if broken:
            log.warning("words_refused", model=prediction.model_key, code=sheet.stock.code, problems=broken[:5])
            said = await _again(prediction, sheet, broken, gateway=gateway, request_id=request_id, user_id=user_id)
        if said is not None and not _problems(said, sheet, companies_in):
            return _words(said, sheet, companies_in, Wording.WRITTEN)
    return facts_only(forecast, sheet, companies_in)


def facts_only(forecast: Forecast, sheet: FactSheet, companies_in: CompaniesIn) -> Words:
    """Words a program writes, which pass the same check."""
    view = verdict(forecast)
    said = _Said(
        reasons=plain.reasons(sheet, view),
        counter_case=plain.counter_case(sheet, view),
        change_of_view=plain.change_of_view(sheet),
        risks=(),
    )
    return _words(said, sheet, companies_in, Wording.FACTS_ONLY)


def opinions(predictions: Sequence[Prediction], sheet: FactSheet, companies_in: CompaniesIn) -> tuple[Opinion, ...]:
    """Every forecaster's view; sentences that break a rule are left out."""
    return tuple(
        Opinion(
            model_key=each.model_key,
            outcome=each.outcome,
            failure=each.failure.partition(":")[0] if each.failure else None,
            odds=each.forecast.odds if each.forecast else {},
            confidence=each.forecast.confidence if each.forecast else None,
            short_target=each.forecast.short_target if each.forecast else None,
            long_target=each.forecast.long_target if each.forecast else None,
            reasons=tuple(_passing(each.forecast.reasons, sheet, companies_in)) if each.forecast else (),
        )
        for each in predictions
    )


def _passing(statements: Sequence[Statement], sheet: FactSheet, companies_in: CompaniesIn) -> list[Sentence]:
    passed = []
    for statement in statements:
        try:
            passed.append(checked(statement, sheet, companies_in))
        except Malformed as error:
            log.info("sentence_left_out", code=sheet.stock.code, problem=str(error))
    return passed


def _said(forecast: Forecast) -> _Said | None:
    if forecast.counter_case is None or forecast.change_of_view is None or not forecast.reasons:
        return None
    return _Said(
        reasons=forecast.reasons,
        counter_case=forecast.counter_case,
        change_of_view=forecast.change_of_view,
        risks=forecast.risks,
    )


def _problems(said: _Said, sheet: FactSheet, companies_in: CompaniesIn) -> list[str]:
    return [problem for each in said.statements for problem in problems(each.text, sheet, companies_in)]


def _words(said: _Said, sheet: FactSheet, companies_in: CompaniesIn, wording: Wording) -> Words:
    return Words(
        wording=wording,
        reasons=tuple(checked(each, sheet, companies_in) for each in said.reasons),
        counter_case=checked(said.counter_case, sheet, companies_in),
        change_of_view=checked(said.change_of_view, sheet, companies_in),
        risks=tuple(checked(each, sheet, companies_in) for each in said.risks),
    )


async def _again(
    prediction: Prediction,
    sheet: FactSheet,
    broken: Sequence[str],
    *,
    gateway: Gateway,
    request_id: str,
    user_id: int | None,
) -> _Said | None:
    """The model's second attempt at the words, or None when it cannot be had."""
    request = _prompts.get_template("rewrite.j2").render(problems=broken[:10])
    try:
        answer = await gateway.complete(
            model_key=prediction.model_key,
            purpose="rewrite",
            messages=[*messages_for(sheet), {"role": "user", "content": request}],
            schema=RewrittenAnswer,
            request_id=request_id,
            user_id=user_id,
            code=sheet.stock.code,
        )
    except StockPilotError as error:
        log.warning("rewrite_failed", model=prediction.model_key, error=type(error).__name__)
        return None
    return _Said(
        reasons=tuple(_statement(each) for each in answer.reasons),
        counter_case=_statement(answer.counter_case),
        change_of_view=_statement(answer.change_of_view),
        risks=tuple(_statement(each) for each in answer.risks),
    )


def _statement(answer: StatementAnswer) -> Statement:
    return Statement(text=answer.text, evidence=tuple(answer.evidence))
