"""References become figures, and particles agree with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prediction.fact import Fact, numbered
from core.reports.filling import agreeing, filled
from tests.sheets import CALENDAR, LAST_DAY, make_sheet

_AT = CALENDAR.closes(LAST_DAY)
_TEXTS = ("70,100원", "+3.20%", "1.32배", "68.4", "12건", "1,000주", "0.1")


def _fact(text: str) -> Fact:
    return Fact(id="", name=text, label="사실", text=text, value=None, source="KIS", at=_AT)


SHEET = make_sheet(facts=numbered(map(_fact, _TEXTS)))
WON, PERCENT, TIMES, NUMBER, COUNT, SHARES, ONE = (fact.id for fact in SHEET.facts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"20일 이동평균[{WON}]을 웃돕니다.", "20일 이동평균(70,100원)을 웃돕니다."),
        (f"내렸습니다[{PERCENT}].", "내렸습니다(+3.20%)."),
        (f"내렸습니다 [{PERCENT}].", "내렸습니다 +3.20%."),
        (f"종가([{WON}])가 낮습니다.", "종가(70,100원)가 낮습니다."),
        (f"종가[{WON}, {PERCENT}]가 낮습니다.", "종가(70,100원, +3.20%)가 낮습니다."),
        (f"종가[{WON}][{PERCENT}]가 낮습니다.", "종가(70,100원, +3.20%)가 낮습니다."),
        (f"종가는 [{WON}]원입니다.", "종가는 70,100원입니다."),
        (f"수익률이 [{PERCENT}]%로 좋습니다.", "수익률이 +3.20%로 좋습니다."),
        ("보도[a1]가 나왔습니다 [a2].", "보도가 나왔습니다."),
        ("보도([a1])가 나왔습니다.", "보도가 나왔습니다."),
        (f"저항선인 [{WON}]를 넘으면", "저항선인 70,100원을 넘으면"),
        (f"수익률이 [{PERCENT}]으로 좋습니다.", "수익률이 +3.20%로 좋습니다."),
        (f"거래량은 [{TIMES}]이 되었습니다.", "거래량은 1.32배가 되었습니다."),
        (f"지수는 [{NUMBER}]으로 높습니다.", "지수는 68.4로 높습니다."),
        (f"지수는 [{ONE}]으로 낮습니다.", "지수는 0.1로 낮습니다."),
        (f"지수 [{ONE}]는 낮습니다.", "지수 0.1은 낮습니다."),
        (f"기사 [{COUNT}]와 종가", "기사 12건과 종가"),
        (f"[{SHARES}]으로는 적습니다.", "1,000주로는 적습니다."),
        (f"[{WON}]이지만 낮습니다.", "70,100원이지만 낮습니다."),
        (f"종가[{WON}]은 낮습니다.", "종가(70,100원)는 낮습니다."),
        (f"RSI(14)[{NUMBER}]가 높습니다.", "RSI(14) 68.4가 높습니다."),
        (f"주당 [{WON}]인 값", "주당 70,100원인 값"),
    ],
)
def test_a_reference_reads_as_a_korean_would_write(text: str, shown: str) -> None:
    assert filled(text, SHEET) == shown


@pytest.mark.parametrize(
    ("before", "either", "right"),
    [
        ("원", "는", "은"), ("배", "은", "는"), ("서울", "으로", "로"), ("원", "로", "으로"), ("%", "이", "가"),
        ("7", "으로", "로"), ("3", "로", "으로"), ("10", "를", "을"), ("4", "과", "와"), ("KIS", "은", "은"),
        ("", "은", "은"),
    ],
)  # fmt: skip
def test_particles_agree(before: str, either: str, right: str) -> None:
    assert agreeing(either, before) == right


@given(st.text(max_size=80))
def test_any_text_can_be_filled(text: str) -> None:
    assert isinstance(filled(text, SHEET), str)
