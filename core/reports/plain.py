"""The fact-only form: sentences a program writes from the sheet when no model's words can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.prediction.fact import Fact, FactSheet
from core.prediction.forecast import Direction, Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """What one fact points to. `weight` orders signs by how much they say."""

    direction: Direction
    weight: float
    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    name: str
    up: str
    down: str
    lean: Callable[[float], float]
    """Positive when the value speaks for a rise, negative for a fall; its size is the weight."""


_READINGS = (
    _Reading(
        name="return_5",
        up="최근 5거래일 동안 올랐습니다[{id}].",
        down="최근 5거래일 동안 내렸습니다[{id}].",
        lean=lambda value: value / 5,
    ),
    _Reading(
        name="sma_20_gap",
        up="주가가 20일 이동평균 위에 있습니다[{id}].",
        down="주가가 20일 이동평균 아래에 있습니다[{id}].",
        lean=lambda value: value / 5,
    ),
    _Reading(
        name="sma_60_gap",
        up="주가가 60일 이동평균 위에 있습니다[{id}].",
        down="주가가 60일 이동평균 아래에 있습니다[{id}].",
        lean=lambda value: value / 10,
    ),
    _Reading(
        name="rsi_14",
        up="RSI(14)가 낮아 과매도에 가깝습니다[{id}].",
        down="RSI(14)가 높아 과매수에 가깝습니다[{id}].",
        lean=lambda value: (50 - value) / 20 if abs(value - 50) > 15 else 0.0,
    ),
    _Reading(
        name="change_percent",
        up="기준 거래일에 올랐습니다[{id}].",
        down="기준 거래일에 내렸습니다[{id}].",
        lean=lambda value: value / 4,
    ),
    _Reading(
        name="position_52w",
        up="52주 범위의 위쪽에 있습니다[{id}].",
        down="52주 범위의 아래쪽에 있습니다[{id}].",
        lean=lambda value: (value - 50) / 60,
    ),
)


def signs(sheet: FactSheet) -> list[Sign]:
    """What the facts point to, the heaviest first."""
    return sorted(_signs(sheet), key=lambda sign: -sign.weight)


def _signs(sheet: FactSheet) -> Iterator[Sign]:
    for reading in _READINGS:
        value = sheet.value(reading.name)
        lean = reading.lean(value) if value is not None else 0.0
        if lean:
            fact = sheet.by_name[reading.name]
            sentence = (reading.up if lean > 0 else reading.down).format(id=fact.id)
            yield Sign(
                direction=Direction.UP if lean > 0 else Direction.DOWN,
                weight=abs(lean),
                statement=Statement(text=sentence, evidence=(fact.id,)),
            )


def reasons(sheet: FactSheet, verdict: Direction) -> tuple[Statement, ...]:
    """Three statements: the signs that speak for the verdict, the newest article, and what there is besides."""
    found = signs(sheet)
    fitting = [sign.statement for sign in found if sign.direction is verdict or verdict is Direction.FLAT]
    others = [_news(sheet), _volume(sheet), *(_plain(sheet, name) for name in ("price", "session"))]
    return tuple([*fitting[:2], *(each for each in others if each)][:3])


def counter_case(sheet: FactSheet, verdict: Direction) -> Statement:
    """The heaviest sign against the verdict."""
    against = [sign.statement for sign in signs(sheet) if sign.direction is not verdict]
    return against[0] if against else Statement(text="사실표에는 반대쪽을 가리키는 신호가 없습니다.")


def change_of_view(sheet: FactSheet) -> Statement:
    """The price levels that would change the view, or that there are none yet."""
    low, high = sheet.by_name.get("support_20"), sheet.by_name.get("resistance_20")
    if low is None or high is None:
        return Statement(text="일봉이 더 쌓여 지표를 계산할 수 있게 되면 다시 판단합니다.")
    return Statement(
        text=f"20일 최고[{high.id}] 위에서 마감하거나 20일 최저[{low.id}] 아래에서 마감하면 다시 판단합니다.",
        evidence=(high.id, low.id),
    )


def _news(sheet: FactSheet) -> Statement | None:
    fresh: Sequence[str] = [item.id for item in sheet.evidence if not item.similar]
    fact = sheet.by_name.get("news_7d")
    if not fresh or fact is None:
        return None
    return Statement(text=f"최근 7일 동안 관련 기사가 나왔습니다[{fact.id}].", evidence=(fact.id, fresh[0]))


def _volume(sheet: FactSheet) -> Statement | None:
    value, fact = sheet.value("volume_ratio"), sheet.by_name.get("volume_ratio")
    if value is None or fact is None:
        return None
    words = "평소보다 많이" if value >= 1 else "평소보다 적게"
    return Statement(text=f"직전 20일 평균과 견주어 {words} 거래되었습니다[{fact.id}].", evidence=(fact.id,))


def _plain(sheet: FactSheet, name: str) -> Statement | None:
    fact: Fact | None = sheet.by_name.get(name)
    return Statement(text=f"{fact.label}[{fact.id}]를 기준으로 봅니다.", evidence=(fact.id,)) if fact else None
