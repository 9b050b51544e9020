"""Matching names to stocks: each rule with an invented sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.news import matching
from core.news.josa import ENDINGS, PARTICLES
from core.news.matching import Matcher
from core.stocks.nicknames import nickname_pairs

SAMSUNG, HYNIX, HYUNDAI, KIA, DAESANG = "005930", "000660", "005380", "000270", "001680"
LG, LG_ENERGY, SK, HANWHA, NAVER = "003550", "373220", "034730", "000880", "035420"
KIWOOM, SAMSUNG_PREFERRED, RAY, KAKAO, KAKAO_BANK = "039490", "005935", "228670", "035720", "323410"

LISTED = (
    ("삼성전자", SAMSUNG),
    ("삼성전자우", SAMSUNG_PREFERRED),
    ("SK하이닉스", HYNIX),
    ("현대차", HYUNDAI),
    ("현대차증권", "001500"),
    ("기아", KIA),
    ("대상", DAESANG),
    ("LG", LG),
    ("LG에너지솔루션", LG_ENERGY),
    ("SK", SK),
    ("한화", HANWHA),
    ("한화투자증권", "003530"),
    ("NAVER", NAVER),
    ("키움증권", KIWOOM),
    ("레이", RAY),
    ("카카오", KAKAO),
    ("카카오뱅크", KAKAO_BANK),
    ("JYP Ent.", "035900"),
    ("알파뉴틱스", "0126Z0"),
    ("CS", "065770"),
)
CODES = {code for _, code in LISTED}
MATCHER = Matcher([*LISTED, *(pair for pair in nickname_pairs() if pair[1] in CODES)])


def codes(title: str, body: str = "", tagged: str | None = None) -> list[str]:
    return [match.code for match in MATCHER.match(title, body, tagged=tagged)]


@pytest.mark.parametrize(
    "title",
    [
        "삼성전자 신제품 공개",
        "삼성전자가 신제품을 공개했다",
        "올해도 삼성전자에서는 성과급이 나온다",
        "美삼성전자 공장 준공",
        "②삼성전자 공장 준공",
        "㈜삼성전자 공장 준공",
        "삼성전자株 오름세",
        "삼성전자측은 부인했다",
        "‘삼성전자’와 손잡는다",
    ],
)
def test_plain_name_counts_where_its_word_holds_nothing_but_particles(title: str) -> None:
    assert codes(title) == [SAMSUNG]


@pytest.mark.parametrize(
    "title",
    ["구삼성전자 역사관", "삼성전자서비스 노사 합의", "삼성전자공업고 입학식", "삼성전자24 개점", "삼성전자가전 행사"],
)
def test_name_inside_another_word_does_not_count(title: str) -> None:
    assert codes(title) == []


def test_longest_name_wins() -> None:
    assert codes("삼성전자우 배당 확대") == [SAMSUNG_PREFERRED]
    assert codes("카카오뱅크, 대출 금리 인하") == [KAKAO_BANK]
    assert codes("현대차증권, 새 앱 출시") == ["001500"]


def test_names_in_a_list_all_count() -> None:
    assert set(codes("삼성전자·SK하이닉스, 나란히 신고가")) == {SAMSUNG, HYNIX}
    assert set(codes("삼성전자-SK하이닉스 협력")) == {SAMSUNG, HYNIX}


def test_nickname_counts_for_its_stock_and_a_pair_name_for_both() -> None:
    assert codes("LG엔솔, 공장 증설") == [LG_ENERGY]
    assert set(codes("삼전닉스 레버리지 논란")) == {SAMSUNG, HYNIX}


@pytest.mark.parametrize(
    "title", ["naver 새 서비스", "Naver, 새 서비스", "ＮＡＶＥＲ, 새 서비스", "sk Hynix wins an order"]
)
def test_latin_names_match_in_any_case_and_width(title: str) -> None:
    assert codes(title) in ([NAVER], [HYNIX])


@pytest.mark.parametrize("title", ["NAVERS 새 서비스", "XNAVER 새 서비스", "NAVER2 새 서비스"])
def test_latin_names_need_full_token_boundaries(title: str) -> None:
    assert codes(title) == []


def test_loose_jamo_match_like_syllables() -> None:
    import unicodedata

    assert codes(unicodedata.normalize("NFD", "삼성전자가 웃었다")) == [SAMSUNG]


@pytest.mark.parametrize(
    "title",
    [
        "대상, 3분기 영업이익 늘어",
        "[특징주] 대상 급등",
        "식품주 강세…대상, 신고가",
        "기아 주가 반등",
        "현대차·기아, 판매 신기록",
        "의료기기 업체 레이, 새 장비 공개",
    ],
)
def test_short_or_ordinary_name_counts_with_a_second_signal(title: str) -> None:
    assert {DAESANG, KIA, RAY} & set(codes(title))


@pytest.mark.parametrize(
    "title",
    [
        "개인 투자자 대상 교육",
        "자회사 대상 유상증자 결정",
        "공매도 대상 주식 늘어",
        "올해의 '대상'은 누구",
        "기아 해결에 나선 시민들",
        "소형차 레이 캠핑카 증정",
    ],
)
def test_short_or_ordinary_word_alone_is_nothing(title: str) -> None:
    assert codes(title) == []


@pytest.mark.parametrize(
    "title", ["환율에 웃은 현대차·기아 나란히", "어제는 기아·대상·현대차 웃어", "환율에 웃은 현대차와 기아 두 곳"]
)
def test_doubtful_name_beside_a_sure_one_counts(title: str) -> None:
    assert codes(title)[0] == HYUNDAI
    assert KIA in codes(title)
    kia = next(match for match in MATCHER.match(title) if match.code == KIA)
    assert matching.LISTED in kia.reasons


def test_doubtful_name_is_given_up_after_five_mentions() -> None:
    idle = "기아 이야기가 길게 이어지고 또 이어지는 한가한 문장. "
    assert codes("읽을거리", idle * 4 + "기아 주가 급등") == [KIA]
    assert codes("읽을거리", idle * 5 + "기아 주가 급등") == []


def test_code_in_brackets_settles_a_doubtful_name() -> None:
    match = MATCHER.match("식품업계 소식", "그날 대상(001680)도 움직였다")[0]
    assert match.code == DAESANG
    assert matching.WRITTEN_CODE in match.reasons


def test_tag_of_the_feed_settles_a_doubtful_name_and_is_no_match_alone() -> None:
    title = "소비자 대상 행사"
    assert codes(title, tagged=DAESANG) == [DAESANG]
    assert codes(title, tagged=SAMSUNG) == []


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("LG, 자사주 소각에 급등", [LG]),
        ("한화 2분기 영업이익 늘어", [HANWHA]),
        ("[특징주] SK 상한가", [SK]),
        ("LG 회장 신년사", []),
        ("한화·LG 총수 회동", []),
        ("SK, 야구단 매각", []),
        ("삼성, 채용 확대", []),
        ("현대차 그룹 인사", []),
        ("현대차그룹 인사", []),
    ],
)
def test_group_name_needs_a_word_about_the_share(title: str, expected: list[str]) -> None:
    assert codes(title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("키움증권, 모의투자 대회", [KIWOOM]),
        ("삼성전자, 목표가 올려-키움증권", [SAMSUNG]),
        ("삼성전자, 목표가 올려 - 현대차", [SAMSUNG]),
        ("삼성전자 더 간다 [키움증권]", [SAMSUNG]),
        ('키움증권 "삼성전자 더 간다"', [SAMSUNG]),
        ("홍길동 키움증권 연구원은 낙관했다", []),
        ("키움증권, 삼성전자 목표가 상향", [SAMSUNG]),
    ],
)
def test_house_that_only_gives_an_opinion_does_not_count(title: str, expected: list[str]) -> None:
    assert codes(title) == expected


@pytest.mark.parametrize(
    "title", ["한화 이글스 3연승", "카카오톡 업데이트", "카카오 가격 폭등에 초콜릿 비상", "제2의 카카오 찾기"]
)
def test_longer_things_that_are_no_stock_do_not_count(title: str) -> None:
    assert codes(title) == []


def test_name_with_a_better_known_bearer_needs_a_code() -> None:
    assert codes("CS, 3분기 실적 쇼크에 급락") == []
    assert codes("CS(065770), 3분기 실적") == ["065770"]


@pytest.mark.parametrize("text", ["(0126Z0)", "[005930]", "삼성전자우(005935, 코스피)", "005930.KS"])
def test_written_code_counts(text: str) -> None:
    assert len(codes("공시", text)) == 1


@pytest.mark.parametrize("text", ["매출 005930원", "1005930", "전화 005930번", "x005930x"])
def test_number_that_looks_like_a_code_does_not_count(text: str) -> None:
    assert codes("공시", text) == []


def test_bracketed_month_is_no_code_unless_a_name_stands_before_it() -> None:
    matcher = Matcher([("가나다전자", "202406")])
    assert matcher.match("실적 (202406) 발표") == []
    assert [match.code for match in matcher.match("어느회사(202406) 발표")] == ["202406"]


def test_title_outweighs_body_and_the_reasons_add_up() -> None:
    matches = MATCHER.match("삼성전자, 새 공장", "협력사 현대차도 함께한다. 삼성전자는 삼성전자답게 짓는다")
    assert [match.code for match in matches] == [SAMSUNG, HYUNDAI]
    assert matches[0].reasons == (matching.TITLE, matching.OPENS, matching.REPEATED)
    for match in matches:
        assert match.relevance == pytest.approx(min(1, sum(matching.WEIGHTS[reason] for reason in match.reasons)))


def test_one_of_many_weighs_less() -> None:
    alone = MATCHER.match("시황", "삼성전자가 올랐다")[0]
    crowd = MATCHER.match("시황", "삼성전자, SK하이닉스, 현대차, NAVER, 카카오가 올랐다")[0]
    assert crowd.relevance < alone.relevance
    assert matching.CROWD in crowd.reasons


def test_sports_headline_is_not_swallowed_when_the_company_is_named_too() -> None:
    assert codes("카카오톡 장애…카카오, 사과") == [KAKAO]


def test_hostile_length_is_bounded() -> None:
    assert codes("대상 " * 50_000, "기아 " * 200_000) == []


def test_bad_code_is_refused() -> None:
    with pytest.raises(ValueError, match="12345"):
        Matcher([("아무개", "12345")])


@given(title=st.text(), body=st.text(), tagged=st.none() | st.sampled_from(sorted(CODES)))
def test_any_text_is_matched_to_known_codes(title: str, body: str, tagged: str | None) -> None:
    for match in MATCHER.match(title, body, tagged=tagged):
        assert match.code in CODES
        assert 0 <= match.relevance <= 1


PIECES = st.sampled_from(
    [*(name for name, _ in LISTED), *CODES, "(", ")", "·", ",", " ", "…", "-", '"', "은", "주가", "😀", "\ud800", "\n"]
)


@given(st.lists(PIECES, max_size=40), st.lists(PIECES, max_size=40))
def test_any_mix_of_names_and_marks_is_matched_to_known_codes(title: list[str], body: list[str]) -> None:
    matches = MATCHER.match("".join(title), "".join(body))
    assert {match.code for match in matches} <= CODES
    assert len({match.code for match in matches}) == len(matches)


@given(st.sampled_from(sorted(ENDINGS)), st.sampled_from(["SK하이닉스", "LG에너지솔루션", "카카오뱅크", "네이버"]))
def test_particle_does_not_change_what_a_long_name_matches(ending: str, name: str) -> None:
    assert codes(f"오늘 {name}{ending} 화제") == codes(f"오늘 {name} 화제")


def test_particles_are_bare_words() -> None:
    assert all(particle and not particle.isspace() for particle in PARTICLES)
