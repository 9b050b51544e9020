"""From predictions to checked words: the lead model's own, written again once, or the facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field

from core.errors import Malformed, StockPilotError
from core.llm.gateway import Gateway
from core.prediction.fact import FactSheet
from core.prediction.forecast import Direction, Forecast, Prediction, Statement
from core.prediction.llm_forecaster import StatementAnswer, messages_for
from core.reports import plain
from core.reports.report import Opinion, Sentence, Wording
from core.reports.verdict import verdict
from core.reports.wording import MAX_CHARS, CompaniesIn, checked, problems, sentence

if TYPE_CHECKING:
    from jinja2 import Environment

log = structlog.get_logger(__name__)

WORDS_REFUSED = "WordsRefused"
"""The failure of a model that made a forecast but whose words broke the rules twice."""

DIRECTIONS = {Direction.UP: "상승", Direction.FLAT: "보합", Direction.DOWN: "하락"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The text of a report, every sentence checked."""

    wording: Wording
    reasons: tuple[Sentence, ...]
    counter_case: Sentence
    change_of_view: Sentence
    risks: tuple[Sentence, ...]
    refused: str | None = None
    """The model whose own words broke the rules twice."""


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
    if said is None:
        return facts_only(forecast, sheet, own=forecast.reasons if _is_rule(prediction) else ())
    broken = _problems(said, sheet, companies_in)
    if not broken:
        return _words(said, sheet, Wording.WRITTEN)
    log.warning("words_refused", model=prediction.model_key, code=sheet.stock.code, problems=broken[:5])
    request = _rewrite(said, verdict(forecast), broken)
    again = await _again(prediction, sheet, request, gateway=gateway, request_id=request_id, user_id=user_id)
    if again is not None and not _problems(again, sheet, companies_in):
        return _words(again, sheet, Wording.WRITTEN)
    return replace(facts_only(forecast, sheet), refused=prediction.model_key)


def facts_only(forecast: Forecast, sheet: FactSheet, *, own: tuple[Statement, ...] = ()) -> Words:
    """Words a program writes; `own` is what a rule says for itself."""
    view = verdict(forecast)
    said = _Said(
        reasons=plain.reasons(sheet, view, own),
        counter_case=plain.counter_case(sheet, view),
        change_of_view=plain.change_of_view(sheet, view),
        risks=(),
    )
    return _words(said, sheet, Wording.FACTS_ONLY)


def opinions(
    predictions: Sequence[Prediction], sheet: FactSheet, companies_in: CompaniesIn, *, refused: str | None = None
) -> tuple[Opinion, ...]:
    """Every forecaster's view; sentences that break a rule are left out.

    The model whose words were `refused` has made its forecast, but says so in `failure` and nothing else.
    """
    return tuple(
        Opinion(
            model_key=each.model_key,
            outcome=each.outcome,
            failure=WORDS_REFUSED if each.model_key == refused else _kind(each.failure),
            odds=each.forecast.odds if each.forecast else {},
            confidence=each.forecast.confidence if each.forecast else None,
            short_target=each.forecast.short_target if each.forecast else None,
            long_target=each.forecast.long_target if each.forecast else None,
            reasons=_heard(each, sheet, companies_in) if each.model_key != refused else (),
        )
        for each in predictions
    )


def _kind(failure: str | None) -> str | None:
    return failure.partition(":")[0] if failure else None


def _is_rule(prediction: Prediction) -> bool:
    return prediction.model_key.startswith("rule:")


def _heard(prediction: Prediction, sheet: FactSheet, companies_in: CompaniesIn) -> tuple[Sentence, ...]:
    """The reasons of one forecaster that may be shown."""
    statements = prediction.forecast.reasons if prediction.forecast else ()
    if _is_rule(prediction):
        return tuple(sentence(each, sheet) for each in statements)
    passed = []
    for each in statements:
        try:
            passed.append(checked(each, sheet, companies_in))
        except Malformed as error:
            log.info("sentence_left_out", code=sheet.stock.code, problem=str(error))
    return tuple(passed)


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
    found = (problem for each in said.statements for problem in problems(each.text, sheet, companies_in))
    return list(dict.fromkeys(found))


def _words(said: _Said, sheet: FactSheet, wording: Wording) -> Words:
    return Words(
        wording=wording,
        reasons=tuple(sentence(each, sheet) for each in said.reasons),
        counter_case=sentence(said.counter_case, sheet),
        change_of_view=sentence(said.change_of_view, sheet),
        risks=tuple(sentence(each, sheet) for each in said.risks),
    )


def _rewrite(said: _Said, view: Direction, broken: Sequence[str]) -> list[dict[str, str]]:
    """What the model wrote, and the request to write it again."""
    written = "\n".join(f"- {each.text[:MAX_CHARS]}" for each in said.statements)
    request = _templates().get_template("rewrite.j2").render(problems=broken[:10], direction=DIRECTIONS[view])
    return [{"role": "assistant", "content": written}, {"role": "user", "content": request}]


async def _again(
    prediction: Prediction,
    sheet: FactSheet,
    request: Sequence[dict[str, str]],
    *,
    gateway: Gateway,
    request_id: str,
    user_id: int | None,
) -> _Said | None:
    """The model's second attempt at the words, or None when it cannot be had."""
    try:
        answer = await gateway.complete(
            model_key=prediction.model_key,
            purpose="rewrite",
            messages=[*messages_for(sheet), *request],
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


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    # A prompt is not HTML: nothing is escaped in `.j2` files.
    folder = FileSystemLoader(Path(__file__).with_name("prompts"))
    return Environment(loader=folder, autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True)
