from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import kst
from core.prediction.fact import Fact
from core.prediction.forecast import HORIZONS, Direction, Forecast
from core.prediction.rules import CALLED, RULES
from core.reports.wording import sentence
from tests.sheets import LAST_DAY, make_bar, make_bars, make_sheet, sessions_until

BY_KEY = {rule.key: rule for rule in RULES}


def _flow(name: str, value: int) -> Fact:
    return Fact(id="", name=name, label="순매수", text="", value=value, source="KIS", at=kst(LAST_DAY))


async def _call(key: str, **sheet: object) -> Forecast | None:
    return await BY_KEY[f"rule:{key}"].forecast(make_sheet(**sheet), request_id="r1")  # type: ignore[arg-type]


async def _direction(key: str, **sheet: object) -> Direction:
    forecast = await _call(key, **sheet)
    assert forecast is not None
    return forecast.odds[1].direction


def _closes(*closes: int) -> list[object]:
    days = sessions_until(LAST_DAY, 60)
    return [make_bar(day, close) for day, close in zip(days, [1000] * (60 - len(closes)) + list(closes), strict=True)]


@settings(deadline=None)  # the first example reads a library
@given(st.integers(3, 150), st.integers(0, 30))
async def test_every_rule_gives_odds_that_sum_to_one_or_abstains(count: int, seed: int) -> None:
    sheet = make_sheet(make_bars(count, seed=seed))
    for rule in RULES:
        forecast = await rule.forecast(sheet, request_id="r1")
        if forecast is None:
            continue
        assert tuple(forecast.odds) == HORIZONS
        for odds in forecast.odds.values():
            assert odds.up + odds.flat + odds.down == pytest.approx(1)
            assert min(odds.up, odds.flat, odds.down) > 0
        assert forecast.short_target is not None
        assert abs(forecast.short_target / sheet.base_price - 1) <= sheet.band_over(5) + 0.01
        cited = {each for reason in forecast.reasons for each in reason.evidence}
        assert cited <= sheet.by_id.keys()


async def test_the_naive_rules_say_what_their_names_say() -> None:
    assert await _direction("no_change") is Direction.FLAT
    assert await _direction("always_up") is Direction.UP


async def test_momentum_follows_and_reversion_opposes_a_run() -> None:
    rising, falling, still = _closes(1050, 1100, 1160, 1200, 1260), _closes(950, 900, 850, 800, 760), _closes()
    assert await _direction("momentum", bars=rising) is Direction.UP
    assert await _direction("momentum", bars=falling) is Direction.DOWN
    assert await _direction("momentum", bars=still) is Direction.FLAT
    assert await _direction("mean_reversion", bars=rising) is Direction.DOWN
    assert await _direction("mean_reversion", bars=falling) is Direction.UP
    assert await _direction("mean_reversion", bars=still) is Direction.FLAT


async def test_flow_following_abstains_without_flows_and_follows_their_sum() -> None:
    assert await _call("flow_following") is None
    bought = [_flow("foreign_net_5", 300), _flow("institution_net_5", -100)]
    assert await _direction("flow_following", extra=bought) is Direction.UP
    assert await _direction("flow_following", extra=[_flow("foreign_net_5", -300)]) is Direction.DOWN


async def test_a_rule_of_a_signal_calls_its_way_on_the_day_of_the_signal_and_abstains_on_others() -> None:
    quiet = _closes()
    surge = make_bar(LAST_DAY, 1050, volume=5_000_000)
    assert await _call("volume_surge", bars=quiet) is None
    assert await _direction("volume_surge", bars=[*quiet[:-1], surge]) is Direction.UP
    assert await _direction("volume_surge", bars=[*quiet[:-1], make_bar(LAST_DAY, 950, volume=5_000_000)]) is (
        Direction.DOWN
    )
    crossed = [make_bar(day, 1000) for day in sessions_until(LAST_DAY, 100)[:-1]]
    assert await _direction("golden_cross", bars=[*crossed, make_bar(LAST_DAY, 1100)]) is Direction.UP
    assert await _direction("golden_cross", bars=[*crossed, make_bar(LAST_DAY, 900)]) is Direction.DOWN
    year = [make_bar(day, 1000) for day in sessions_until(LAST_DAY, 250)[:-1]]
    assert await _direction("new_high", bars=[*year, make_bar(LAST_DAY, 1100)]) is Direction.UP
    fallen = [make_bar(day, 3000 - 50 * step) for step, day in enumerate(sessions_until(LAST_DAY, 41)[:-1])]
    assert await _direction("rsi", bars=[*fallen, make_bar(LAST_DAY, 1600)]) is Direction.UP


async def test_a_rule_of_a_signal_cites_the_facts_it_rests_on() -> None:
    sheet = make_sheet([*_closes()[:-1], make_bar(LAST_DAY, 1050, volume=5_000_000)])  # type: ignore[list-item]
    forecast = await BY_KEY["rule:volume_surge"].forecast(sheet, request_id="r1")
    assert forecast is not None
    assert forecast.reasons[0].evidence == (sheet.by_name["volume_ratio"].id,)
    assert sentence(forecast.reasons[0], sheet).text == "거래량 급증(5.00배)과 함께 올라 더 오른다고 봅니다."


async def test_the_streak_of_flows_calls_when_it_is_complete() -> None:
    assert await _call("flow_streak") is None
    assert await _call("flow_streak", extra=[_flow("flow_streak", 4)]) is None
    assert await _direction("flow_streak", extra=[_flow("flow_streak", 5)]) is Direction.UP
    assert await _direction("flow_streak", extra=[_flow("flow_streak", -5)]) is Direction.DOWN


async def test_the_base_rate_is_how_often_it_happened() -> None:
    days = sessions_until(LAST_DAY, 102)
    # Every third session rises by a tenth, the others stay: 33 of 101 moves, and one case of each is added.
    closes = [round(1000 * 1.1 ** (number // 3)) for number in range(102)]
    forecast = await _call("base_rate", bars=[make_bar(day, close) for day, close in zip(days, closes, strict=True)])
    assert forecast is not None
    assert forecast.odds[1].up == pytest.approx(34 / 104)
    assert forecast.odds[1].down == pytest.approx(1 / 104)


async def test_rules_abstain_on_a_stock_too_young_for_them() -> None:
    for key in ("momentum", "mean_reversion", "base_rate"):
        assert await _call(key, bars=make_bars(3)) is None


async def test_a_target_leans_with_the_call() -> None:
    up, flat = await _call("always_up"), await _call("no_change")
    assert up is not None
    assert flat is not None
    assert flat.short_target == flat.long_target == make_sheet().base_price
    assert make_sheet().base_price < (up.short_target or 0) < (up.long_target or 0)
    assert up.confidence == CALLED


def test_every_rule_has_its_own_name() -> None:
    assert len(BY_KEY) == len(RULES) == 11
