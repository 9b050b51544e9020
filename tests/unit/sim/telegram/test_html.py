"""The strict reading of parse_mode=HTML."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.telegram.html import TAG_TYPES, HtmlRefused, parse_html, utf16_length


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<x>a</x>", 'Unsupported start tag "x" at byte offset 0'),
        ("삼<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<p>a</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href='x", "Unclosed start tag at byte offset 0"),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<span class="red">a</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href=http://x>a</a>", "Unexpected end of name token at byte offset 8"),
        ('<a ="x">a</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
    ],
)
def test_markup_is_refused_in_the_servers_words(source: str, reason: str) -> None:
    with pytest.raises(HtmlRefused, match=re.escape(reason)):
        parse_html(source)


@pytest.mark.parametrize(
    ("source", "text", "kind", "extra"),
    [
        ("<strong>가</strong>", "가", "bold", {}),
        ("<EM>가</em>", "가", "italic", {}),
        ("<ins>가</ins>", "가", "underline", {}),
        ("<strike>가</strike>", "가", "strikethrough", {}),
        ("<tg-spoiler>가</tg-spoiler>", "가", "spoiler", {}),
        ('<span class="tg-spoiler">가</span>', "가", "spoiler", {}),
        ("<blockquote>가</blockquote>", "가", "blockquote", {}),
        ("<blockquote expandable>가</blockquote>", "가", "expandable_blockquote", {}),
        ("<pre>a\nb</pre>", "a\nb", "pre", {}),
        ('<pre><code class="language-py">x</code></pre>', "x", "pre", {"language": "py"}),
        ('<tg-emoji emoji-id="5">👍</tg-emoji>', "👍", "custom_emoji", {"custom_emoji_id": "5"}),
        ('<a href="https://x.kr/?a=1&amp;b=2">가</a>', "가", "text_link", {"url": "https://x.kr/?a=1&b=2"}),
        ('<a href="x.kr/a">가</a>', "가", "text_link", {"url": "http://x.kr/a"}),
    ],
)
def test_every_allowed_tag_becomes_its_entity(source: str, text: str, kind: str, extra: dict[str, str]) -> None:
    assert parse_html(source) == (text, [{"type": kind, "offset": 0, "length": utf16_length(text)} | extra])


def test_offsets_count_utf16_units_and_outer_entities_come_first() -> None:
    text, entities = parse_html("🔴▲ <b>삼성<i>전자</i></b>")
    assert text == "🔴▲ 삼성전자"
    assert [(e["type"], e["offset"], e["length"]) for e in entities] == [("bold", 4, 4), ("italic", 6, 2)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&lt;&gt;&amp;&quot;&#39;&#x1F534;", "<>&\"'🔴"),
        ("S&P 500 &nbsp; &lt", "S&P 500 &nbsp; <"),
        ("&#0;&#xD800;&#99999999999;", "&#0;&#xD800;&#99999999999;"),
    ],
)
def test_only_known_references_are_decoded(source: str, text: str) -> None:
    assert parse_html(source) == (text, [])


def test_a_link_to_a_bad_address_is_dropped_silently() -> None:
    assert parse_html('<a href="javascript:alert(1)">가</a>') == ("가", [])


_PIECES = st.sampled_from(
    ["<", ">", "/", "&", ";", '"', "'", "=", " ", "<b>", "</b>", "<a href=", "<span class=", "&#", "&lt;", "🔴", "삼"]
    + [f"<{tag}>" for tag in TAG_TYPES]
)


@given(st.lists(_PIECES | st.text(max_size=4), max_size=30).map("".join))
@example("<a href")
@example("<b =")
@example("<code class='")
def test_any_text_is_parsed_or_refused_and_entities_lie_inside_it(source: str) -> None:
    try:
        text, entities = parse_html(source)
    except HtmlRefused:
        return
    size = utf16_length(text)
    assert all(e["offset"] >= 0 and e["length"] > 0 and e["offset"] + e["length"] <= size for e in entities)
    assert all(a["offset"] <= b["offset"] for a, b in pairwise(entities))


@given(st.lists(st.tuples(st.sampled_from(["b", "i", "u", "s", "code", ""]), st.text(min_size=1)), max_size=8))
def test_escaped_text_comes_out_as_written_with_its_length(pieces: list[tuple[str, str]]) -> None:
    source = "".join(f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text) for tag, text in pieces)
    text, entities = parse_html(source)
    assert text == "".join(piece for _, piece in pieces)
    assert [e["length"] for e in entities] == [utf16_length(piece) for tag, piece in pieces if tag]
