"""Personal alerts say in both languages what happened and when, and lead to the source and to being left alone."""

from __future__ import annotations

import re

import pytest

from bot.reply import plain
from bot.texts import texts
from bot.views.personal import TOLD, personal
from core.chats.member import Language
from core.delivery.alert import PERSONAL, AlertKind
from tests.unit.bot.alert_messages import FACTS, letter_of
from tests.unit.bot.builders import NOW

KO, EN = texts(Language.KO), texts(Language.EN)
HANGUL = re.compile("[가-힣]")


def shown(kind: AlertKind, **changed: str | int | float | None) -> str:
    return plain(personal(letter_of(kind, {**FACTS[kind], **changed}), NOW, KO).text)


def buttons(kind: AlertKind) -> dict[str, str]:
    keyboard = personal(letter_of(kind), NOW, KO).keyboard
    return {button.text: button.data or button.url for row in keyboard for button in row}


def test_every_kind_but_briefs_is_told_here() -> None:
    assert set(TOLD) == set(FACTS) == PERSONAL - {AlertKind.BRIEF}


@pytest.mark.parametrize("kind", list(TOLD))
def test_english_readers_find_no_korean_but_names_and_titles(kind: AlertKind) -> None:
    facts = {name: "X" if isinstance(fact, str) and HANGUL.search(fact) else fact for name, fact in FACTS[kind].items()}
    message = personal(letter_of(kind, facts), NOW, EN)
    words = plain(message.text) + "".join(button.text for row in message.keyboard for button in row)
    assert not HANGUL.search(re.sub(r"[조억만]?\s?[0-9,.]*[조억만]?원", "", words))


@pytest.mark.parametrize("kind", list(TOLD))
def test_every_alert_can_be_turned_off_where_it_stands(kind: AlertKind) -> None:
    last = list(buttons(kind).values())[-1]
    assert last == ("1:ap" if kind is AlertKind.CONDITION_MET else f"1:ao:{TOLD[kind].topic}")


def test_a_price_is_told_with_its_direction() -> None:
    assert shown(AlertKind.PRICE_MOVED).splitlines() == [
        "🔴▲ 삼성전자 +5.12%",
        "현재가 105,100원 · 전일 대비 +5,100원",
        "10:00 KST",
    ]
    assert shown(AlertKind.PRICE_MOVED, step=-3, change_percent=-3.4).startswith("🔵▼ 삼성전자 -3.40%")


def test_a_filing_leads_to_the_official_page_and_a_correction_to_its_original() -> None:
    told = shown(AlertKind.FILING)
    assert told.startswith("❗ 삼성전자 정정 공시가 나왔습니다\n[기재정정]단일판매ㆍ공급계약체결\n")
    assert "↩️ 2026-02-03에 낸 공시를 고친 것: 단일판매ㆍ공급계약체결" in told
    assert told.endswith("09:58 KST")
    assert buttons(AlertKind.FILING)["🔗 DART 원문 보기"].startswith("https://dart.fss.or.kr/")
    assert "새 공시가 나왔습니다" in shown(AlertKind.FILING, correction=0, original=None)
    assert shown(AlertKind.FILING, filed_at=None).endswith("\n2026-02-20"), "no minute is made up"


def test_a_report_says_what_changed() -> None:
    assert "이전에는 중립" in shown(AlertKind.REPORT_MADE)
    assert "이전에는" not in shown(AlertKind.REPORT_MADE, before="up")
    assert "이전에는" not in shown(AlertKind.REPORT_MADE, before=None)


def test_a_story_links_to_its_press_and_counts_the_others() -> None:
    message = personal(letter_of(AlertKind.STORY), NOW, KO)
    assert '<a href="https://press.example/?a=1&amp;b=2">삼성전자, 새 공장을 짓는다</a>' in message.text
    assert "3건 더 있습니다: /news 005930" in message.text
    assert "09:50 KST" in message.text
    assert "더 있습니다" not in shown(AlertKind.STORY, more=0)
