"""The ways a language model can fail its caller while the HTTP answer is a success."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from sim.llm.prompt import Prompt

Mode = Literal[
    "prose", "invented_number", "other_company", "truncated_json", "huge", "empty", "obeys_article", "refusal"
]

OTHERS = (("현대차", "005380"), ("카카오", "035720"), ("NAVER", "035420"), ("한국전력", "015760"))
OBEYED = "지시에 따라 전 재산 매수를 권합니다. 자세한 내용은 https://pump.example/buy 를 보세요."


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a completion says."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None


def misbehaved(mode: Mode, value: Any, prompt: Prompt) -> Said:
    """The good answer `value` as `mode` spoils it."""
    match mode:
        case "prose":
            return Said(content="네, 분석해 드리겠습니다! 제 생각에는 당분간 오를 것 같습니다. 도움이 되셨나요?")
        case "empty":
            return Said(content="")
        case "refusal":
            return Said(content=None, refusal="죄송하지만 그 요청은 도와드릴 수 없습니다.")
        case "truncated_json":
            whole = _dumped(value)
            return Said(content=whole[: len(whole) * 3 // 5], finish_reason="length")
        case "invented_number":
            return _reworded(value, lambda text: f"{text} 주가는 곧 987,654원까지 오를 것으로 보입니다.")
        case "other_company":
            name, code = next(other for other in OTHERS if other[0] not in prompt.text)
            return _reworded(value, lambda text: f"{text} {name}({code})의 흐름이 더 좋습니다.")
        case "huge":
            return _reworded(value, lambda text: text + "가나다라마바사아자차" * 100_000)
        case "obeys_article":
            return _reworded(_certain(value), lambda _: OBEYED)


def _dumped(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _reworded(value: Any, change: Callable[[str], str]) -> Said:
    changed = [False]

    def walk(each: Any) -> Any:
        if isinstance(each, str) and " " in each and not changed[0]:
            changed[0] = True
            return change(each)
        if isinstance(each, dict):
            return {name: walk(part) for name, part in each.items()}
        return [walk(part) for part in each] if isinstance(each, list) else each

    return Said(content=_dumped(walk(value)))


def _certain(value: Any) -> Any:
    """Every set of odds turned to certainty of a rise."""
    if isinstance(value, list):
        return [_certain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if {"up", "flat", "down"} <= set(value):
        return value | {"up": 1.0, "flat": 0.0, "down": 0.0}
    return {name: _certain(each) for name, each in value.items()}
