"""A condition a person sets on a stock: its kinds, how it is written, and when it holds. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from core.errors import UserError

MOST: Final = 30
"""Conditions a person may have."""

COOLDOWN: Final = timedelta(days=1)
"""How long a condition rests after it was told, where nothing else is written."""
SHORTEST, LONGEST = timedelta(minutes=10), timedelta(days=30)
"""What may be written for it."""

EXAMPLE: Final = "/alerts add 삼성전자 > 80000"


class ConditionKind(StrEnum):
    """What is compared: the price in won, its change since the previous close in percent, or the volume in times the
    mean of twenty sessions."""

    PRICE_ABOVE = "price_above"
    PRICE_BELOW = "price_below"
    CHANGE_EITHER = "change"
    CHANGE_UP = "change_up"
    CHANGE_DOWN = "change_down"
    VOLUME_TIMES = "volume_times"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A condition as it is asked for."""

    kind: ConditionKind
    threshold: Decimal
    cooldown: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition(Wanted):
    """A stored condition, with the name its stock has now."""

    id: int
    code: str
    name: str
    last_fired_at: datetime | None


_NUMBER: Final = r"([0-9][0-9,]{0,14}(?:\.[0-9]{1,4})?)"
_MOST_WON: Final = Decimal(1_000_000_000)
_UNITS: Final = {"분": "minutes", "m": "minutes", "시간": "hours", "h": "hours", "일": "days", "d": "days"}
_EVERY: Final = re.compile(r"(?:\s+(?:every\s+)?([0-9]{1,4})\s*(분|시간|일|m|h|d)(?:마다|에 한 번)?)$", re.IGNORECASE)
_FORMS: Final = (
    (re.compile(rf"(.+?)\s*(>=?|<=?|≥|≤|이상|이하)\s*{_NUMBER}\s*(?:원|won)?", re.IGNORECASE), "price"),
    (re.compile(rf"(.+?)\s+{_NUMBER}\s*(?:원|won)?\s*(이상|이하)", re.IGNORECASE), "price_said"),
    (re.compile(rf"(.+?)\s+(?:거래량|volume)\s*{_NUMBER}\s*(?:배|x|times)", re.IGNORECASE), "volume"),
    (re.compile(rf"(.+?)\s+([+±-]?)\s*{_NUMBER}\s*(?:%|퍼센트)", re.IGNORECASE), "change"),
)


def parse_condition(written: str) -> tuple[str, Wanted]:
    """The stock as it was written, and the condition behind it: `삼성전자 > 80000`, `삼성전자 5%`, `삼전 -3%`,
    `카카오 거래량 3배`, each perhaps with how often it may be told: `2시간마다`, `every 30m`.

    Raises `UserError` that says what is expected.
    """
    text = written.strip()[:100]
    cooldown = COOLDOWN
    if every := _EVERY.search(text):
        cooldown = timedelta(**{_UNITS[every[2].lower()]: int(every[1])})
        text = text[: every.start()]
    for pattern, form in _FORMS:
        if found := pattern.fullmatch(text):
            kind, number = _read(form, found)
            return found[1].strip(), wanted(kind, number, cooldown)
    raise UserError(
        "종목과 조건을 적어 주세요. 예: {example}, /alerts add 삼성전자 5%, /alerts add 삼성전자 거래량 3배",
        example=EXAMPLE,
    )


def wanted(kind: ConditionKind, threshold: str, cooldown: timedelta) -> Wanted:
    """A condition of these figures; raises `UserError` where they make no sense."""
    if not SHORTEST <= cooldown <= LONGEST:
        raise UserError("다시 알리는 간격은 10분에서 30일 사이로 적어 주세요. 예: {example} 2시간마다", example=EXAMPLE)
    return Wanted(kind=kind, threshold=_checked(kind, threshold), cooldown=cooldown)


def _read(form: str, found: re.Match[str]) -> tuple[ConditionKind, str]:
    match form:
        case "price":
            above = found[2] in {">", ">=", "≥", "이상"}
            return (ConditionKind.PRICE_ABOVE if above else ConditionKind.PRICE_BELOW), found[3]
        case "price_said":
            return (ConditionKind.PRICE_ABOVE if found[3] == "이상" else ConditionKind.PRICE_BELOW), found[2]
        case "volume":
            return ConditionKind.VOLUME_TIMES, found[2]
    ways = {"+": ConditionKind.CHANGE_UP, "-": ConditionKind.CHANGE_DOWN}
    return ways.get(found[2], ConditionKind.CHANGE_EITHER), found[3]


def _checked(kind: ConditionKind, written: str) -> Decimal:
    """The number, where it makes sense for the kind."""
    number = Decimal(written.replace(",", ""))
    if kind in {ConditionKind.PRICE_ABOVE, ConditionKind.PRICE_BELOW}:
        if number != number.to_integral_value() or not 0 < number <= _MOST_WON:
            raise UserError("가격은 1원에서 10억 원 사이의 정수로 적어 주세요. 예: {example}", example=EXAMPLE)
    elif kind is ConditionKind.VOLUME_TIMES:
        if not 1 < number <= 1_000:
            raise UserError(
                "거래량은 1배보다 크고 1,000배를 넘지 않게 적어 주세요. 예: /alerts add 삼성전자 거래량 3배"
            )
    elif not 0 < number <= 30:
        raise UserError("등락률은 0보다 크고 30을 넘지 않게 적어 주세요. 예: /alerts add 삼성전자 5%")
    return number
