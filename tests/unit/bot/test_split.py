"""Long messages come in parts that Telegram accepts and that lose nothing."""

from __future__ import annotations

import re
from html import escape, unescape

from hypothesis import given
from hypothesis import strategies as st

from bot.views.split import MAX_TEXT, split, visible_length

words = st.text(alphabet="가나다 abc<&>\n😀1.", min_size=0, max_size=40)
blocks = st.lists(
    st.one_of(
        words.map(escape),
        words.map(lambda text: f"<b>{escape(text)}</b>"),
        words.map(lambda text: f'<a href="https://example.com/?a=1&amp;b=2">{escape(text)}</a>'),
        words.map(lambda text: f"<blockquote expandable>{escape(text)}<i>속</i></blockquote>"),
    ),
    max_size=60,
).map("\n\n".join)


def plain(html: str) -> str:
    return re.sub(r"\s+", "", unescape(re.sub(r"<[^>]*>", "", html)))


def assert_balanced(html: str) -> None:
    opened: list[str] = []
    for closing, name in re.findall(r"<(/?)([a-z]+)[^>]*>", html):
        if closing:
            assert opened.pop() == name
        else:
            opened.append(name)
    assert not opened


@given(blocks, st.integers(min_value=40, max_value=400))
def test_parts_fit_are_balanced_and_together_say_everything(html: str, limit: int) -> None:
    parts = split(html, limit=limit)
    assert all(visible_length(part) <= limit for part in parts)
    for part in parts:
        assert_balanced(part)
    assert "".join(map(plain, parts)) == plain(html)


def test_a_short_text_stays_whole() -> None:
    assert split("<b>삼성전자</b>\n190,100원") == ["<b>삼성전자</b>\n190,100원"]


def test_an_empty_text_is_no_message() -> None:
    assert split(" \n ") == []


def test_the_break_is_at_a_blank_line_where_there_is_one() -> None:
    first, second = "가" * 3000, "나" * 3000
    assert split(f"{first}\n\n{second}") == [first, second]


def test_an_open_tag_is_closed_and_opened_again() -> None:
    parts = split("<b>" + "가 " * 3000 + "</b>")
    assert len(parts) == 2
    assert all(part.startswith("<b>") and part.endswith("</b>") for part in parts)


def test_a_word_longer_than_a_message_is_cut() -> None:
    assert [len(part) for part in split("가" * (MAX_TEXT + 10))] == [MAX_TEXT, 10]
