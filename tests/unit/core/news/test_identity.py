from __future__ import annotations

import csv
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.news.identity import fingerprint, identity_of, naver_id, naver_id_in, naver_url, normalised_url
from tests.samples import sample


@pytest.mark.parametrize(
    "form",
    [
        "naver:015:0005340952",
        "0150005340952",
        "15:5340952",
        "015/0005340952",
        "https://n.news.naver.com/mnews/article/015/0005340952",
        "https://n.news.naver.com/article/015/0005340952?sid=101258401",
        "https://m.sports.naver.com/wbaseball/article/015/0005340952",
        "https://finance.naver.com/item/news_read.naver?article_id=0005340952&office_id=015&code=005380&page=1",
        "https://news.example/read?oid=015&aid=0005340952",
    ],
)
def test_every_form_of_an_id_gives_the_same_canonical_one(form: str) -> None:
    assert naver_id_in(form) == "naver:015:0005340952"


@pytest.mark.parametrize(
    "form", ["", "15", "hello", "naver:015", "/article/015/00053409521", "https://[bad", "٠١٥٠٠٠٥٣٤٠٩٥٢"]
)
def test_what_holds_no_id_gives_none(form: str) -> None:
    assert naver_id_in(form) is None


@given(st.text())
def test_any_text_is_an_id_an_address_or_neither(text: str) -> None:
    naver_id_in(text)
    normalised_url(text)
    fingerprint(text, text)


@given(st.from_regex("[0-9]{1,3}", fullmatch=True), st.from_regex("[0-9]{1,10}", fullmatch=True))
def test_an_id_is_found_again_in_the_address_made_of_it(office: str, number: str) -> None:
    known = naver_id(office, number)
    assert known is not None
    assert naver_id_in(known) == known == naver_id_in(naver_url(known))


def test_real_links_of_a_crawl_name_as_many_articles_as_were_counted() -> None:
    with gzip.open(
        sample("news_datasets/naver_finance_item_news_hyundai_005380_2022.csv.gz"), "rt", encoding="utf-8-sig"
    ) as file:
        ids = [naver_id_in(row["link"]) for row in csv.DictReader(file)]
    assert None not in ids
    assert (len(ids), len(set(ids))) == (8297, 3506)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://WWW.News.example/a/?utm_source=x&idxno=3&ref=naver#top", "https://news.example/a?idxno=3"),
        ("https://m.news.example:443/v?no=7&sid=101&page=2", "https://news.example/v?no=7"),
        ("https://news.example:8443/v", "https://news.example:8443/v"),
        ("https://m.example/v", "https://m.example/v"),
        ("https://n.example/한글?q=가", "https://n.example/한글?q=%EA%B0%80"),
    ],
)
def test_addresses_that_differ_in_where_the_reader_came_from_are_one(url: str, expected: str) -> None:
    assert normalised_url(url) == expected


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://a.example/x", "https://", "//a.example", "https://a\u202e.example", "http://a"],
)
def test_what_is_no_web_address_is_none(url: str) -> None:
    assert normalised_url(url) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("“삼성전자” 급등…왜", '"삼성전자" 급등... 왜'),
        ("[속보] 코스피 3000", "코스피  3000"),
        ("[단독][특징주] ＳＫ 급락 (종합)", "SK 급락"),
    ],
)
def test_quotes_spaces_widths_and_tags_make_no_difference(one: str, other: str) -> None:
    assert fingerprint(one, "같은 요약") == fingerprint(other, "같은  요약")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("코스피 +2%", "코스피 -2%"),
        ("영업익 1.5조", "영업익 15조"),
        ("[인사] 가나다", "[인사] 라마바"),
        ("[부고]", "[인사]"),
    ],
)
def test_signs_and_figures_make_a_difference(one: str, other: str) -> None:
    assert fingerprint(one, "요약") != fingerprint(other, "요약")


def test_one_title_over_two_texts_is_two_articles() -> None:
    assert fingerprint("(마감)코스피", "오늘은 올랐다") != fingerprint("(마감)코스피", "오늘은 내렸다")


@pytest.mark.parametrize(
    ("address", "known_as"),
    [
        ("https://www.hankyung.com/article/2026051954246?rss=r", "hankyung:2026051954246"),
        ("http://hankyung.com/economy/article/202608142047i", "hankyung:202608142047i"),
        ("https://m.mk.co.kr/news/stock/11333783", "mk:11333783"),
        ("https://www.mk.co.kr/news/politics/11333783/", "mk:11333783"),
        ("https://m.mk.co.kr/amp/11333783", "mk:11333783"),
        ("https://n.news.naver.com/mnews/article/015/0005248202?sid=103", "naver:015:0005248202"),
    ],
)
def test_an_address_names_its_article_whatever_leads_there(address: str, known_as: str) -> None:
    assert identity_of(address) == known_as


def test_an_address_elsewhere_is_known_by_what_is_left_of_it() -> None:
    one = identity_of("http://m.small.example/articleView.html?idxno=7&ref=naver&utm_source=x#top")
    assert one == identity_of("https://www.small.example/articleView.html?idxno=7")
    assert one != identity_of("https://www.small.example/articleView.html?idxno=8")
    # Another site's path may look like Naver's.
    assert (identity_of("https://small.example/article/015/0005248202") or "").startswith("url:")


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "https://", "ftp://a.example/1", "https://[bad"])
def test_what_is_no_address_names_nothing(address: str) -> None:
    assert identity_of(address) is None
