"""The fact-only form: sentences a program writes from the sheet when no model's words can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.prediction.fact import FactSheet
from core.prediction.forecast import Direction, Statement

REASONS = 3


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
        up="주가가 20일 이동평균보다 높습니다[{id}].",
        down="주가가 20일 이동평균보다 낮습니다[{id}].",
        lean=lambda value: value / 5,
    ),
    _Reading(
        name="sma_60_gap",
        up="주가가 60일 이동평균보다 높습니다[{id}].",
        down="주가가 60일 이동평균보다 낮습니다[{id}].",
        lean=lambda value: value / 10,
    ),
    _Reading(
        name="rsi_14",
        up="RSI(14)가 낮아 되돌림이 나올 수 있는 자리입니다[{id}].",
        down="RSI(14)가 높아 쉬어 갈 수 있는 자리입니다[{id}].",
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
        lean=lambda value: (value - 50) / 60 if abs(value - 50) > 15 else 0.0,
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
            up = lean > 0
            fact = sheet.by_name[reading.name]
            words = (reading.up if up else reading.down).format(id=fact.id)
            yield Sign(
                direction=Direction.UP if up else Direction.DOWN,
                weight=abs(lean),
                statement=Statement(text=words, evidence=(fact.id,)),
            )


def reasons(sheet: FactSheet, verdict: Direction, own: tuple[Statement, ...] = ()) -> tuple[Statement, ...]:
    """Three statements for a verdict: `own`, the signs that speak for it, then the news and what else there is.

    For a flat verdict no sign speaks, as each points somewhere.
    """
    fitting = [*own, *(sign.statement for sign in signs(sheet) if sign.direction is verdict)]
    if not fitting:
        fitting = [_without_sign(verdict)]
    others = [each for each in (_filings(sheet), _news(sheet), _volume(sheet), _price(sheet), _range(sheet)) if each]
    return tuple([*fitting[: REASONS - 1], *others, *fitting[REASONS - 1 :]][:REASONS])


def counter_case(sheet: FactSheet, verdict: Direction) -> Statement:
    """The heaviest sign against the verdict."""
    against = [sign.statement for sign in signs(sheet) if sign.direction is not verdict]
    return against[0] if against else Statement(text="사실표에는 반대쪽을 가리키는 신호가 없습니다.")


def change_of_view(sheet: FactSheet, verdict: Direction) -> Statement:
    """The price level that would change the view, or that there is none yet."""
    low, high = sheet.by_name.get("support_20"), sheet.by_name.get("resistance_20")
    if low is None or high is None:
        return Statement(text="일봉이 더 쌓여 지표를 계산할 수 있게 되면 다시 판단합니다.")
    above, below = f"20일 최고[{high.id}] 위에서 마감", f"20일 최저[{low.id}] 아래에서 마감"
    match verdict:
        case Direction.UP:
            return Statement(text=f"{below}하면 다시 판단합니다.", evidence=(low.id,))
        case Direction.DOWN:
            return Statement(text=f"{above}하면 다시 판단합니다.", evidence=(high.id,))
        case Direction.FLAT:
            return Statement(text=f"{above}하거나 {below}하면 다시 판단합니다.", evidence=(high.id, low.id))


def _without_sign(verdict: Direction) -> Statement:
    if verdict is Direction.FLAT:
        return Statement(text="확률이 오름이나 내림 어느 쪽으로도 기울지 않았습니다.")
    return Statement(text="판단은 확률 계산을 따른 것이며, 같은 쪽을 뚜렷이 가리키는 지표는 없습니다.")


def _filings(sheet: FactSheet) -> Statement | None:
    newest = next((item.id for item in sheet.evidence if item.disclosure), None)
    if newest is None:
        return None
    fact = sheet.by_name["material_filings_30d"]
    return Statement(text=f"최근 30일 동안 중요 공시가 나왔습니다[{fact.id}].", evidence=(fact.id, newest))


def _news(sheet: FactSheet) -> Statement | None:
    newest = next((item.id for item in sheet.evidence if not item.similar and not item.disclosure), None)
    if newest is None or not sheet.value("news_7d"):
        return None
    fact = sheet.by_name["news_7d"]
    return Statement(text=f"최근 7일 동안 관련 기사가 나왔습니다[{fact.id}].", evidence=(fact.id, newest))


def _volume(sheet: FactSheet) -> Statement | None:
    volume, ratio = sheet.by_name.get("volume"), sheet.by_name.get("volume_ratio")
    if volume is not None and not volume.value:
        return Statement(text=f"기준 거래일에 거래가 없었습니다[{volume.id}].", evidence=(volume.id,))
    if ratio is None or ratio.value is None:
        return None
    words = "평소보다 많이" if ratio.value >= 1 else "평소보다 적게"
    return Statement(text=f"직전 20일 평균과 견주어 {words} 거래되었습니다[{ratio.id}].", evidence=(ratio.id,))


def _price(sheet: FactSheet) -> Statement | None:
    price, session = sheet.by_name.get("price"), sheet.by_name.get("session")
    if price is None:
        return None
    if session is None:
        return Statement(text=f"{price.label}는 [{price.id}]입니다.", evidence=(price.id,))
    text = f"기준 거래일은 [{session.id}], {price.label}는 [{price.id}]입니다."
    return Statement(text=text, evidence=(session.id, price.id))


def _range(sheet: FactSheet) -> Statement | None:
    volume, value = sheet.by_name.get("volume"), sheet.by_name.get("value")
    if volume is None or value is None:
        return None
    text = f"거래량은 [{volume.id}], 거래대금은 [{value.id}]입니다."
    return Statement(text=text, evidence=(volume.id, value.id))
