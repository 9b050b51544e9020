from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from sim.llm.misbehaviour import OBEYED, Mode, misbehaved
from sim.llm.opinion import Opinion
from sim.llm.prompt import Prompt, read_prompt
from sim.llm.schema import answer

BLOCK = {
    "facts": [
        {"id": "f1", "label": "종가", "text": "190,100원", "value": 190_100},
        {"id": "f2", "label": "등락률", "text": "+0.05%", "value": 0.05},
        {"id": "f3", "label": "5거래일 수익률", "text": "+4.10%", "value": 4.1},
        {"id": "f4", "label": "20일선과의 차이", "text": "+11.30%", "value": 11.3},
        {"id": "f5", "label": "20일 변동성(연율)", "text": "48.2%", "value": 48.2},
    ],
    "articles": [
        {"id": "a12", "title": "삼성전자, 공급계약", "after_percent": None},
        {"id": "a9", "title": "삼성전자 실적", "after_percent": 1.2},
    ],
}


def prompt_of(block: Any = BLOCK) -> Prompt:
    text = f"종목: 삼성전자 (005930)\n<<<FACTS\n{json.dumps(block)}\nFACTS>>>\n"
    return read_prompt([{"role": "system", "content": "분석가"}, {"role": "user", "content": text}])


class Direction(StrEnum):
    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class Odds(BaseModel):
    up: float
    flat: float
    down: float


class Statement(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=200)]
    evidence: Annotated[list[str], Field(min_length=1, max_length=20)]


class Forecast(BaseModel):
    model_config = ConfigDict(extra="forbid")

    direction: Direction
    sessions_1: Odds
    sessions_5: Odds
    sessions_20: Odds
    short_target: int
    long_target: int | None
    confidence: Annotated[float, Field(ge=0, le=1)]
    reasons: Annotated[list[Statement], Field(min_length=1, max_length=3)]
    risks: Annotated[list[Statement], Field(max_length=3)]
    counter_case: Statement
    change_of_view: Statement
    summary: str


def forecast(model: str = "gpt-6-luna", block: Any = BLOCK) -> Forecast:
    return Forecast.model_validate(answer(Forecast.model_json_schema(), Opinion(model, prompt_of(block))))


def statements(found: Forecast) -> list[Statement]:
    return [*found.reasons, *found.risks, found.counter_case, found.change_of_view]


def test_odds_sum_to_one_and_the_direction_is_the_likeliest() -> None:
    for model in ("gpt-6-luna", "gpt-4o", "deepseek/deepseek-v3.2"):
        found = forecast(model)
        for odds in (found.sessions_1, found.sessions_5, found.sessions_20):
            assert odds.up + odds.flat + odds.down == pytest.approx(1, abs=1e-9)
            assert min(odds.up, odds.flat, odds.down) > 0
        named = {"up": found.sessions_1.up, "flat": found.sessions_1.flat, "down": found.sessions_1.down}
        assert named[found.direction] == max(named.values())


def test_words_hold_no_digit_but_in_ids_of_the_prompt_and_rest_on_them() -> None:
    for model in ("gpt-6-luna", "gpt-4o", "deepseek/deepseek-v3.2"):
        found = forecast(model)
        for said in statements(found):
            mentioned = re.findall(r"\[(f\d+)\]", said.text)
            assert not re.search(r"\d", re.sub(r"\[f\d+\]", "", said.text)), said.text
            assert {"f1", "f2", "f3", "f4", "f5"} >= set(mentioned)
            assert set(mentioned) <= set(said.evidence) <= {"f1", "f2", "f3", "f4", "f5", "a12", "a9"}
        assert any("[f" in said.text for said in found.reasons)
        assert len({said.text for said in found.reasons}) == len(found.reasons)


def test_targets_lie_near_the_price_on_its_step() -> None:
    found = forecast()
    assert found.long_target is not None
    for target in (found.short_target, found.long_target):
        assert abs(target / 190_100 - 1) < 0.2
        assert target % 100 == 0


def test_models_differ_and_each_is_steady() -> None:
    assert forecast("gpt-6-luna") == forecast("gpt-6-luna")
    leans = {Opinion(model, prompt_of()).lean for model in ("gpt-6-luna", "gpt-4o", "deepseek/deepseek-v3.2")}
    assert len(leans) == 3


def test_better_facts_make_a_better_opinion() -> None:
    def block(gain: float) -> dict[str, Any]:
        return {"facts": [{"id": "f1", "label": "20거래일 수익률", "text": f"{gain}%", "value": gain}], "articles": []}

    models = [f"model-{number}" for number in range(60)]
    better = [Opinion(model, prompt_of(block(20))).lean for model in models]
    worse = [Opinion(model, prompt_of(block(-20))).lean for model in models]
    assert sum(better) / 60 > 0.2
    assert sum(worse) / 60 < -0.2


