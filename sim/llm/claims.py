"""What can be said about each fact of a prompt, in Korean, without a digit of one's own.

A claim names its fact as `[f3]`, which the reader's side replaces by the fact's text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.llm.prompt import Fact

SPANS = ((5, "최근 며칠"), (25, "최근 한 달"), (65, "최근 석 달"), (130, "최근 반년"))
AVERAGES = ((10, "초단기"), (25, "단기"), (70, "중기"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A sentence about a fact. `tone` is above zero where it speaks for a rise; its size is the strength."""

    tone: float
    text: str


def claims_of(facts: Sequence[Fact]) -> list[Claim]:
    """Everything that can be said for a rise or a fall, strongest first."""
    found = [claim for fact in facts if fact.value is not None for claim in _claim(fact, fact.value)]
    return sorted(found, key=lambda claim: -abs(claim.tone))


def _claim(fact: Fact, value: float) -> list[Claim]:
    label, mark, up = fact.label, f"[{fact.id}]", value > 0
    if "수익률" in label:
        course = "오름세가 이어졌습니다" if up else "내림세가 이어졌습니다"
        return [Claim(tone=value / 10, text=f"{_span(label)} 수익률이 {mark}로 {course}.")]
    if "등락률" in label and abs(value) >= 0.3:
        course = "사려는 힘이 우세했습니다" if up else "팔려는 힘이 우세했습니다"
        return [Claim(tone=value / 5, text=f"기준일 등락률이 {mark}로 {course}.")]
    if "차이" in label:
        course = "추세가 살아 있습니다" if up else "추세가 약해져 있습니다"
        return [Claim(tone=value / 10, text=f"{_average(label)} 이동평균과의 차이가 {mark}로 {course}.")]
    if "RSI" in label and not 35 < value < 65:
        course = "과열에 가까워 쉬어 갈 수 있습니다" if value > 50 else "침체에 가까워 되돌림이 나올 수 있습니다"
        return [Claim(tone=(50 - value) / 25, text=f"상대강도지수가 {mark}로 {course}.")]
    if "범위 안 위치" in label and not 25 < value < 75:
        course = "고점 가까이에서 강한 흐름입니다" if value > 50 else "저점 가까이에서 약한 흐름입니다"
        return [Claim(tone=(value - 50) / 50, text=f"연중 가격 범위 안의 위치가 {mark}로 {course}.")]
    return []


def risks_of(facts: Sequence[Fact]) -> list[str]:
    """Sentences about how far a price may swing, and on what volume."""
    said = {
        "변동성": "변동성이 {}로 나타나 가격이 예상보다 크게 움직일 수 있습니다.",
        "대비 거래량": "거래량이 평소의 {} 수준이어서 수급이 바뀌면 흐름도 달라질 수 있습니다.",
        "보합 폭": "하루 보합 폭이 {}여서 이를 벗어나는 움직임은 작은 소식에도 나올 수 있습니다.",
    }
    return [text.format(f"[{fact.id}]") for word, text in said.items() for fact in facts if word in fact.label]


def turning_points_of(facts: Sequence[Fact], *, rising: bool) -> list[str]:
    """What would turn a view: the support breaking for a rising one, the resistance for a falling one."""
    word = "지지" if rising else "저항"
    course = "밑돌면" if rising else "넘어서면"
    return [f"종가가 {word}선인 [{fact.id}]을 {course} 판단을 바꾸겠습니다." for fact in facts if word in fact.label]


def mentioned_in(text: str) -> list[str]:
    """The ids a text refers to."""
    return re.findall(r"\[([a-z]+\d+)\]", text)


def _length(label: str) -> int:
    found = re.search(r"\d+", label)
    return int(found[0]) if found else 1


def _span(label: str) -> str:
    return next((name for most, name in SPANS if _length(label) <= most), "긴 기간의")


def _average(label: str) -> str:
    return next((name for most, name in AVERAGES if _length(label) <= most), "장기")
