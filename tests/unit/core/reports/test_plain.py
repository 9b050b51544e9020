"""The fact-only form: three reasons always, never against the verdict, in words that pass the check."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst
from core.prediction.fact import Evidence, Fact, FactSheet, numbered
from core.prediction.forecast import Direction, Statement
from core.prediction.price_facts import price_facts, prices_of
from core.reports import plain
from core.reports.filling import filled
from core.reports.wording import problems
from tests.sheets import CALENDAR, LAST_DAY, make_bar, make_bars, make_quote, make_sheet

_AT = CALENDAR.closes(LAST_DAY)


def _fact(name: str, label: str, text: str, value: float | None) -> Fact:
    return Fact(id="", name=name, label=label, text=text, value=value, source="KRX", at=_AT)


SESSION = _fact("session", "기준 거래일", "2026-02-20", None)


def _news(count: int) -> Fact:
    return _fact("news_7d", "최근 7일 기사", f"{count}건", count)


def _article(**changes: Any) -> Evidence:
    values: dict[str, Any] = {"id": "a1", "article_id": 1, "title": "새 소식", "url": "https://n.example/1"}
    return Evidence(press="한국신문", published_at=kst(LAST_DAY), **values | changes)


def _quote_only() -> FactSheet:
    prices = prices_of([], make_quote(_AT), CALENDAR)
    assert prices is not None
    return replace(make_sheet(), facts=numbered([*price_facts(prices, live_shares=None), SESSION]), bars=())


def _halted() -> FactSheet:
    still = {"open": 0, "high": 0, "low": 0, "volume": 0, "value": 0}
    bars = [make_bar(bar.day, 2_185, **still) for bar in make_bars(150)]
    return make_sheet(bars, extra=[SESSION])


SHEETS = {
    "a year": make_sheet(make_bars(250), extra=[SESSION, _news(3)], evidence=[_article()]),
    "three bars": make_sheet(make_bars(3), extra=[SESSION, _news(0)]),
    "one bar": make_sheet(make_bars(1), extra=[SESSION]),
    "a quote only": _quote_only(),
    "halted": _halted(),
    "no news": make_sheet(make_bars(150), extra=[SESSION, _news(0)], evidence=[_article()]),
}


def _all(sheet: FactSheet, verdict: Direction) -> list[Statement]:
    said = plain.reasons(sheet, verdict)
    return [*said, plain.counter_case(sheet, verdict), plain.change_of_view(sheet, verdict)]


@pytest.mark.parametrize("verdict", Direction)
@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
def test_there_are_three_different_reasons_that_pass_the_check(sheet: FactSheet, verdict: Direction) -> None:
    reasons = plain.reasons(sheet, verdict)
    assert len({each.text for each in reasons}) == 3
    assert plain.counter_case(sheet, verdict) not in reasons
    for statement in _all(sheet, verdict):
        assert list(problems(statement.text, sheet, lambda _: ())) == []
        shown = filled(statement.text, sheet)
        assert "[" not in shown
        assert list(problems(shown, sheet, lambda _: ())) == []
        assert shown.endswith("다.") or re.search(r"다\([^()]+\)\.$", shown), shown


@given(seed=st.integers(0, 10_000), count=st.integers(1, 150), verdict=st.sampled_from(Direction))
def test_reasons_never_speak_against_the_verdict(seed: int, count: int, verdict: Direction) -> None:
    sheet = make_sheet(make_bars(count, seed=seed), extra=[SESSION, _news(0)])
    against = {sign.statement for sign in plain.signs(sheet) if sign.direction is not verdict}
    reasons = plain.reasons(sheet, verdict)
    assert len(reasons) == 3
    assert not against & set(reasons)
    fitting = {sign.statement for sign in plain.signs(sheet) if sign.direction is verdict}
    assert plain.counter_case(sheet, verdict) not in fitting


def test_what_a_rule_says_for_itself_comes_first() -> None:
    own = Statement(text="20일선과의 차이가 줄어든다고 봅니다.")
    assert plain.reasons(SHEETS["a year"], Direction.UP, (own,))[0] == own


def test_a_stock_that_did_not_trade_is_said_not_to_have() -> None:
    said = " ".join(filled(each.text, SHEETS["halted"]) for each in plain.reasons(SHEETS["halted"], Direction.FLAT))
    assert "거래가 없었습니다(0주)" in said
    assert "적게" not in said


def test_news_is_told_only_when_there_was_some() -> None:
    told = [each.text for each in plain.reasons(SHEETS["a year"], Direction.FLAT)]
    assert any("기사가 나왔습니다" in text for text in told)
    assert not any("기사" in each.text for each in plain.reasons(SHEETS["no news"], Direction.FLAT))


def test_the_level_that_changes_the_view_is_on_the_other_side() -> None:
    sheet = SHEETS["a year"]
    low, high = sheet.by_name["support_20"].text, sheet.by_name["resistance_20"].text
    up, down, flat = (
        filled(plain.change_of_view(sheet, verdict).text, sheet)
        for verdict in (Direction.UP, Direction.DOWN, Direction.FLAT)
    )
    assert up == f"20일 최저({low}) 아래에서 마감하면 다시 판단합니다."
    assert down == f"20일 최고({high}) 위에서 마감하면 다시 판단합니다."
    assert low in flat
    assert high in flat


def test_three_bars_read_as_a_korean_would_write() -> None:
    sheet = SHEETS["three bars"]
    price, session = sheet.by_name["price"].text, sheet.by_name["session"].text
    said = [filled(each.text, sheet) for each in plain.reasons(sheet, Direction.FLAT)]
    assert said[0] == "확률이 오름이나 내림 어느 쪽으로도 기울지 않았습니다."
    assert said[1] == f"기준 거래일은 {session}, 종가는 {price}입니다."
    view = filled(plain.change_of_view(sheet, Direction.FLAT).text, sheet)
    assert view == "일봉이 더 쌓여 지표를 계산할 수 있게 되면 다시 판단합니다."
