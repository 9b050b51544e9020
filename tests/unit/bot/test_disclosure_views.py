from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.texts import texts
from bot.views import disclosures as views
from bot.views.disclosure_meanings import MEANINGS
from bot.views.split import MAX_TEXT, visible_length
from core.chats.member import Language
from core.disclosures.corrections import Tie
from core.disclosures.kinds import KEYS, KINDS
from core.disclosures.queries import Ties
from core.stocks.stock import Market, Stock
from tests.unit.core.disclosures.wire import filing

KO, EN = texts(Language.KO), texts(Language.EN)
NOW = datetime(2026, 2, 20, 7, 0, tzinfo=UTC)
DAY = date(2026, 2, 20)
SAMSUNG = Stock(code="005930", name="삼성전자", market=Market.KOSPI)
WHOLE = views.Reading(configured=True, whole=True, at=NOW)
NONE = views.Reading(configured=False, whole=False, at=None)


def test_every_kind_has_a_meaning_of_two_sentences_at_most_and_no_other_has() -> None:
    assert set(MEANINGS) == set(KEYS)
    for meaning in MEANINGS.values():
        assert 15 < len(meaning.meaning) < 120
        assert EN(meaning.label) != meaning.label
        assert EN(meaning.meaning) != meaning.meaning
        assert "매수하" not in meaning.meaning
        assert "매도하" not in meaning.meaning
    assert len({kind.key for kind in KINDS}) == len(KEYS) - 1


def test_a_list_says_what_each_means_links_to_dart_and_ties_corrections() -> None:
    original = filing(1, "단일판매ㆍ공급계약체결", date(2026, 2, 3), remarks="유정")
    correction = filing(2, "[기재정정]단일판매ㆍ공급계약체결", DAY, filed_at=NOW)
    ties = {2: Ties(corrects=Tie(original=original, sure=False)), 1: Ties(corrected_by=correction)}
    shown = views.listing([correction, original], ties, SAMSUNG, 2, True, WHOLE, NOW, KO)
    assert "삼성전자 공시 목록</b> · 2쪽" in shown.text
    assert f'<a href="{correction.url}">[기재정정]단일판매ㆍ공급계약체결</a>' in shown.text
    assert "매출에 견주어 큰 공급계약" in shown.text
    assert "2026-02-03에 낸 공시를 고친 것" in shown.text
    assert "추정" in shown.text
    assert "정정 있음" in shown.text
    assert "<i>16:00</i>" in shown.text
    buttons = [button.data for row in shown.keyboard for button in row]
    assert buttons == ["1:d:2", "1:d:1", "1:ds:005930:1", "1:ds:005930:3", "1:ds:m:1"]


def test_hostile_names_are_escaped_and_a_full_page_fits_one_message() -> None:
    name = "<b>\u202e&한글</b>" * 40
    filings = [filing(number, name, DAY, company="<i>회사" * 20, filer="<u>" * 30) for number in range(1, 7)]
    for language in (KO, EN):
        shown = views.listing(filings, {}, views.MARKET, 1, True, WHOLE, NOW, language)
        assert "<b>&한글" not in shown.text
        assert "\u202e" not in shown.text
        assert visible_length(shown.text) < MAX_TEXT
        one = views.filing(filings[0], Ties(), None, "<script>alert(1)</script>" * 30, NOW, language)
        assert "<script>" not in one.text
        assert visible_length(one.text) < MAX_TEXT


@pytest.mark.parametrize(
    ("reading", "page", "said"),
    [
        (NONE, 1, "관리자가 DART를 설정하면"),
        (WHOLE, 1, "아직 모은 공시가 없습니다."),
        (WHOLE, 9, "더 이상 공시가 없습니다."),
        (views.Reading(configured=True, whole=False, at=None), 1, "공개 피드에 실린 것만"),
    ],
)
def test_an_empty_list_says_why(reading: views.Reading, page: int, said: str) -> None:
    assert said in views.listing([], {}, views.MARKET, page, False, reading, NOW, KO).text


def test_a_list_that_was_not_read_for_long_warns() -> None:
    late = views.Reading(configured=True, whole=True, at=NOW - timedelta(hours=2))
    text = views.listing([], {}, views.MARKET, 1, False, late, NOW, KO).text
    assert "⚠️ 새 공시를 읽지 못하고 있습니다. DART 2시간 전" in text


def test_one_filing_leads_to_the_official_page_and_to_its_stock() -> None:
    correction = filing(2, "[기재정정]주식소각결정", DAY)
    item = filing(1, "주식소각결정", date(2026, 2, 3), remarks="유정철")
    shown = views.filing(item, Ties(corrected_by=correction), SAMSUNG, "본문 첫머리", NOW, KO)
    assert "❗ 중요 · <b>주식 소각</b>" in shown.text
    assert "이 공시는 철회되었습니다." in shown.text
    assert "나중에 고쳐졌습니다" in shown.text
    assert "<blockquote expandable>본문 첫머리</blockquote>" in shown.text
    assert shown.keyboard[0][0].url == item.url
    assert [button.data for button in shown.keyboard[1]] == ["1:ds:005930:1", "1:r:005930"]
