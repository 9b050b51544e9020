"""What a reader of news sees: how fresh it is, what was cut, what followed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.texts import texts
from bot.views import news as views
from bot.views.message import Message
from core.chats.member import Language
from tests.sheets import SAMSUNG
from tests.unit.bot.builders import NOW, make_article

KO = texts(Language.KO)


def listing(reading: views.Reading, *, page: int = 1, count: int = 0, **changes: object) -> Message:
    articles = [make_article(number, **changes) for number in range(1, count + 1)]
    return views.listing(articles, None, page, False, reading, NOW, KO)


def read(ago: timedelta) -> views.Reading:
    return views.Reading(configured=True, at=NOW - ago)


def test_a_list_says_when_news_was_read_last_and_warns_when_that_is_long_ago() -> None:
    fresh, old = listing(read(timedelta(minutes=3)), count=2).text, listing(read(timedelta(hours=5)), count=2).text
    assert "마지막 수집 3분 전" in fresh
    assert "⚠️" not in fresh
    assert "⚠️ 새 기사를 모으지 못하고 있습니다. <i>마지막 수집 5시간 전" in old


@pytest.mark.parametrize(
    ("reading", "page", "said"),
    [
        (views.Reading(configured=False, at=None), 1, "켜져 있는 뉴스 수집원이 없습니다."),
        (views.Reading(configured=True, at=None), 1, "아직 모은 기사가 없습니다."),
        (read(timedelta()), 9, "더 이상 기사가 없습니다."),
    ],
)
def test_an_empty_list_says_why(reading: views.Reading, page: int, said: str) -> None:
    assert said in listing(reading, page=page).text


def test_a_page_beyond_the_end_leads_to_the_first() -> None:
    ((first,),) = listing(read(timedelta()), page=99).keyboard
    assert (first.text, first.data) == ("◀ 처음으로", "1:n:-:1")
    *_, (before,) = listing(read(timedelta()), page=3, count=2).keyboard
    assert before.text == "◀ 이전"


def test_the_news_of_a_stock_leads_back_to_all_news() -> None:
    *_, (others,) = views.listing([make_article()], SAMSUNG, 1, False, read(timedelta()), NOW, KO).keyboard
    assert (others.text, others.data) == ("📰 전체 뉴스", "1:n:-:1")
    assert len(listing(read(timedelta()), count=1).keyboard) == 1


def test_an_article_that_was_taken_down_is_marked_in_the_list() -> None:
    assert "원문이 내려간 기사" in listing(read(timedelta()), count=1, gone=True).text


def test_an_article_that_was_edited_says_so() -> None:
    text = views.article(make_article(edited_at=NOW - timedelta(hours=1)), [], [], NOW, KO).text
    assert "에 고쳐진 기사" in text


@pytest.mark.parametrize(("summary", "shown"), [("회사의 수", "회사의 수…"), ("계약이다.", "계약이다."), ("", "")])
def test_a_summary_that_its_list_has_cut_ends_with_dots(summary: str, shown: str) -> None:
    text = views.article(make_article(summary=summary), [], [], NOW, KO).text
    assert f"\n\n{shown}\n\n" in text if shown else "…" not in text.partition("\n")[2]


def test_an_article_tells_what_the_price_did_after_it_and_that_nothing_like_it_is_known() -> None:
    moves = {SAMSUNG.code: (-2.15, NOW.date())}
    text = views.article(make_article(), [SAMSUNG], [], NOW, KO, (), moves).text
    assert f"삼성전자(005930) → 🔵▼ -2.15% ({NOW.date()})" in text
    assert "비슷한 지난 기사는 아직 없습니다." in text
