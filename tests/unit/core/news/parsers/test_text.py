from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.news.parsers.text import instant, kst_time, plain

AT = datetime(2026, 10, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<b>삼성전자</b> &quot;최고&quot;", '삼성전자 "최고"'),
        ("&amp;#51648;금", "지금"),
        ("&amp;amp;lt;", "&lt;"),
        ("a\u200b\u202eb\x00c\ufeff\x1b[31m", "abc[31m"),
        ("  두\t줄\n제목  ", "두 줄 제목"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_text_comes_out_as_a_reader_sees_it(raw: str, expected: str) -> None:
    assert plain(raw, 100) == expected


@given(st.text(), st.integers(1, 50))
def test_text_is_one_visible_line_within_its_length(raw: str, longest: int) -> None:
    text = plain(raw, longest)
    assert len(text) <= longest
    assert text == " ".join(text.split())
    assert not set(text) & set("\x00\n\r\u200b\u202e\u2066\ufeff")


def test_a_megabyte_is_cut_without_being_read_through() -> None:
    started = time.perf_counter()
    assert plain("가&amp;" * 1_000_000, 300).endswith("…")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "raw",
    [
        "20261009063000",
        "202610090630",
        "2026-10-09 06:30:00",
        "2026.10.09 06:30",
        "2026-10-09T06:30:00",
        " 202610090630 ",
    ],
)
def test_a_time_of_seoul_becomes_utc(raw: str) -> None:
    assert kst_time(raw, at=AT) == datetime(2026, 10, 8, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", ["", "어제", "2026-13-09 06:30:00", "20261009", "20261009063", "２０２６１００９０６３０", "19991009063000"]
)
def test_what_is_no_time_is_malformed(raw: str) -> None:
    with pytest.raises(Malformed, match="not a time"):
        kst_time(raw, at=AT)


def test_a_clock_ten_minutes_ahead_is_believed_and_no_more() -> None:
    at = datetime(2026, 10, 8, 21, 20, tzinfo=UTC)
    kst_time("202610090630", at=at)
    with pytest.raises(Malformed, match="in the future"):
        kst_time("202610090630", at=at - timedelta(seconds=1))


@given(st.text(alphabet="0123456789-.: T", max_size=20))
def test_any_text_of_digits_is_a_time_or_malformed(raw: str) -> None:
    with suppress(Malformed):
        assert kst_time(raw, at=AT).tzinfo is not None


@pytest.mark.parametrize(
    "written",
    [
        "Tue, 19 May 2026 09:40:46 +09:00",
        "Tue, 19 May 2026 09:40:46 +0900",
        "Tue, 19 May 2026 09:40:46",
        "Tue, 19 May 2026 00:40:46 GMT",
        "Tue, 19 May 2026 00:40:46 -0000",
        "2026-05-19T09:40:46+09:00",
        "2026-05-19T00:40:46Z",
        "2026-05-19T09:40:46",
        "2026-05-19 09:40:46",
        "20260519094046",
    ],
)
def test_every_way_to_write_a_time_is_one_instant_and_without_an_offset_it_is_seouls(written: str) -> None:
    assert instant(written, at=datetime(2026, 5, 20, tzinfo=UTC)) == datetime(2026, 5, 19, 0, 40, 46, tzinfo=UTC)


@given(st.text())
def test_any_text_is_an_instant_or_malformed(written: str) -> None:
    with suppress(Malformed):
        assert instant(written, at=datetime(2026, 5, 20, tzinfo=UTC)).tzinfo is UTC


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-12:00", "Tue, 99 Foo 2026"])
def test_a_time_that_cannot_be_is_malformed(written: str) -> None:
    with pytest.raises(Malformed):
        instant(written, at=datetime(2026, 5, 20, tzinfo=UTC))