def test_a_prompt_without_facts_still_gets_an_answer() -> None:
    found = answer(Forecast.model_json_schema(), Opinion("gpt-4o", Prompt(text="안녕하세요")))
    assert Forecast.model_validate(found | {"short_target": 1}).reasons[0].text


def test_probabilities_of_other_shapes_sum_as_well() -> None:
    class Percent(BaseModel):
        up_probability: Annotated[int, Field(ge=0, le=100)]
        flat_probability: Annotated[int, Field(ge=0, le=100)]
        down_probability: Annotated[int, Field(ge=0, le=100)]

    class Korean(BaseModel):
        상승확률: float
        보합확률: float
        하락확률: float

    percent = answer(Percent.model_json_schema(), Opinion("gpt-4o", prompt_of()))
    korean = answer(Korean.model_json_schema(), Opinion("gpt-4o", prompt_of()))
    assert sum(percent.values()) == 100
    assert sum(korean.values()) == pytest.approx(1)


def test_each_horizon_of_a_list_is_answered_once() -> None:
    class View(BaseModel):
        horizon: Literal[1, 5, 20]
        up: float
        flat: float
        down: float

    class Views(BaseModel):
        views: Annotated[list[View], Field(min_length=3, max_length=3)]

    found = Views.model_validate(answer(Views.model_json_schema(), Opinion("gpt-4o", prompt_of())))
    assert [view.horizon for view in found.views] == [1, 5, 20]


class Node(BaseModel):
    name: str
    children: list[Node]
    parent: Optional[Node] = None  # noqa: UP045 - the schema of a recursive optional


def test_a_recursive_schema_ends() -> None:
    Node.model_validate(answer(Node.model_json_schema(), Opinion("gpt-4o", prompt_of())))


def _list_of(item: Any, least: int, spare: int) -> Any:
    kind: Any = list
    return Annotated[kind[item], Field(min_length=least, max_length=least + spare)]


NAMES = st.sampled_from(["reasons", "evidence", "p_up", "x", "confidence"])


def field_types() -> st.SearchStrategy[Any]:
    whole = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(
        lambda pair: Annotated[int, Field(ge=pair[0], le=pair[0] + pair[1])]
    )
    real = st.tuples(st.integers(-5, 5), st.integers(1, 9)).map(
        lambda pair: Annotated[float, Field(gt=pair[0], lt=pair[0] + pair[1])]
    )
    text = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
        lambda pair: Annotated[str, Field(min_length=pair[0], max_length=pair[0] + pair[1])]
    )
    steps = st.integers(1, 9).map(lambda step: Annotated[int, Field(ge=0, le=90, multiple_of=step)])
    plain = st.sampled_from([str, int, float, bool, None, Direction, Literal["가", "나"]])
    return st.recursive(
        st.one_of(whole, real, text, steps, plain),
        lambda inner: st.one_of(
            inner.map(lambda each: Optional[each]),  # noqa: UP045 - `None | None` is no type
            st.builds(_list_of, inner, st.integers(0, 3), st.integers(0, 3)),
            st.dictionaries(st.sampled_from(["가", "evidence", "target", "up", "risk"]), inner, max_size=3).map(
                lambda fields: create_model("Inner", **{name: (each, ...) for name, each in fields.items()})  # type: ignore[call-overload]
            ),
        ),
        max_leaves=6,
    )


@given(fields=st.dictionaries(NAMES, field_types(), min_size=1))
def test_an_answer_is_valid_for_any_schema(fields: dict[str, Any]) -> None:
    model = create_model("Any", **{name: (each, ...) for name, each in fields.items()})  # type: ignore[call-overload]
    found = answer(model.model_json_schema(), Opinion("gpt-4o", prompt_of()))
    model.model_validate_json(json.dumps(found))


def test_misbehaviour_is_what_it_is_called() -> None:
    prompt = prompt_of()
    good = answer(Forecast.model_json_schema(), Opinion("gpt-4o", prompt))
    assert "987,654" in (misbehaved("invented_number", good, prompt).content or "")
    assert "현대차(005380)" in (misbehaved("other_company", good, prompt).content or "")
    assert len(misbehaved("huge", good, prompt).content or "") > 500_000
    assert misbehaved("empty", good, prompt).content == ""
    assert misbehaved("refusal", good, prompt).refusal
    cut = misbehaved("truncated_json", good, prompt)
    assert cut.finish_reason == "length"
    modes: tuple[Mode, ...] = ("prose", "truncated_json")
    for mode in modes:
        with pytest.raises(json.JSONDecodeError):
            json.loads(misbehaved(mode, good, prompt).content or "")
    obeyed = misbehaved("obeys_article", good, prompt).content or ""
    assert OBEYED in obeyed
    assert Forecast.model_validate_json(obeyed).sessions_1.up == 1
