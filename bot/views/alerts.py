"""What admins are told without asking: what happened, what it means, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from string import Formatter

from bot.texts import Texts, moment
from bot.views.health import MARKS as STATUS_MARKS
from bot.views.health import NAMES as COMPONENTS
from bot.views.health import WORDS as STATUS_WORDS
from bot.views.health import noted
from bot.views.message import Message
from bot.views.sources import FAILURES
from bot.views.sources import NAMES as SOURCES
from bot.views.strategies import FIGURES, NAMES
from bot.views.usage import dollars
from bot.views.users import let_in_button
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Letter
from core.health.note import WRITTEN
from core.prediction.forecast import Direction

LONGEST_FACT = 300


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind is told. Facts fill the `{names}`; `command` is what shows more or mends it."""

    mark: str
    title: str
    said: str
    advice: str
    command: str


WORDS: Mapping[AlertKind, Words] = {
    AlertKind.JOB_FAILED: Words(
        "❌",
        "{job} 작업이 실패했습니다",
        "{slot} 차례가 {state} 끝났습니다. 원인: {error}",
        "다음 차례에 다시 실행하고, 회복하면 한 번 알려 드립니다. 기록은 이 명령으로 봅니다.",
        "/jobs {job}",
    ),
    AlertKind.JOB_RECOVERED: Words(
        "✅",
        "{job} 작업이 다시 정상입니다",
        "{failures}번 실패한 뒤 {slot} 차례가 성공했습니다.",
        "더 하실 일은 없습니다.",
        "/jobs {job}",
    ),
    AlertKind.STATUS_CHANGED: Words(
        "{mark}",
        "{component}: {before} → {after}",
        "{message}",
        "이 구성 요소에 기대는 기능이 함께 바뀝니다. 자세한 상태는 이 명령으로 봅니다.",
        "/health {component}",
    ),
    AlertKind.RESOURCE_FULL: Words(
        "🔴",
        "{resource} 사용량이 {percent}%입니다",
        "가득 차면 저장과 응답이 멈춥니다.",
        "필요 없는 것을 정리하거나 용량을 늘려 주세요.",
        "/health {component}",
    ),
    AlertKind.RESOURCE_FREED: Words(
        "🟢",
        "{resource} 사용량이 {percent}%로 내려왔습니다",
        "다시 여유가 있습니다.",
        "더 하실 일은 없습니다.",
        "/health {component}",
    ),
    AlertKind.BUDGET: Words(
        "💸",
        "{period} 예산의 {percent}%를 썼습니다",
        "한도 {limit_usd} 가운데 {spent_usd} 사용",
        "한도에 닿으면 AI 호출은 설정에 따라 멈추거나 싼 모델로 넘어가고, 규칙 기반 예측은 계속됩니다.",
        "/usage costs",
    ),
    AlertKind.ERROR_RATE: Words(
        "⚠️",
        "{provider} 오류율이 {percent}%입니다",
        "오늘 {calls}번 부른 가운데 {failed}번 실패했습니다.",
        "이 서비스에 기대는 답이 늦거나 빠질 수 있습니다. 자세한 수치는 이 명령으로 봅니다.",
        "/usage today",
    ),
    AlertKind.STRATEGY_RESTARTED: Words(
        "🔁",
        "{strategy_name} 전략을 다시 시작했습니다",
        "멈춘 원인: {reason} ({attempt}번째 시도)",
        "1분 간격으로 다섯 번까지 다시 시작하고, 회복하거나 멈추면 알려 드립니다.",
        "/strategies {strategy}",
    ),
    AlertKind.STRATEGY_STOPPED: Words(
        "🛑",
        "{strategy_name} 전략이 멈췄습니다",
        "원인: {reason}",
        "저절로 다시 시작하지 않습니다. 원인을 고친 뒤 시작해 주세요.",
        "/strategy start {strategy}",
    ),
    AlertKind.STRATEGY_RECOVERED: Words(
        "✅",
        "{strategy_name} 전략이 다시 정상입니다",
        "멈추지 않고 일하고 있습니다.",
        "더 하실 일은 없습니다.",
        "/strategies {strategy}",
    ),
    AlertKind.SIGNAL: Words(
        "{mark}",
        "{name}({code}) 신호: {strategy_name}",
        "{day} {figures}",
        "신호는 과거 값에서 찾은 것이며 매매 권유가 아닙니다.",
        "/report {code}",
    ),
    AlertKind.MEMBER_WAITS: Words(
        "🙋",
        "{name} 님이 가입을 기다립니다",
        "사용자 번호 {user_id}",
        "받아들이거나 차단하려면 이 명령을 보내 주세요.",
        "/user {user_id}",
    ),
    AlertKind.SOURCE_FAILED: Words(
        "📡",
        "{source} 수집이 끊겼습니다",
        "{failures}번 이어서 실패했습니다: {failure}. {error}",
        "잠시 읽지 않다가 스스로 다시 시험합니다. 그동안 이미 받은 자료로 답하고, 되살아나면 한 번 알려 드립니다.",
        "/sources {source}",
    ),
    AlertKind.SOURCES_DIFFER: Words(
        "🔀",
        "두 수집원의 {what} 값이 다릅니다",
        "{day} {first} / {second}: 비교 {compared}건, 다름 {differing}건, 한쪽에만 {missing}건. 예: {example}",
        "저장된 값은 바꾸지 않았습니다. 어느 쪽이 맞는지 확인해 주세요.",
        "/sources {first}",
    ),
    AlertKind.SOURCE_RECOVERED: Words(
        "✅",
        "{source} 수집이 다시 됩니다",
        "{since}부터 실패하다가 {items}건을 받았습니다.",
        "더 하실 일은 없습니다.",
        "/sources {source}",
    ),
}
"""How each kind of alert is told."""

