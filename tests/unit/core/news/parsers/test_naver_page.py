from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.news.parsers.naver_page import parse_page

AT = datetime(2026, 10, 9, 14, tzinfo=UTC)

PAGE = """<!doctype html><html lang="ko"><head><meta charset="utf-8">
<meta property="og:title" content="다른 제목">
<meta property="og:article:author" content="가나일보 | 네이버"></head><body>
<h2 id="title_area" class="media_end_head_headline"><span>가나전자, &quot;상한가&quot;</span></h2>
<span class="media_end_head_info_datestamp_time _ARTICLE_DATE_TIME" data-date-time="2026-10-09 22:12:14">오후</span>
<span class="_ARTICLE_MODIFY_DATE_TIME" data-modify-date-time="2026-10-09 22:30:00">오후</span>
<a class="media_end_head_origin_link" href="https://www.gana.example/a?idxno=1&amp;copy=2">기사원문</a>
<article id="dic_area" class="_article_content"><strong class="media_end_summary">요약이다</strong>
<span class="end_photo_org"><img src="x"><em class="img_desc">사진 설명</em></span>
첫
문단이다.<br><br>둘째 &lt;문단&gt;이다.<script>track()</script><style>p{}</style>
<div class="ab_sub_heading">소제목</div>
<div class="ad_area">광고</div><p>셋째 문단.</p></article>
<div class="copyright">무단 전재 금지</div></body></html>"""


def test_the_page_gives_its_text_without_what_is_not_the_text() -> None:
    page = parse_page(PAGE.encode(), at=AT)
    assert page.body == "첫 문단이다.\n둘째 <문단>이다.\n셋째 문단."
    assert (page.title, page.press) == ('가나전자, "상한가"', "가나일보")
    assert page.published_at == datetime(2026, 10, 9, 13, 12, 14, tzinfo=UTC)
    assert page.edited_at == datetime(2026, 10, 9, 13, 30, tzinfo=UTC)
    assert page.original_url == "https://www.gana.example/a?idxno=1&copy=2"


@pytest.mark.parametrize("place", ["newsct_article", "articeBody", "articleBodyContents"])
def test_older_pages_keep_the_text_elsewhere(place: str) -> None:
    body = f'<meta property="og:title" content="제목"><div id="{place}">본문</div>'
    page = parse_page(body.encode(), at=AT)
    assert (page.title, page.body, page.published_at, page.original_url) == ("제목", "본문", None, None)


def test_a_time_that_cannot_be_is_left_out() -> None:
    page = parse_page(PAGE.replace("22:12:14", "23:59:00").replace("22:30:00", "99:99:99").encode(), at=AT)
    assert (page.published_at, page.edited_at) == (None, None)


def test_an_original_that_is_no_web_address_is_left_out() -> None:
    page = parse_page(PAGE.replace("https://www.gana.example/a", "javascript:alert(1)//").encode(), at=AT)
    assert page.original_url is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain text",
        b'{"a": "<b>"}',
        b"<html><body><p>nothing here</p></body></html>",
        b'<article id="dic_area"><script>only()</script></article>',
        b'<?xml version="1.0"?><rss><item/></rss>',
        b"\x00<\xff",
    ],
)
def test_a_page_without_the_text_of_an_article_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_page(body, at=AT)


def test_a_huge_text_is_cut() -> None:
    page = parse_page(PAGE.replace("셋째", "가" * 600_000).encode(), at=AT)
    assert len(page.body) <= 20_000


@pytest.mark.parametrize("tag", ["<div>", "<a><b>", "<br>x", '<p class="ad_area">', "<"])
def test_a_page_of_nothing_but_tags_takes_no_longer_than_a_page(tag: str) -> None:
    started = time.perf_counter()
    _reads_or_is_malformed(b'<div id="dic_area">' + tag.encode() * 4_000)
    _reads_or_is_malformed(b'<div id="dic_area">' + (tag * 2_000_000).encode()[:2_000_000])
    assert time.perf_counter() - started < 5


@given(st.binary())
def test_arbitrary_bytes_raise_nothing_but_malformed(body: bytes) -> None:
    _reads_or_is_malformed(body)
    _reads_or_is_malformed(b'<div id="dic_area">' + body)


@given(place=st.integers(0), junk=st.binary(min_size=1, max_size=6), cut=st.booleans())
def test_a_damaged_page_raises_nothing_but_malformed(place: int, junk: bytes, cut: bool) -> None:
    whole = PAGE.encode()
    place %= len(whole)
    _reads_or_is_malformed(whole[:place] + (b"" if cut else junk + whole[place + len(junk) :]))


@given(
    st.lists(
        st.sampled_from(
            ["<!", "<?xml ", "<![CDATA[", "-->", "<p id=dic_area>", "<br>", "&#0;", "&#xD800;", "가", "<", ">"]
        )
    )
)
def test_broken_markup_raises_nothing_but_malformed(pieces: list[str]) -> None:
    _reads_or_is_malformed("".join(pieces).encode())


def _reads_or_is_malformed(body: bytes) -> None:
    try:
        page = parse_page(body, at=AT)
    except Malformed:
        return
    assert page.body
    assert "\x00" not in page.body + page.title + page.press
    (page.body + page.title + page.press).encode()
