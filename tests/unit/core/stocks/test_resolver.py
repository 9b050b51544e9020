"""What a person means by a text."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stocks.resolver import LONGEST_QUERY, MOST_CHOICES, Ambiguous, Found, Resolution, Resolver, Unknown
from core.stocks.stock import Kind, Market, Stock


def make_stock(code: str, name: str, cap: int | None = 1, kind: Kind = Kind.COMMON, *, active: bool = True) -> Stock:
    return Stock(code=code, name=name, market=Market.KOSPI, kind=kind, market_cap=cap, active=active)


STOCKS = (
    make_stock("005930", "삼성전자", 1_000),
    make_stock("005935", "삼성전자우", 110, Kind.PREFERRED),
    make_stock("009150", "삼성전기", 300),
    make_stock("263810", "상신전자", 1),
    make_stock("0126Z0", "삼성에피스홀딩스", 90),
    make_stock("0044K0", "삼성스팩10호", 1, Kind.SPAC),
    make_stock("102780", "KODEX 삼성그룹", 5, Kind.ETF),
    make_stock("000660", "SK하이닉스", 700),
    make_stock("034730", "SK", 26),
    make_stock("03473K", "SK우", 1, Kind.PREFERRED),
    make_stock("017670", "SK텔레콤", 17),
    make_stock("402340", "SK스퀘어", 80),
    make_stock("011790", "SKC", 4),
    make_stock("030200", "KT", 15),
    make_stock("033780", "KT&G", 90),
    make_stock("053210", "KT스카이라이프", 1),
    make_stock("040300", "KT나스미디어", 1),
    make_stock("035720", "카카오", 22),
    make_stock("323410", "카카오뱅크", 12),
    make_stock("377300", "카카오페이", 9),
    make_stock("293490", "카카오게임즈", 2),
    make_stock("000880", "한화", 9),
    make_stock("00088K", "한화3우B", 1, Kind.PREFERRED),
    make_stock("012450", "한화에어로스페이스", 68),
    make_stock("042660", "한화오션", 40),
    make_stock("272210", "한화시스템", 26),
    make_stock("009830", "한화솔루션", 8),
    make_stock("088350", "한화생명", 5),
    make_stock("489790", "한화비전", 4),
    make_stock("035420", "NAVER", 40),
    make_stock("000010", "옛날은행", None, active=False),
    make_stock("000020", "카카오", None, active=False),
)
ALIASES = (("삼전", "005930"), ("네이버", "035420"), ("조흥은행", "000010"), ("없는것", "999999"))


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(STOCKS, ALIASES)


def names(resolution: Resolution) -> list[str]:
    """The names answered, Found or Ambiguous."""
    assert not isinstance(resolution, Unknown)
    return [s.name for s in ((resolution.stock,) if isinstance(resolution, Found) else resolution.candidates)]


def closest(resolution: Resolution) -> list[str]:
    assert isinstance(resolution, Unknown)
    return [stock.name for stock in resolution.closest]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("005930", "005930"),
        (" a005930 ", "005930"),
        ("005930.KS", "005930"),
        ("krx:005930", "005930"),
        ("KR7005930003", "005930"),
        ("KR7005931001", "005935"),
        ("0126z0", "0126Z0"),
        ("03473k", "03473K"),
        ("삼성 전자", "005930"),
        ("㈜카카오", "035720"),
        ("삼성전자우", "005935"),
        ("한화3우b", "00088K"),
        ("삼성전자 우선주", "005935"),
        ("삼전우", "005935"),
        ("삼전", "005930"),
        ("네이버", "035420"),
        ("naver", "035420"),
        ("에스케이 하이닉스", "000660"),
        ("SKㅎㅇㄴㅅ", "000660"),
        ("ㅎㅇㄴㅅ", "000660"),
        ("하이닉스", "000660"),
        ("sk하이닉ㅅ", "000660"),
        ("KTG", "033780"),
        ("케이티앤지", "033780"),
        ("카카오뱅", "323410"),
        ("삼섬전자", "005930"),
        ("tkatjdwjswk", "005930"),
        ("ㅜㅁㅍㄷㄱ", "035420"),
        ("삼성전자🚀", "005930"),
    ],
)
def test_one_stock_is_meant(resolver: Resolver, text: str, code: str) -> None:
    resolution = resolver.resolve(text)
    assert isinstance(resolution, Found)
    assert resolution.stock.code == code


def test_an_exact_name_wins_over_longer_ones(resolver: Resolver) -> None:
    assert resolver.resolve("삼성전자") == Found(STOCKS[0])


def test_the_name_of_a_group_is_a_choice_with_the_namesake_first(resolver: Resolver) -> None:
    found = names(resolver.resolve("한화"))
    assert found == ["한화", "한화에어로스페이스", "한화오션", "한화시스템", "한화솔루션", "한화생명"]


def test_a_group_is_a_choice_by_its_spoken_name_too(resolver: Resolver) -> None:
    assert resolver.resolve("에스케이") == resolver.resolve("SK")


def test_latin_words_that_only_begin_alike_are_no_members_of_a_group(resolver: Resolver) -> None:
    assert names(resolver.resolve("sk")) == ["SK", "SK하이닉스", "SK스퀘어", "SK텔레콤"]
    assert names(resolver.resolve("KT")) == ["KT"]


def test_the_heavyweight_of_its_family_is_no_group(resolver: Resolver) -> None:
    assert names(resolver.resolve("카카오")) == ["카카오"]


def test_initials_of_several_are_a_choice_by_size(resolver: Resolver) -> None:
    assert names(resolver.resolve("ㅅㅅㅈㅈ")) == ["삼성전자", "상신전자"]


def test_initials_begun_offer_what_begins_so(resolver: Resolver) -> None:
    assert names(resolver.resolve("ㅋㅋㅇㅂ")) == ["카카오뱅크"]
    assert names(resolver.resolve("ㅋㅋㅇ")) == ["카카오"]


def test_a_part_of_several_names_is_at_most_six_companies_first(resolver: Resolver) -> None:
    found = names(resolver.resolve("삼성"))
    assert found[:4] == ["삼성전자", "삼성전기", "삼성에피스홀딩스", "삼성전자우"]
    assert len(found) == MOST_CHOICES


def test_a_company_is_taken_before_its_preferred_share(resolver: Resolver) -> None:
    assert names(resolver.resolve("SK텔레")) == ["SK텔레콤"]
    assert names(resolver.resolve("성전자")) == ["삼성전자"]


def test_two_latin_letters_inside_a_name_say_nothing(resolver: Resolver) -> None:
    assert isinstance(resolver.resolve("AV"), Unknown)
    assert names(resolver.resolve("AVE")) == ["NAVER"]


def test_a_misspelling_near_a_preferred_share_is_asked_about(resolver: Resolver) -> None:
    assert names(resolver.resolve("삼성전자주")) == ["삼성전자", "삼성전자우"]


def test_a_name_among_other_words_is_offered_not_taken(resolver: Resolver) -> None:
    assert closest(resolver.resolve("삼성전자 주가 어때?"))[0] == "삼성전자"


def test_a_text_that_begins_like_a_name_offers_it(resolver: Resolver) -> None:
    assert closest(resolver.resolve("카카오엔터프라이즈"))[0] == "카카오"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "🚀🚀",
        "---",
        "'; DROP TABLE stocks; --",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "../../etc/passwd",
        "ignore all previous instructions",
        "없는회사",
        "999999",
        "\x00\x1b[31m",
        "삼성전자" * 1_000,
    ],
)
def test_a_text_that_is_no_stock_offers_nothing(resolver: Resolver, text: str) -> None:
    assert resolver.resolve(text) == Unknown(text.strip()[:LONGEST_QUERY], ())


def test_a_delisted_stock_answers_to_its_code_name_and_former_name_only(resolver: Resolver) -> None:
    for text in ("000010", "옛날은행", "조흥은행"):
        resolution = resolver.resolve(text)
        assert isinstance(resolution, Found)
        assert not resolution.stock.active
    for text in ("옛날은", "옛날은항", "ㅇㄴㅇㅎ"):
        assert isinstance(resolver.resolve(text), Unknown)
    assert resolver.search("옛날", 10) == []


def test_a_listed_stock_hides_a_delisted_one_of_the_same_name(resolver: Resolver) -> None:
    assert resolver.resolve("카카오") == Found(next(s for s in STOCKS if s.code == "035720"))


def test_an_ampersand_tells_two_companies_apart() -> None:
    resolver = Resolver([make_stock("093050", "LF"), make_stock("066970", "엘앤에프")], [("L&F", "066970")])
    assert names(resolver.resolve("LF")) == ["LF"]
    assert names(resolver.resolve("l&f")) == ["엘앤에프"]


def test_another_name_of_a_listed_stock_wins_over_a_delisted_name() -> None:
    assert names(Resolver(STOCKS, [("옛날은행", "323410")]).resolve("옛날은행")) == ["카카오뱅크"]


def test_an_alias_of_two_stocks_is_a_choice() -> None:
    resolver = Resolver(STOCKS, [("전자", "005930"), ("전자", "009150")])
    assert names(resolver.resolve("전자")) == ["삼성전자", "삼성전기"]


def test_what_is_called_so_now_comes_before_what_was_once() -> None:
    kept = Stock(code="000001", name="가람전자", market=Market.KOSPI, market_cap=5)
    renamed = Stock(code="000002", name="한빛테크", market=Market.KOSPI, market_cap=9)
    found = Resolver([kept, renamed], [("가람테크윈", "000002")]).resolve("가람")
    assert isinstance(found, Ambiguous)
    assert [stock.name for stock in found.candidates] == ["가람전자", "한빛테크"]


def test_a_name_wins_over_an_alias() -> None:
    assert names(Resolver(STOCKS, [("KT", "000660")]).resolve("KT")) == ["KT"]


def test_no_stock_at_all_is_no_error() -> None:
    empty = Resolver([], ALIASES)
    assert empty.resolve("삼성전자") == Unknown("삼성전자", ())
    assert empty.get("005930") is None
    assert empty.search("삼", 5) == []


def test_get_reads_a_code_in_any_case(resolver: Resolver) -> None:
    stock = resolver.get("0126z0")
    assert stock is not None
    assert stock.name == "삼성에피스홀딩스"
    assert resolver.get("삼성전자") is None


def found_names(stocks: Iterable[Stock]) -> list[str]:
    return [stock.name for stock in stocks]


def test_search_ranks_the_exact_one_then_companies_by_size(resolver: Resolver) -> None:
    assert found_names(resolver.search("카카오", 10)) == ["카카오", "카카오뱅크", "카카오페이", "카카오게임즈"]
    assert found_names(resolver.search("삼성전", 3)) == ["삼성전자", "삼성전기", "삼성전자우"]


def test_search_reads_codes_initials_and_misspellings(resolver: Resolver) -> None:
    assert found_names(resolver.search("00593", 5)) == ["삼성전자", "삼성전자우"]
    assert found_names(resolver.search("ㅅㅅㅈㅈ", 5)) == ["삼성전자", "상신전자"]
    assert found_names(resolver.search("삼섬전자", 5)) == ["삼성전자"]
    assert resolver.search("", 5) == []
    assert resolver.search("삼성", 0) == []


@given(text=st.text(max_size=80) | st.text("삼성전자한화SKㅅㅈㅏㄳ 0519AK우.:", max_size=12), limit=st.integers(-2, 9))
def test_no_text_raises_and_no_answer_is_too_long(resolver: Resolver, text: str, limit: int) -> None:
    match resolver.resolve(text):
        case Ambiguous(candidates):
            assert 2 <= len(candidates) <= MOST_CHOICES
            assert len({stock.code for stock in candidates}) == len(candidates)
        case Unknown(query, offered):
            assert len(query) <= LONGEST_QUERY
            assert len(offered) <= MOST_CHOICES
        case Found():
            pass
    assert len(resolver.search(text, limit)) <= max(limit, 0)
