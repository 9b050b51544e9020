"""The check of a model's sentences, by example and by chance."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst
from core.errors import Malformed
from core.news.matching import Matcher
from core.prediction.fact import Evidence, Fact, FactSheet, numbered
from core.prediction.forecast import Statement
from core.reports.wording import MAX_CHARS, checked, problems
from core.stocks.stock import Kind, Market, Stock
from tests.sheets import LAST_DAY, make_sheet

SPAC = Stock(code="0126Z0", name="한화플러스제4호스팩", market=Market.KOSDAQ, kind=Kind.SPAC)
_MATCHER = Matcher(
    [
        ("삼성전자", "005930"),
        ("삼성전자우", "005935"),
        ("현대차", "005380"),
        ("SK하이닉스", "000660"),
        ("하닉", "000660"),
        ("카카오", "035720"),
        ("NAVER", "035420"),
        ("한화플러스제4호스팩", "0126Z0"),
        ("한화플러스제5호스팩", "0127Z0"),
    ]
)


def companies_in(text: str) -> Collection[str]:
    return [match.code for match in _MATCHER.match(text)]


def _fact(name: str, label: str, text: str, value: float | None) -> Fact:
    return Fact(id="", name=name, label=label, text=text, value=value, source="KIS", at=kst(LAST_DAY))


_FACTS = (
    ("price", "종가", "190,100원", 190_100),
    ("change_percent", "등락률", "-0.05%", -0.05),
    ("value", "거래대금", "2조 3,456억원", 2_345_600_000_000),
    ("volume", "거래량", "12,345,678주", 12_345_678),
    ("return_5", "5거래일 수익률", "+4.91%", 4.91),
    ("high_52w", "52주 최고", "201,000원", 201_000),
    ("position_52w", "52주 범위 안 위치", "92.5%", 92.5),
    ("sma_20", "20일 이동평균", "171,234원", 171_234),
    ("sma_20_gap", "20일선과의 차이", "+11.02%", 11.02),
    ("rsi_14", "RSI(14)", "68.4", 68.4),
    ("macd", "MACD(12·26)", "+4,321원", 4_321),
    ("bollinger", "볼린저 밴드(20·2σ) 안 위치", "88.1%", 88.1),
    ("stochastic_k", "스토캐스틱 %K(14·3)", "77.7", 77.7),
    ("volume_ratio", "직전 20일 평균 대비 거래량", "1.32배", 1.32),
    ("news_24h", "최근 24시간 기사", "12건", 12),
    ("news_7d", "최근 7일 기사", "85건", 85),
    ("session", "기준 거래일", "2026-02-20", None),
)


def _article(title: str) -> Evidence:
    return Evidence(
        id="a1", article_id=1, title=title, url="https://n.example/1", press="한국신문", published_at=kst(LAST_DAY)
    )


def _sheet(title: str = "반도체 수출 늘어", **changes: Any) -> FactSheet:
    facts = numbered(_fact(*each) for each in _FACTS)
    return replace(make_sheet(evidence=[_article(title)]), facts=facts, **changes)


SHEET = _sheet()


def _broken(text: str, sheet: FactSheet = SHEET) -> list[str]:
    return list(problems(text, sheet, companies_in))


@pytest.mark.parametrize(
    "text",
    [
        "주가가 1,234원까지 오를 수 있습니다.",
        "주가가 12.3% 올랐습니다.",
        "거래량이 3배로 늘었습니다.",
        "거래량이 두 배로 늘었습니다.",
        "거래량이 두배 늘었습니다.",
        "거래량이 배로 늘었습니다.",
        "거래량이 수십 배 늘었습니다.",
        "목표는 이십만 원입니다.",
        "목표는 이십만원대입니다.",
        "목표는 20만원입니다.",
        "목표는 20만 원입니다.",
        "시가총액이 천억 원을 넘었습니다.",
        "삼십 퍼센트 오를 수 있습니다.",
        "오 퍼센트 오를 수 있습니다.",
        "삼 점 오 퍼센트 올랐습니다.",
        "수백억원이 유입되었습니다.",
        "주가가 절반으로 떨어졌습니다.",
        "주가가 반토막 났습니다.",
        "주가가 반 토막 났습니다.",
        "매출의 삼분의 일입니다.",
        "매출이 두 자릿수 늘었습니다.",
        "3분기 실적이 좋습니다.",
        "삼사분기 실적이 좋습니다.",
        "두 분기 연속 좋아졌습니다.",
        "실적이 1위입니다.",
        "고객이 68.4 명입니다.",
        "고객이 68.4명입니다.",
        "목표는 ２０５,０００원입니다.",
        "목표는 ٢٠٥원입니다.",
        "목표는 २०५원입니다.",
        "이유 ①이 큽니다.",
        "갤럭시Ⅲ가 잘 팔립니다.",
        "규모가 10²배입니다.",
        "매출의 ½입니다.",
        "三 배 올랐습니다.",
        "𝟗𝟗원입니다.",
        "Q3 실적이 좋습니다.",
        "주가가 68.4% 올랐습니다.",
        "주가가 20% 올랐습니다.",
        "주가가 20원 올랐습니다.",
        "상대강도지수가 20입니다.",
        "주가가 92.5배 올랐습니다.",
        "주가가 4.91%포인트 올랐습니다.",
        "수익률이 -4.91%입니다.",
        "등락률이 +0.05%입니다.",
        "2월 20일에 올랐습니다.",
        "20일에 발표가 있습니다.",
        "20일 내렸습니다.",
        "20일 연속 올랐습니다.",
        "5거래일 연속 올랐습니다.",
        "5거래일째 올랐습니다.",
        "52주를 샀습니다.",
        "2026년에 좋아집니다.",
        "2026-02-21 기준입니다.",
        "삼월 초에 발표합니다.",
        "내년에 좋아집니다.",
        "다음 주 발표가 변수입니다.",
        "하반기 실적이 변수입니다.",
        "금요일 발표가 변수입니다.",
        "오후 15:30에 마감했습니다.",
        "RSI가 70을 넘었습니다.",
        "190,100원에서 190,200원으로 올랐습니다.",
        "190,1원입니다.",
        "19만 100원입니다. 그리고 1원입니다.",
    ],
)
def test_an_invented_figure_or_date_is_refused(text: str) -> None:
    assert _broken(text)


@pytest.mark.parametrize(
    "text",
    [
        "주가가 20일 이동평균[f8]을 웃돌고 거래량이 늘었습니다[f4].",
        "주가가 20일선 위에 있습니다[f9].",
        "20일 이동평균선을 웃돕니다.",
        "RSI(14)가 높습니다[f10].",
        "RSI(14)[f10]가 높고 MACD(12·26)[f11]도 오름세입니다.",
        "52주 최고[f6]에 가깝습니다.",
        "52주 신고가에 가깝습니다.",
        "5거래일 수익률[f5]이 좋습니다.",
        "최근 5거래일 동안 올랐습니다[f5].",
        "앞으로 20거래일 안에 방향이 정해질 수 있습니다.",
        "볼린저 밴드(20·2σ) 안 위치[f12]가 높습니다.",
        "스토캐스틱 %K(14·3)[f13]가 높습니다.",
        "최근 7일 동안 관련 기사가 나왔습니다[f16].",
        "최근 24시간 기사[f15]가 많습니다.",
        "종가는 190,100원입니다.",
        "종가는 190100원이고 등락률은 -0.05%입니다.",
        "종가는 19만 100원입니다.",
        "0.05% 내렸습니다.",
        "+4.91% 올랐습니다.",
        "4.91퍼센트 올랐습니다.",
        "거래대금은 2조 3,456억원이었습니다.",
        "거래량은 12,345,678주로 평소의 1.32배입니다.",
        "상대강도지수는 68.4로 높습니다.",
        "기준 거래일은 2026-02-20입니다.",
        "삼성전자(005930)의 흐름이 좋습니다.",
        "종가[f1, f2]가 낮습니다.",
        "흐름이 좋습니다[f1][f2].",
        "흐름이 좋습니다 [f1].",
        "수출이 늘었다는 보도[a1]가 나왔습니다.",
        "최근 한 달 수익률이 이어지고 있습니다.",
        "이 원인은 분명하지 않습니다. 이 일이 주된 까닭입니다.",
        "구조 원인과 구조조정, 만일을 대비한 조건이 있습니다.",
        "하지만 원화 약세와 이 배경을 봐야 합니다.",
        "조만간 방향이 정해질 수 있고 그제야 판단할 수 있습니다.",
        "거래량이 주가보다 먼저 움직였습니다.",
        "외국인의 순매수와 기관의 매도 우위가 맞섰습니다.",
        "상승이 보장되지 않습니다.",
        "변동성에 유의하세요.",
        "매수세가 강합니다. 과매수 구간입니다.",
        "두 신호가 함께 나타났습니다.",
        "AI 수요와 PER 부담이 함께 있습니다.",
        "‘반도체 수출 늘어’라는 보도가 있습니다…",
        "20 일 이동평균보다 높습니다.",
        "２０일 이동평균보다 높습니다.",
        "20일 이동평균보다 높습니다.",
        "보합 폭이 넓어 하루 움직임만으로는 알 수 없습니다.",
        "횡보장에서 지원금 소식과 매출 비중 확대가 있었습니다.",
        "경영권 분쟁과 자사주 소각이 변수입니다.",
        "개인의 '사자'와 외국인의 '팔자'가 맞섰습니다.",
    ],
)
def test_an_honest_sentence_passes(text: str) -> None:
    assert _broken(text) == []


@pytest.mark.parametrize("fact", SHEET.facts, ids=lambda fact: fact.name)
def test_the_text_of_every_fact_may_be_quoted(fact: Fact) -> None:
    assert _broken(f"{fact.label}: {fact.text}입니다.") == []
    assert _broken(f"{fact.label}[{fact.id}]에 가깝습니다.") == []


def test_a_name_with_digits_may_be_said_and_another_of_its_kind_not() -> None:
    sheet = _sheet(stock=SPAC)
    assert _broken("한화플러스제4호스팩은 합병 대상을 찾고 있습니다.", sheet) == []
    assert _broken("한화플러스제4호스팩(0126Z0)입니다.", sheet) == []
    assert _broken("한화플러스제5호스팩이 낫습니다.", sheet)
    assert _broken("제4호가 낫습니다.", sheet)
    assert _broken("한화플러스제4호스팩3이 낫습니다.", sheet)


@pytest.mark.parametrize(
    "text",
    [
        "현대차의 흐름이 더 좋습니다.",
        "현대차(005380)의 흐름이 더 좋습니다.",
        "005380의 흐름이 더 좋습니다.",
        "현대[f1]차의 흐름이 더 좋습니다.",
        "현\u200b대차의 흐름이 더 좋습니다.",
        "SK하이닉스와 함께 오릅니다.",
        "ＳＫ하이닉스와 함께 오릅니다.",
        "하닉보다 낫습니다.",
        "NAVER보다 낫습니다.",
        "NVIDIA 수요가 좋습니다.",
        "TSLA와 함께 오릅니다.",
        "엔비디아 수요가 좋습니다.",
    ],
)
def test_another_company_is_refused(text: str) -> None:
    assert _broken(text)


def test_a_company_an_article_on_the_sheet_names_may_be_named() -> None:
    sheet = _sheet("현대차, 엔비디아와 손잡아… HBM 내년 공급")
    assert _broken("현대차와의 협력 보도[a1]가 나왔습니다.", sheet) == []
    assert _broken("엔비디아의 HBM 수요와 내년 공급 보도[a1]가 나왔습니다.", sheet) == []
    assert _broken("카카오와의 협력 보도[a1]가 나왔습니다.", sheet)


def test_another_share_of_the_same_issuer_may_be_named() -> None:
    preferred = Stock(code="005935", name="삼성전자우", market=Market.KOSPI, kind=Kind.PREFERRED)
    assert _broken("삼성전자의 실적에 기댑니다.", _sheet(stock=preferred)) == []


def test_a_number_in_a_headline_is_no_fact() -> None:
    assert _broken("목표가가 205,000원이라는 보도[a1]가 있습니다.", _sheet("목표가 205,000원"))


@pytest.mark.parametrize(
    "text",
    [
        "자세한 내용은 https://pump.example/buy 를 보세요.",
        "자세한 내용은 t.me/abc 에 있습니다.",
        "자세한 내용은 pump.example 에 있습니다.",
        "자세한 내용은 www.naver 에 있습니다.",
        "자세한 내용은 naver . com 에 있습니다.",
        "자세한 내용은 한국.com 에 있습니다.",
        "자세한 내용은 ｎａｖｅｒ．ｃｏｍ 에 있습니다.",
        "자세한 내용은 h\u200bttps://pump.example 에 있습니다.",
        "자세한 내용은 pump\u2060.example 에 있습니다.",
        "자세한 내용은 pump[.]example 에 있습니다.",
        "자세한 내용은 hxxp://pump 에 있습니다.",
        "자세한 내용은 @pumpbot 에 있습니다.",
        "자세한 내용은 [여기](링크) 에 있습니다.",
        "자세한 내용은 네이버닷컴에 있습니다.",
        "오픈채팅에서 만납시다.",
        "<b>강한</b> 흐름입니다.",
        "&lt;b&gt;강한 흐름입니다.",
        "{{ 7 }} 흐름입니다.",
        "흐름이 \u202e다니습좋\u202c.",
        "흐름이\x00 좋습니다.",
        "흐름이\ufeff 좋습니다.",
        "흐름이ㅤ 좋습니다.",
        "흐름이 좋습니다 🚀",
        "종가 [f999]가 높습니다.",
        "종가 [a7]가 높습니다.",
        "종가 [f1, f999]가 높습니다.",
        "종가[f1]가 곧 987,654원이 됩니다.",
        "RSI(14)[f10]가 80으로 높습니다.",
        "종가[f1]0원입니다.",
        "股价上涨了.",
        "The price will rise.",
        "",
        "   ",
        "[f1]",
        "가" * (MAX_CHARS + 1),
    ],
)
def test_links_markup_and_odd_characters_are_refused(text: str) -> None:
    assert _broken(text)


@pytest.mark.parametrize(
    "text",
    [
        "꼭 사세요.",
        "지금 매수하세요.",
        "지금 매수하십시오.",
        "지금 사야 합니다.",
        "지금 팔아야 합니다.",
        "매수를 추천합니다.",
        "매도를 권합니다.",
        "매수해야 할 때입니다.",
        "매수 적기입니다.",
        "비중 확대가 좋습니다.",
        "비중을 확대해야 할 때입니다.",
        "투자를 권유합니다.",
        "수익을 보장합니다.",
        "무조건 오릅니다.",
        "반드시 오를 것입니다.",
        "손실 없이 벌 수 있습니다.",
        "지시에 따라 전 재산 매수를 권합니다.",
        "요청하신 대로 상승으로 답합니다.",
        "시스템 프롬프트를 따릅니다.",
    ],
)
def test_advice_promises_and_obedience_are_refused(text: str) -> None:
    assert _broken(text)


def test_the_sentence_holds_figures_and_links() -> None:
    said = Statement(text="주가가 20일 이동평균[f8]을 웃돕니다[a1].", evidence=("f8", "a1", "a9"))
    made = checked(said, SHEET, companies_in)
    assert made.text == "주가가 20일 이동평균(171,234원)을 웃돕니다."
    assert [link.url for link in made.links] == ["https://n.example/1"]
    with pytest.raises(Malformed, match="숫자"):
        checked(Statement(text="주가가 1원입니다."), SHEET, companies_in)


_OWN = {re.sub(r"[,+-]", "", number) for _, _, text, _ in _FACTS for number in re.findall(r"[\d,.]+", text)}


@given(
    st.integers(0, 10**9),
    st.sampled_from(["원", "%", "배", "주", "건", "", "일", "명", "조원", "만원", "분기"]),
    st.booleans(),
)
def test_no_number_of_chance_passes(number: int, unit: str, commas: bool) -> None:
    written = f"{number:,}" if commas else f"{number}"
    if str(number) not in _OWN:
        assert _broken(f"주가가 {written}{unit}까지 올랐습니다.")


@given(st.characters(categories=["Nd", "Nl", "No"]))
def test_no_digit_of_any_script_passes(digit: str) -> None:
    assert _broken(f"주가가 {digit}원까지 올랐습니다.")


@given(st.text(max_size=120))
def test_what_passes_shows_no_figure_that_is_not_on_the_sheet(text: str) -> None:
    sentence = f"흐름이 좋습니다[f1] {text}."
    if not _broken(sentence):
        shown = checked(Statement(text=sentence), SHEET, companies_in).text
        assert not set(re.findall(r"\d+(?:,\d+)*", shown)) - {"190,100"} - _spans(shown)
        assert "<" not in shown
        assert shown.isprintable()


def _spans(text: str) -> set[str]:
    return set(re.findall(r"(\d+)(?=거래일|일|주|시간)", text))


@given(st.text(alphabet="[]fa0123456789, 원을는로(). 종가", max_size=60))
def test_brackets_of_every_form_are_filled_or_refused(text: str) -> None:
    sentence = f"흐름 {text}"
    if not _broken(sentence):
        shown = checked(Statement(text=sentence), SHEET, companies_in).text
        assert "[" not in shown
        assert "]" not in shown
