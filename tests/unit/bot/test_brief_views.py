"""A brief says of when each part is, what is missing, and fits a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from bot.reply import plain
from bot.texts import texts
from bot.views import briefs
from bot.views.message import Message
from core.briefs.brief import Flow, Known, Slot
from core.briefs.queries import Reader
from core.briefs.service import letters
from core.chats.member import Language
from core.chats.subscriptions import Mode
from core.clock import kst
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Destination, HookName, Letter
from tests.unit.bot.brief_messages import composed
from tests.unit.core.briefs.builders import (
    ALL,
    CALENDAR,
    FRIDAY,
    SATURDAY,
    filed,
    known,
    price,
    story,
    today,
    whole,
)


def shown(of: Known, language: Language = Language.KO) -> Message:
    return briefs.shown(composed(of), of.today.at + timedelta(seconds=5), texts(language))


def said(of: Known, language: Language = Language.KO) -> str:
    return plain(shown(of, language).text)


def in_order(text: str, *parts: str) -> None:
    places = [text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_the_closing_brief_goes_from_the_market_to_what_became_of_predictions() -> None:
    in_order(
        said(whole(Slot.CLOSE)),
        "🔔 마감 브리핑 · 2월 20일 (금)",
        "다음 거래일 2월 23일 (월)",
        "시장 · 15:30",
        "코스피 2,807.63 🔴▲ +0.37%",
        "관심종목 10 · 종가 15:30",
        "🔴▲ 4 · ⚪ 1 · 🔵▼ 5",
        "🔴▲ Corp1 10,001원 (+5.21%)",
        "⋯ 외 4종목",
        "🔵▼ Corp10 10,010원 (-7.40%)",
        "수급 · 순매수",
        "Corp1 외국인 +1,203억원 · 기관 -80.0억원",
        "오늘 나온 리포트 7 · 확신도",
        "상승 우위 60% 15:50",
        "리포트 예측 3건 중 1건 적중 · 2026-02-19 종가",
        "❌ Corp2 보합 → 하락 (-3.00%)",
        "⭕ Corp1 상승 → 상승 (+2.10%)",
        "📋 새 공시 4 12:00~15:55",
        "📰 새 뉴스 5 12:00~15:50",
        "2026-02-20 16:00 KST · 투자 조언이 아닙니다",
    )


def test_the_morning_brief_names_the_last_close_and_the_day_to_come() -> None:
    in_order(
        said(whole(Slot.MORNING)),
        "🌅 아침 브리핑",
        "오늘 09:00–15:30 거래 · 리포트 10:00, 13:00, 15:45",
        "관심종목 10 · 종가 02-19 15:30",
        "📋 새 공시 4 02-19 16:00~07:55",
    )


def test_at_noon_prices_are_of_now_and_only_reports_to_come_are_named() -> None:
    text = said(whole(Slot.NOON))
    assert "현재가 11:59" in text
    assert "리포트 13:00, 15:45" in text


def test_a_day_that_opens_late_is_told_with_its_own_hours() -> None:
    late = date(2026, 11, 19)
    at_close = known(today(Slot.CLOSE, late), [price(1, 1.0, kst(late, time(15, 59)))])
    text = said(at_close)
    assert "오늘 10:00–16:30 거래" in text
    assert "현재가 15:59" in text
    assert "종가 " not in text


def test_what_is_missing_is_said_to_be_missing() -> None:
    of = known(today(filings_at=None, news_at=None), [price(1, 1.0)], indices=())
    text = said(replace(of, names={**of.names, "000009": "Corp9"}))
    for part in (
        "지수를 아직 모으지 않았습니다.",
        "시세 없음 1종목",
        "아직 집계 전입니다.",
        "📋 새 공시 ⚠️ 아직 읽지 못했습니다.",
        "📰 새 뉴스 ⚠️ 아직 읽지 못했습니다.",
    ):
        assert part in text
    assert "없음 12:00" not in text


def test_that_there_is_no_news_is_said_only_as_far_as_was_read() -> None:
    assert "📋 새 공시 없음 12:00~15:55" in said(known(today(), [price(1, 1.0)]))
    dead = today(filings_at=kst(FRIDAY, time(11)))
    assert "📋 새 공시 ⚠️ 11:00까지만 읽었습니다." in said(known(dead, [price(1, 1.0)]))


def test_prices_of_yesterday_at_noon_are_not_called_today_s() -> None:
    of = known(today(Slot.NOON), [price(1, 1.0, CALENDAR.closes(date(2026, 2, 19)))])
    text = said(of)
    assert "종가 02-19 15:30" in text
    assert "오늘 시세를 아직 받지 못했습니다." in text


def test_a_closed_day_is_called_so_and_has_no_prices() -> None:
    seen = kst(SATURDAY, time(7))
    of = known(today(Slot.MORNING, SATURDAY), [price(1, 1.0)], filings={"000001": [filed(1, seen_at=seen)]})
    text = said(of)
    in_order(text, "💤 휴장 · 다음 거래일 2월 23일 (월)", "📋 새 공시 1")
    assert "관심종목" not in text
    assert "시장" not in text


def test_estimates_are_called_estimates_and_are_in_shares() -> None:
    at = kst(FRIDAY, time(14, 30))
    flow = Flow(name="Corp1", foreigners=120_000, institutions=-3_000, worth=1, estimated_at=at)
    text = said(known(today(), [price(1, 1.0)], flows={"000001": flow}))
    in_order(text, "수급 · 추정 14:30", "Corp1 외국인 +120,000주 · 기관 -3,000주")


def test_a_filing_is_called_by_its_kind_in_the_reader_s_language() -> None:
    filings = {"000001": [filed(1, kind="contract_ended")]}
    of = known(today(), [price(1, 1.0)], filings=filings)
    assert "❗ Corp1 계약 해지 02-20" in said(of)
    assert "Corp1 Contract ended" in said(of, Language.EN)


def test_the_company_is_not_named_twice_beside_a_title_that_names_it() -> None:
    stories = {"000001": [story(1, title="Corp1 soars"), story(2, title="A rival soars")]}
    text = said(known(today(), [price(1, 1.0)], stories=stories))
    assert "· Corp1 soars 한국경제 14:50" in text
    assert "· Corp1 A rival soars" in text


def test_its_buttons_open_what_moved_most_and_the_settings() -> None:
    first, second = shown(whole(Slot.CLOSE)).keyboard
    assert [button.text for button in first] == ["📊 Corp10", "📊 Corp1"]
    assert second[0].data.endswith(":g")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("slot", "most"), [(Slot.MORNING, 32), (Slot.NOON, 32), (Slot.CLOSE, 46)])
def test_a_full_brief_fits_a_phone(language: Language, slot: Slot, most: int) -> None:
    """Lines of a phone hold some 24 Hangul or 44 Latin characters; the close has twice as much to tell."""
    lines = said(whole(slot), language).split("\n")
    assert sum(max(1, -(-sum(2 if ord(mark) > 0x1100 else 1 for mark in line) // 46)) for line in lines) <= most


def test_a_letter_is_told_from_its_facts_alone_and_a_second_telling_says_so() -> None:
    of = whole(Slot.CLOSE)
    reader = Reader(user_id=7, mode=Mode.ON, codes=tuple(of.names), chosen=ALL)
    ((written),) = letters(of, [reader])
    assert written.alert.key == "brief:2026-02-20:close:7"
    kept = Alert(kind=AlertKind.BRIEF, key="k", facts=dict(written.alert.facts))
    letter = Letter(id=1, alert=kept, to=Destination(HookName.TELEGRAM, 7), at=of.today.at, attempts=1, repeated=False)
    assert (
        briefs.brief(letter, of.today.at, texts(Language.KO)).text
        == briefs.shown(composed(of), of.today.at, texts(Language.KO)).text
    )
    again = briefs.brief(replace(letter, repeated=True), of.today.at, texts(Language.KO))
    assert "🔁 다시 보내는 알림입니다." in plain(again.text)