STATES = {"failed": "실패로", "timed_out": "제한 시간을 넘겨", "fenced": "강제로 해제되어"}
RESOURCES = {"memory": "메모리", "disk": "디스크"}
PERIODS = {"day": "하루", "month": "한 달"}
COMPARED = {"daily_bars": "일봉"}
DIRECTIONS = {Direction.UP: "🔴▲", Direction.DOWN: "🔵▼"}


def alert(letter: Letter, now: datetime, texts: Texts) -> Message:
    """An alert for the admins: it says when it happened, and whether it may have been told before."""
    words, told = WORDS[letter.alert.kind], _shown(letter.alert, texts)
    named = _named(told, texts)
    said = {
        "mark": _filled(words.mark, told),
        "title": _filled(texts(words.title), named),
        "said": _filled(texts(words.said), named).strip(),
        "advice": texts(words.advice),
        "command": _filled(words.command, told),
    }
    who = told.get("user_id", "") if letter.alert.kind is AlertKind.MEMBER_WAITS else ""
    keyboard = ((let_in_button(int(who), texts),),) if who.isdecimal() else ()
    text = texts.render("alert", **said, at=letter.at, repeated=letter.repeated, now=now)
    return Message(text=text, keyboard=keyboard)


def _named(told: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """The facts with components and sources called by their names; commands need their keys."""
    by_field = {"component": COMPONENTS, "source": SOURCES, "first": SOURCES, "second": SOURCES}
    known = {field: by_field[field].get(fact) for field, fact in told.items() if field in by_field}
    return {**told, **{field: texts(name) for field, name in known.items() if name}}


def _filled(sentence: str, values: Mapping[str, str]) -> str:
    """The sentence with its names filled; what nobody knows is a dash."""
    names = [name for _, name, _, _ in Formatter().parse(sentence) if name]
    return sentence.format_map({name: values.get(name) or "–" for name in names})


def _shown(alert: Alert, texts: Texts) -> dict[str, str]:
    """The facts as a reader reads them, with what can be said beside them."""
    facts = alert.facts
    shown = {name: _plain(fact) for name, fact in facts.items()}
    if "slot" in facts:
        shown["slot"] = moment(datetime.fromisoformat(str(facts["slot"])))
    if "state" in facts:
        shown["state"] = texts(STATES.get(shown["state"], STATES["failed"]))
    if "component" in facts:
        shown["resource"] = texts(RESOURCES.get(shown["component"], shown["component"]))
    if "period" in facts:
        shown["period"] = texts(PERIODS.get(shown["period"], shown["period"]))
    if "since" in facts:
        shown["since"] = moment(datetime.fromisoformat(str(facts["since"]))) if facts["since"] else ""
    if "failure" in facts:
        shown["failure"] = texts(FAILURES.get(shown["failure"], shown["failure"]))
    if "what" in facts:
        shown["what"] = texts(COMPARED.get(shown["what"], shown["what"]))
    if "strategy" in facts:
        shown["strategy_name"] = texts(NAMES.get(shown["strategy"], shown["strategy"]))
    if alert.kind is AlertKind.STATUS_CHANGED:
        shown |= _statuses(shown, texts)
        if notes := facts.get("notes"):
            shown["message"] = _plain(noted(WRITTEN.validate_json(str(notes)), texts)) or shown["after"]
    if alert.kind is AlertKind.BUDGET:
        shown |= {name: dollars(Decimal(str(facts.get(name) or 0))) for name in ("spent_usd", "limit_usd")}
    if alert.kind is AlertKind.SIGNAL:
        shown["mark"] = next((mark for way, mark in DIRECTIONS.items() if way == facts.get("direction")), "⚪")
        shown["figures"] = " · ".join(
            f"{texts(FIGURES[name][0])} {FIGURES[name][1](fact)}"
            for name, fact in facts.items()
            if name in FIGURES and isinstance(fact, int | float)
        )
    return shown


def _statuses(shown: Mapping[str, str], texts: Texts) -> dict[str, str]:
    words = {str(status): texts(word) for status, word in STATUS_WORDS.items()}
    marks = {str(status): mark for status, mark in STATUS_MARKS.items()}
    before, after = shown.get("before", ""), shown.get("after", "")
    return {"before": words.get(before, before), "after": words.get(after, after), "mark": marks.get(after, "🔔")}


def _plain(fact: str | float | None) -> str:
    text = "" if fact is None else f"{fact:g}" if isinstance(fact, float) else str(fact)
    return text if len(text) <= LONGEST_FACT else text[: LONGEST_FACT - 1] + "…"
