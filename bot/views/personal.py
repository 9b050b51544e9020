"""What people are told of the stocks they watch, without asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bot.callbacks import pack
from bot.texts import Texts, arrow
from bot.views.choices import condition_text, off_button, panel_button
from bot.views.disclosure_meanings import MEANINGS
from bot.views.disclosures import MARKS as WEIGHTS
from bot.views.message import Button, Keyboard, Message
from bot.views.reports import MARKS as VERDICT_MARKS
from bot.views.reports import VERDICTS
from bot.views.strategies import FIGURES, MARKS, NAMES
from core.alerts.condition import ConditionKind
from core.chats.subscriptions import PersonalKind
from core.delivery.alert import AlertKind
from core.delivery.letter import Letter
from core.disclosures.kinds import OTHER

LONGEST: Final = 300

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """How a kind is told: the kind a person chooses it by, its mark, and buttons of its own. The words are in the
    template, under the name of the kind."""

    topic: PersonalKind
    mark: Callable[[Said], str]
    buttons: Callable[[Said, Texts], list[Button]] = lambda _said, _texts: []


def personal(letter: Letter, now: datetime, texts: Texts) -> Message:
    """An alert for whoever watches a stock: what happened, when (Seoul), where it is from, and what can be done."""
    kind, told = letter.alert.kind, TOLD[letter.alert.kind]
    said = _said(letter.alert.facts)
    text = texts.render(
        "personal",
        kind=kind.value,
        said=said,
        mark=told.mark(said),
        at=_instant(said["filed_at"] or said["published_at"] or said["at"]) or letter.at,
        repeated=letter.repeated,
        now=now,
        **_words(kind, said, texts),
    )
    return Message(text=text, keyboard=_keyboard(letter, told, said, texts))


def _keyboard(letter: Letter, told: Telling, said: Said, texts: Texts) -> Keyboard:
    own = told.buttons(said, texts)
    if said["code"]:
        own.append(Button(texts("📊 리포트"), pack("r", said["code"])))
    last = panel_button(texts) if letter.alert.kind is AlertKind.CONDITION_MET else off_button(told.topic, texts)
    return tuple(row for row in (tuple(own), (last,)) if row)


class _Facts(dict[str, Any]):
    """Facts of an alert: what it does not carry is None."""

    def __missing__(self, _name: str) -> None:
        return None


def _said(facts: Mapping[str, Any]) -> Said:
    return _Facts({name: fact[:LONGEST] if isinstance(fact, str) else fact for name, fact in facts.items()})


def _words(kind: AlertKind, said: Said, texts: Texts) -> dict[str, Any]:
    """What stands in the facts as a key, in words."""
    match kind:
        case AlertKind.REPORT_MADE:
            return {"verdicts": VERDICTS}
        case AlertKind.FILING:
            return {"meaning": MEANINGS.get(str(said["kind"]), MEANINGS[OTHER])}
        case AlertKind.SIGNAL_SEEN:
            shown = [
                (label, write(said[name]))
                for name, (label, write) in FIGURES.items()
                if isinstance(said[name], int | float)
            ]
            return {"strategy": NAMES.get(said["strategy"], said["strategy"] or "–"), "figures": shown}
        case AlertKind.CONDITION_MET:
            return {"condition": _condition(said, texts)}
    return {}


def _condition(said: Said, texts: Texts) -> str:
    if said["condition"] not in set(ConditionKind) or said["threshold"] is None:
        return "–"
    return condition_text(ConditionKind(said["condition"]), Decimal(str(said["threshold"])), texts)


def _instant(written: Any) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def _by(name: str) -> Callable[[Said], str]:
    return lambda said: arrow(said[name])


def _always(mark: str) -> Callable[[Said], str]:
    return lambda _said: mark


def _price(said: Said, texts: Texts) -> list[Button]:
    return [Button(texts("현재가"), pack("p", said["code"]))] if said["code"] else []


def _story(said: Said, texts: Texts) -> list[Button]:
    return [Button(texts("📰 기사 요약"), pack("a", said["article"]))] if said["article"] else []


def _filing(said: Said, texts: Texts) -> list[Button]:
    link = [Button(texts("🔗 DART 원문 보기"), url=said["url"])] if said["url"] else []
    return [*link, Button(texts("📋 뜻 보기"), pack("d", said["filing"]))] if said["filing"] else link


def _rule(said: Said, texts: Texts) -> list[Button]:
    return [Button(texts("🗑 조건 지우기"), pack("ax", said["rule"])), *_price(said, texts)] if said["rule"] else []


TOLD: Final[Mapping[AlertKind, Telling]] = {
    AlertKind.REPORT_MADE: Telling(PersonalKind.REPORT, lambda said: VERDICT_MARKS.get(said["verdict"], "📊")),
    AlertKind.STORY: Telling(PersonalKind.NEWS, _always("📰"), _story),
    AlertKind.FILING: Telling(PersonalKind.DISCLOSURE, lambda said: WEIGHTS.get(said["weight"], "📋"), _filing),
    AlertKind.PRICE_MOVED: Telling(PersonalKind.PRICE, _by("step"), _price),
    AlertKind.VOLUME_SURGED: Telling(PersonalKind.VOLUME, _always("📶"), _price),
    AlertKind.FLOW_UNUSUAL: Telling(PersonalKind.FLOW, _always("🧭"), _price),
    AlertKind.HIGH_LOW: Telling(PersonalKind.HIGH_LOW, lambda said: arrow(-1 if said["side"] == "low" else 1), _price),
    AlertKind.SIGNAL_SEEN: Telling(PersonalKind.SIGNAL, lambda said: MARKS.get(said["direction"], "⚪")),
    AlertKind.CONDITION_MET: Telling(PersonalKind.PRICE, _always("🎯"), _rule),
}
"""How each kind is told that a stock is watched for; briefs have a view of their own."""
