"""The rule-based forecasters: what any model has to beat. They cost nothing and are always on.

A rule calls one direction a horizon and gives it `CALLED`, the others share the rest, except the base
rate, which says how often each direction came in the stock's own past. The rules of signals abstain on every
day without theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.prediction import signals
from core.prediction.fact import FactSheet
from core.prediction.forecast import HORIZONS, Direction, Forecast, Odds, Statement

CALLED = 0.6
SHORT, LONG = 5, 20
"""The horizons, in sessions, of the short- and the long-term target."""
_LEAST_CASES = 10
"""The base rate abstains below this many past cases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a rule reads from a sheet: the odds per horizon and the sentence that explains it."""

    odds: Mapping[int, Odds]
    reason: Statement


Rule = Callable[[FactSheet], Reading | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleForecaster:
    """A rule as a forecaster. `prompt_version` is the version of the rule."""

    key: str
    rule: Rule
    prompt_version: str = "1"
    paid: bool = False

    async def forecast(self, sheet: FactSheet, *, request_id: str, user_id: int | None = None) -> Forecast | None:
        """What the rule says of the sheet; None where the sheet lacks what it reads."""
        reading = self.rule(sheet)
        if reading is None:
            return None
        first = reading.odds[HORIZONS[0]]
        return Forecast(
            odds=reading.odds,
            confidence=max(first.up, first.flat, first.down),
            short_target=_target(sheet, reading.odds[SHORT], SHORT),
            long_target=_target(sheet, reading.odds[LONG], LONG),
            reasons=(reading.reason,),
        )


def _target(sheet: FactSheet, odds: Odds, sessions: int) -> int:
    """The base price moved by the band, as far as the odds lean."""
    return round(sheet.base_price * (1 + (odds.up - odds.down) * sheet.band_over(sessions)))


def called(direction: Direction) -> Odds:
    """`CALLED` on one direction, the rest shared."""
    rest = (1 - CALLED) / 2
    return Odds(**{each.value: CALLED if each is direction else rest for each in Direction})


def _same_everywhere(direction: Direction) -> Mapping[int, Odds]:
    return {sessions: called(direction) for sessions in HORIZONS}


def no_change(_sheet: FactSheet) -> Reading:
    """The price stays inside its band."""
    return Reading(odds=_same_everywhere(Direction.FLAT), reason=Statement(text="가격이 그대로라고 봅니다."))


def always_up(_sheet: FactSheet) -> Reading:
    """The price rises, whatever the sheet says."""
    return Reading(odds=_same_everywhere(Direction.UP), reason=Statement(text="언제나 오른다고 봅니다."))


def momentum(sheet: FactSheet) -> Reading | None:
    """The move of the last five sessions goes on; inside the five-session band there is none."""
    fact = sheet.by_name.get("return_5")
    if fact is None or fact.value is None:
        return None
    direction = direction_of(fact.value / 100, sheet.band_over(5))
    reason = Statement(text=f"최근 5거래일 움직임[{fact.id}]이 이어진다고 봅니다.", evidence=(fact.id,))
    return Reading(odds=_same_everywhere(direction), reason=reason)


def mean_reversion(sheet: FactSheet) -> Reading | None:
    """The price returns to its 20-session average once it is further from it than the 20-session band."""
    fact = sheet.by_name.get("sma_20_gap")
    if fact is None or fact.value is None:
        return None
    direction = direction_of(-fact.value / 100, sheet.band_over(20))
    reason = Statement(text=f"20일선과의 차이[{fact.id}]가 줄어든다고 봅니다.", evidence=(fact.id,))
    return Reading(odds=_same_everywhere(direction), reason=reason)


def flow_following(sheet: FactSheet) -> Reading | None:
    """The price follows what foreigners and institutions bought net over five sessions, in won."""
    flows = [fact for name in ("foreign_net_5", "institution_net_5") if (fact := sheet.by_name.get(name))]
    if not flows:
        return None
    net = sum(fact.value or 0 for fact in flows)
    ids = tuple(fact.id for fact in flows)
    reason = Statement(
        text=f"외국인과 기관의 순매수{''.join(f'[{each}]' for each in ids)}를 따라간다고 봅니다.", evidence=ids
    )
    return Reading(odds=_same_everywhere(direction_of(net, 0.0)), reason=reason)


def golden_cross(sheet: FactSheet) -> Reading | None:
    """The price goes where the averages have crossed in the last closed session."""
    return _on_signal(
        sheet,
        signals.golden_cross,
        ("sma_20", "sma_60"),
        up="20일선{0}이 60일선{1}을 위로 지나 오른다고 봅니다.",
        down="20일선{0}이 60일선{1}을 아래로 지나 내린다고 봅니다.",
    )


def rsi(sheet: FactSheet) -> Reading | None:
    """The price turns where the relative strength index has left a zone in the last closed session."""
    return _on_signal(
        sheet,
        signals.rsi,
        ("rsi_14",),
        up="RSI{0}가 과매도 구간에서 벗어나 오른다고 봅니다.",
        down="RSI{0}가 과매수 구간에서 벗어나 내린다고 봅니다.",
    )


def volume_surge(sheet: FactSheet) -> Reading | None:
    """The move of the last closed session goes on when its volume surged."""
    return _on_signal(
        sheet,
        signals.volume_surge,
        ("volume_ratio",),
        up="거래량 급증{0}과 함께 올라 더 오른다고 봅니다.",
        down="거래량 급증{0}과 함께 내려 더 내린다고 봅니다.",
    )


def new_high(sheet: FactSheet) -> Reading | None:
    """A 52-week high of the last closed session is followed by others."""
    return _on_signal(sheet, signals.new_high, ("high_52w",), up="52주 최고{0}를 새로 써 더 오른다고 봅니다.", down="")


def flow_streak(sheet: FactSheet) -> Reading | None:
    """The price follows a streak of net buying or selling by foreigners and institutions on the day it is complete.

    Abstains while no flows are on the sheet.
    """
    fact = sheet.by_name.get("flow_streak")
    if fact is None or fact.value is None or abs(fact.value) != signals.STREAK:
        return None
    direction = direction_of(fact.value, 0.0)
    reason = Statement(text=f"외국인과 기관의 연속 순매매[{fact.id}]를 따라간다고 봅니다.", evidence=(fact.id,))
    return Reading(odds=_same_everywhere(direction), reason=reason)


def _on_signal(sheet: FactSheet, watch: signals.Watch, names: tuple[str, ...], *, up: str, down: str) -> Reading | None:
    """The signal of the last closed session as a reading, None where there is none; it cites the facts `names`."""
    signal = watch(sheet.bars)
    if signal is None:
        return None
    cited = [sheet.by_name[name].id if name in sheet.by_name else None for name in names]
    sentence = up if signal.direction is Direction.UP else down
    text = sentence.format(*(f"[{each}]" if each else "" for each in cited))
    reason = Statement(text=text, evidence=tuple(each for each in cited if each))
    return Reading(odds=_same_everywhere(signal.direction), reason=reason)


def base_rate(sheet: FactSheet) -> Reading | None:
    """How often the stock rose, fell or stayed inside the band over each horizon in its own past year.

    One case of each direction is added, so that what never happened keeps a chance.
    """
    closes = [bar.close for bar in sheet.bars if bar.close > 0]
    if len(closes) - max(HORIZONS) < _LEAST_CASES:
        return None
    odds = {sessions: _frequencies(closes, sessions, sheet.band_over(sessions)) for sessions in HORIZONS}
    return Reading(odds=odds, reason=Statement(text="이 종목의 지난 한 해 빈도를 그대로 씁니다."))


def _frequencies(closes: list[int], sessions: int, band: float) -> Odds:
    seen = dict.fromkeys(Direction, 1)
    for before, after in zip(closes, closes[sessions:], strict=False):
        seen[direction_of((after - before) / before, band)] += 1
    total = sum(seen.values())
    return Odds(**{direction.value: number / total for direction, number in seen.items()})


def direction_of(change: float, band: float) -> Direction:
    """Up or down beyond the band, flat on it or inside."""
    if change > band:
        return Direction.UP
    return Direction.DOWN if change < -band else Direction.FLAT


RULES = tuple(
    RuleForecaster(key=f"rule:{rule.__name__}", rule=rule)
    for rule in (
        no_change,
        always_up,
        momentum,
        mean_reversion,
        flow_following,
        base_rate,
        golden_cross,
        rsi,
        volume_surge,
        new_high,
        flow_streak,
    )
)
"""Every rule-based forecaster, in the order they are shown."""
