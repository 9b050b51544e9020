from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.news.alike import alike, gist_of

BODY = (
    "가나전자가 북미 고객사와 3조2000억원 규모의 공급계약을 맺었다고 9일 공시했다. 계약 기간은 2029년까지다. "
    "회사는 이번 계약으로 내년 매출이 크게 늘 것으로 내다봤다. 증권가는 목표주가를 잇달아 올렸다. "
)
TITLE = "가나전자, 북미서 3조2000억 수주"


def same(one: tuple[str, str, str | None], other: tuple[str, str, str | None]) -> bool:
    """Found by the index and judged alike."""
    first, second = gist_of(*one), gist_of(*other)
    assert alike(first, second) == alike(second, first)
    return bool(set(first.sketch) & set(second.sketch)) and alike(first, second)


def test_one_agencys_report_under_two_headlines_is_one_story() -> None:
    assert same((TITLE, BODY[:110], None), ("[특징주] 가나전자 '잭팟'", BODY[:110], None))
    assert same((TITLE, "", BODY), ("가나전자 잭팟", BODY[:110], None))
    assert same(
        (TITLE, "", BODY), ("가나전자 잭팟", "", BODY.replace("잇달아", "줄줄이").replace("내다봤다", "전망했다"))
    )


@pytest.mark.parametrize(
    "before",
    ["[서울=뉴시스] 홍길동 기자 = ", "(서울=연합뉴스) ", "이 기사는 프리미엄 '시그널'에 먼저 실린 기사입니다. ", "※ "],
)
def test_datelines_and_promotions_in_front_do_not_hide_a_repeat(before: str) -> None:
    assert same((TITLE, BODY, None), ("가나전자 잭팟", before + BODY, None))


def test_a_headline_cut_by_a_list_is_the_same_headline() -> None:
    assert same(
        ("가나전자, 북미서 3조2000억 수주…목표주가도...", "", None), (TITLE + "…목표주가도 줄상향한 까닭", "", None)
    )
    assert same((TITLE + " 소식에 급등", "", None), (TITLE + " 소식에 급등", BODY, None))


def test_the_same_sentence_around_other_figures_is_another_story() -> None:
    robot = "{name}는 이날 강세를 보이고 있다. 주가는 전 거래일보다 {won}원({percent}%) 오른 {price}원에 거래되고 있다."
    one = robot.format(name="가나전자", won=1200, percent="0.63", price="19만1300")
    other = robot.format(name="가나전자", won=5400, percent="2.84", price="19만5500")
    assert not same(("[특징주] 가나전자 강세", one, None), ("[특징주] 가나전자 강세", other, None))
    assert not same(("[특징주] 가나전자 강세", one, None), ("가나전자 오름세", other, None))


def test_a_headline_of_every_day_over_another_text_is_another_story() -> None:
    title = "(마감)코스피, 외국인 매수에 상승 마감"
    other = (
        "원·달러 환율 안정과 반도체 강세에 힘입어 지수가 사흘 만에 반등했다. 코스닥도 함께 올랐다고 거래소가 밝혔다."
    )
    assert not same((title, BODY, None), (title, other, None))


def test_equal_beginnings_of_texts_that_go_on_differently_are_two_stories() -> None:
    other = "한편 라마중공업은 새 공장을 짓는다. 바사건설은 분양을 미룬다. 아자유통은 점포를 닫는다. " * 6
    assert not same((TITLE, "", BODY[:90] + BODY * 3), ("가나전자 잭팟", "", BODY[:90] + other))


@given(st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_any_text_has_a_gist_and_is_like_itself(title: str, summary: str, body: str | None) -> None:
    gist = gist_of(title, summary, body)
    assert all(-(2**63) <= number < 2**63 for number in gist.sketch)
    assert gist_of(title, summary, body).sketch == gist.sketch
    if gist.sketch:
        assert alike(gist, gist)


@given(st.integers(0, 79), st.sampled_from("가나다라마바사"))
def test_a_letter_changed_in_the_beginning_is_found_again(place: int, letter: str) -> None:
    text = BODY[:place] + letter + BODY[place + 1 :]
    if text[place] != BODY[place] and not BODY[place].isdecimal():
        assert same((TITLE, BODY, None), ("가나전자 잭팟", text, None))


def test_a_huge_text_takes_no_longer() -> None:
    started = time.process_time()
    gist_of("가" * 10_000, "※ " + "프리미엄 " * 200_000, "[" * 1_000_000)
    assert time.process_time() - started < 1
