"""What is found in text, and how it is shown in the page and the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.telegram.errors import ApiError
from sim.telegram.html import HtmlRefused, parse_html
from sim.telegram.text import compose, cut_at, to_html, with_plain_entities


def found(text: str) -> list[tuple[str, str]]:
    """Type and covered text of the entities found in `text`."""
    entities = with_plain_entities(text, [])
    ends = [(e["type"], e["offset"], e["offset"] + e["length"]) for e in entities]
    return [(kind, text[cut_at(text, begin) : cut_at(text, end)]) for kind, begin, end in ends]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("/report 삼성전자", [("bot_command", "/report")]),
        ("🔴 /start@a_bot", [("bot_command", "/start@a_bot")]),
        ("1/2 그리고 a/b /보고", []),
        ("@some_bot 삼성", [("mention", "@some_bot")]),
        ("a@b.com @abc", []),
        ("https://n.news.naver.com/a?b=1. 끝", [("url", "https://n.news.naver.com/a?b=1")]),
        ("dart.fss.or.kr 참고", [("url", "dart.fss.or.kr")]),
        ("3.5% 1.2조 #반도체 #123 $AAPL", [("hashtag", "#반도체"), ("cashtag", "$AAPL")]),
    ],
)
def test_commands_links_and_tags_are_found_in_plain_text(text: str, entities: list[tuple[str, str]]) -> None:
    assert found(text) == entities


def test_nothing_is_found_inside_code_or_links() -> None:
    text, entities = compose("<code>/a #b</code> /c", "HTML", None)
    assert text == "/a #b /c"
    assert [e["type"] for e in entities] == ["code", "bot_command"]


def test_ends_are_trimmed_and_entities_moved() -> None:
    assert compose("\n <b> 가 </b>\n", "html", None) == ("가", [{"type": "bold", "offset": 0, "length": 1}])


def test_entities_after_the_hundredth_are_ignored() -> None:
    _, entities = compose("<b>a</b> " * 101, "HTML", None)
    assert len(entities) == 100


def test_another_parse_mode_is_refused() -> None:
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        compose("a", "MarkdownV2", None)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("&lt;script&gt; &amp; <b>가<i>나</i></b>다", "&lt;script&gt; &amp; <b>가<i>나</i></b>다"),
        ("<pre>a</pre>\nb", "<pre>a</pre>b"),
        (
            '<a href="https://x.kr/&quot;onclick=1">가</a>',
            '<a href="https://x.kr/&quot;onclick=1" target="_blank" rel="noopener noreferrer">가</a>',
        ),
        ('<a href="tg://resolve?domain=x">가</a>', "가"),
    ],
)
def test_the_page_gets_escaped_text_and_known_tags(source: str, html: str) -> None:
    assert to_html(*parse_html(source)) == html


def test_crossing_entities_are_nested() -> None:
    bold, italic = {"type": "bold", "offset": 0, "length": 2}, {"type": "italic", "offset": 1, "length": 2}
    assert to_html("abc", [bold, italic]) == "<b>a<i>b</i></b><i>c</i>"


@given(st.text(alphabet="<>&/\"' ab🔴삼\n", max_size=40), st.sampled_from(["b", "i", "u", "code", "tg-spoiler"]))
def test_the_page_never_gets_markup_from_text(text: str, tag: str) -> None:
    try:
        visible, entities = parse_html(f"<{tag}>{text}</{tag}>{text}")
    except HtmlRefused:
        return
    html = to_html(visible, entities)
    bare = re.sub(r'</?(?:b|i|u|s|code|span|pre|blockquote)(?: class="\w+")?>', "", html)
    assert "<" not in bare
    assert ">" not in bare
