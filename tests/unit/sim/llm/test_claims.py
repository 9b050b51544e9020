from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.llm.claims import claims_of, mentioned_in, risks_of, turning_points_of
from sim.llm.prompt import Fact

LABELS = (
    "등락률",
    "5거래일 수익률",
    "60거래일 수익률",
    "20일선과의 차이",
    "120일선과의 차이",
    "RSI(14)",
    "52주 범위 안 위치",
    "20일 변동성(연율)",
    "직전 20일 평균 대비 거래량",
    "하루 보합 폭(±)",
    "20일 최저(지지)",
    "20일 최고(저항)",
)


def fact(label: str, value: float | None, id_: str = "f3") -> Fact:
    return Fact(id=id_, label=label, text=f"{value}", value=value)


@given(values=st.lists(st.none() | st.floats(-100, 100), min_size=len(LABELS), max_size=len(LABELS)))
def test_no_sentence_holds_a_digit_of_its_own(values: list[float | None]) -> None:
    facts = [fact(label, value, f"f{n}") for n, (label, value) in enumerate(zip(LABELS, values, strict=True))]
    said = [claim.text for claim in claims_of(facts)] + risks_of(facts)
    said += turning_points_of(facts, rising=True) + turning_points_of(facts, rising=False)
    for text in said:
        assert len(mentioned_in(text)) == 1
        assert not re.search(r"\d", re.sub(r"\[f\d+\]", "", text)), text


@pytest.mark.parametrize(
    ("label", "value", "rises"),
    [
        ("5거래일 수익률", 4.0, True),
        ("5거래일 수익률", -4.0, False),
        ("20일선과의 차이", -9.0, False),
        ("RSI(14)", 82.0, False),
        ("RSI(14)", 18.0, True),
        ("52주 범위 안 위치", 96.0, True),
    ],
)
def test_a_fact_speaks_for_the_right_side(label: str, value: float, rises: bool) -> None:
    (claim,) = claims_of([fact(label, value)])
    assert (claim.tone > 0) == rises


def test_a_middling_fact_speaks_for_neither() -> None:
    assert (
        claims_of([fact("RSI(14)", 50.0), fact("등락률", 0.05), fact("52주 범위 안 위치", 50.0), fact("PER", 9.0)])
        == []
    )


def test_a_view_turns_at_support_or_resistance() -> None:
    facts = [fact("20일 최저(지지)", 180_000, "f1"), fact("20일 최고(저항)", 198_000, "f2")]
    assert mentioned_in(turning_points_of(facts, rising=True)[0]) == ["f1"]
    assert mentioned_in(turning_points_of(facts, rising=False)[0]) == ["f2"]
