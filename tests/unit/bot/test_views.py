"""What views make is what Telegram takes and a person likes to read, whatever names and headlines hold."""

from __future__ import annotations

import re

import pytest

from bot.reply import markup, plain
from bot.views.split import MAX_CAPTION, MAX_TEXT, split, visible_length
from core.chats.member import Language
from sim.telegram.html import parse_html
from tests.unit.bot.builders import make_article, make_evidence, make_report
from tests.unit.bot.messages import EVIL, MESSAGES

TRICKS = re.compile("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]")
HANGUL = re.compile(r"[가-힣]")
every_message = pytest.mark.parametrize("name", sorted(MESSAGES))


@every_message
def test_telegram_takes_every_part(name: str) -> None:
    for part in split(MESSAGES[name].text):
        _, entities = parse_html(part)
        assert len(entities) <= 100
        assert visible_length(part) <= MAX_TEXT


@every_message
def test_lines_are_clean(name: str) -> None:
    text = plain(MESSAGES[name].text)
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)
    assert "None" not in text
    assert "nan" not in text.split()


@every_message
def test_no_control_character_turns_the_writing(name: str) -> None:
    message = MESSAGES[name]
    assert not TRICKS.search(message.text)
    keyboard = markup(message.keyboard)
    for button in (button for row in keyboard.inline_keyboard for button in row) if keyboard else ():
        assert not TRICKS.search(button.text)
        assert button.text


@every_message
def test_text_from_outside_is_shown_as_it_is_and_not_obeyed(name: str) -> None:
    html = MESSAGES[name].document if MESSAGES[name].filename.endswith(".html") else None
    page = (html or MESSAGES[name].text.encode()).decode()
    assert "A&B<b>" not in page
    assert "B<b></i>" not in page


@pytest.mark.parametrize(
    "name", sorted(name for name in MESSAGES if not name.endswith(("health json", "log reference")))
)
def test_no_line_breaks_off(name: str) -> None:
    assert not re.search(r"[·:(,]\s*$", plain(MESSAGES[name].text), re.MULTILINE)


def usual() -> list[str]:
    return [name for name in MESSAGES if name.startswith("en") and "evil" not in name and "json" not in name]


@pytest.mark.parametrize("name", usual())
def test_an_english_reader_meets_korean_only_in_names_quotations_and_figures(name: str) -> None:
    text = plain(MESSAGES[name].text).replace(EVIL, "")
    quoted = [sentence.text for sentence in make_report().reasons + make_report().risks]
    quoted += [make_report().counter_case.text, make_report().change_of_view.text, "최근 5거래일 동안 내렸습니다."]
    quoted += [make_evidence(n).title for n in range(30)] + [
        make_article().summary,
        "20일 이동평균과의 차이가 +3.21%로",
    ]
    quoted += ["추세가 살아 있습니다.", "한국경제", "연합뉴스", "매일경제", "삼성전자", "SK하이닉스", "카카오", "삼전"]
    for each in sorted(quoted, key=len, reverse=True):
        text = text.replace(each, "")
    text = re.sub(r"[\d,.]+\s?(?:조|억|만|원|주|배|건|[조억만]원)+", "", text)
    assert HANGUL.findall(text) == []


@pytest.mark.parametrize("language", Language)
def test_a_report_fits_a_phone_and_under_its_picture(language: Language) -> None:
    """Lines of a phone hold some 24 Hangul or 44 Latin characters, and a screen some thirty of them."""
    shown = plain(MESSAGES[f"{language} report full"].text)
    lines = [max(1, -(-sum(2 if ord(mark) > 0x1100 else 1 for mark in line) // 46)) for line in shown.split("\n")]
    assert sum(lines) <= 34
    assert len(lines) <= 26
    assert visible_length(MESSAGES[f"{language} report full"].text) <= MAX_CAPTION


@pytest.mark.parametrize("language", Language)
def test_a_quote_card_fits_under_its_picture(language: Language) -> None:
    for name in ("full", "evil", "bare"):
        assert visible_length(MESSAGES[f"{language} quote {name}"].text) <= MAX_CAPTION


def test_a_long_watchlist_keeps_its_formatting_by_coming_in_parts() -> None:
    assert len(split(MESSAGES["ko long watchlist"].text)) > 1


def test_a_report_says_all_that_it_must() -> None:
    text = plain(MESSAGES["ko report full"].text)
    in_order = [
        "삼성전자 005930 KOSPI",
        "상승 우위 · 확신도 56% · gpt-6-luna",
        "원 🔵▼ -0.11% 일봉 2026-02-20 15:30",
        "목표가 단기 74,500원 · 장기 79,000원",
        "지지 ",
        "이유",
        "3. ",
        "반대 시나리오 RSI(14)가",
        "판단이 바뀔 조건 종가가",
        "지난 리포트 이후 중립 → 상승 우위 · 주가 +1.23% · 새 기사 4건 (2026-02-20 12:30)",
        "이 종목: 12건, 12일 · 아직 판단하기에 적습니다",
        "전체: 2,700건, 61일 · 적중 52% (95% 구간 47%–57%)",
        "빠진 데이터: PER, PBR, 투자자별 매매 동향",
        "데이터 기준 2026-02-20 15:30 KST · 3일 전 · 투자 조언이 아닙니다",
    ]
    places = [text.find(each) for each in in_order]
    assert -1 not in places, in_order[places.index(-1)]
    assert places == sorted(places)


def test_the_evidence_holds_every_fact_every_article_and_the_risks() -> None:
    text = plain(MESSAGES["ko evidence full"].text)
    for each in ("RSI(14): 42.6", "비슷했던 과거", "위험"):
        assert each in text
