"""Every parser of DART on golden and real replies, on damaged ones, and on arbitrary bytes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst_date
from core.disclosures.filing import Division, Filing, Listed
from core.disclosures.parsers import archive, day_list, feed, replies
from core.errors import Malformed
from tests.damage import damaged
from tests.samples import sample
from tests.unit.core.disclosures.wire import AT, CORPS, DAY, DOCUMENT, FEED, ROW, listing, zipped


def read_list(body: bytes) -> Listed:
    return replies.parse_list(replies.parse_reply(body), at=AT)


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "list": (read_list, listing(ROW)),
    "company": (lambda body: replies.parse_company(replies.parse_reply(body), at=AT), listing(ROW, **ROW)),
    "feed": (lambda body: feed.parse_feed(body, at=AT), FEED.encode()),
    "day": (lambda body: day_list.parse_day(body, at=AT), DAY.encode()),
    "corps": (lambda body: archive.parse_corps(body, at=AT), zipped(CORPS.encode(), "CORPCODE.xml")),
    "document": (archive.parse_document, zipped(DOCUMENT.encode())),
    "refusal": (archive.parse_refusal, b"<result><status>020</status><message>x</message></result>"),
}


def test_every_parser_has_a_version() -> None:
    assert min(each.VERSION for each in (archive, day_list, feed, replies)) >= 1


def test_a_row_of_the_list_is_read() -> None:
    (filing,) = read_list(listing(ROW)).filings
    assert (filing.receipt, filing.company, filing.code) == ("20261120800110", "삼성전자", "005930")
    assert filing.name == "[기재정정]주주총회소집결의  (임시주주총회)"
    assert (filing.filed_on, filing.filed_at) == (date(2026, 11, 20), None)
    assert (filing.division, filing.remarks, filing.corp_code) == (Division.KOSPI, "유정", "00126380")


@pytest.mark.parametrize("code", ["", " ", None])
def test_a_company_that_is_not_listed_has_no_code(code: str | None) -> None:
    assert read_list(listing(ROW | {"stock_code": code})).filings[0].code is None


def test_no_data_is_an_empty_page_and_no_error() -> None:
    assert read_list('{"status":"013","message":"조회된 데이타가 없습니다."}'.encode()) == Listed(filings=())


@pytest.mark.parametrize(
    "change",
    [
        {"rcept_no": "2026112080011"},
        {"rcept_no": None},
        {"rcept_dt": "20261320"},
        {"rcept_dt": "20261123"},
        {"report_nm": " "},
        {"corp_name": 7},
        {"stock_code": "00593"},
        {"corp_code": "٣" * 8},
    ],
)
def test_a_bad_row_is_rejected_and_the_rest_kept(change: dict[str, Any]) -> None:
    found = read_list(listing(ROW | change, ROW))
    assert (len(found.filings), len(found.rejected)) == (1, 1)
    with pytest.raises(Malformed):
        read_list(listing(ROW | change))


def test_control_characters_and_length_of_a_name_are_capped() -> None:
    (filing,) = read_list(listing(ROW | {"report_nm": "\u202e사업\x00보고서" + "가" * 1_000})).filings
    assert filing.name.startswith("사업보고서가")
    assert len(filing.name) == 300


def test_the_feed_tells_true_utc_and_names_no_number() -> None:
    found = feed.parse_feed(FEED.encode(), at=AT)
    (filing,) = found.filings
    assert len(found.rejected) == 1
    assert filing.filed_at == datetime(2026, 8, 14, 7, 44, tzinfo=UTC)
    assert (filing.company, filing.name, filing.filer) == ("한빛A&B", "파생상품거래손실발생", "유가증권시장본부")
    assert (filing.filed_on, filing.division, filing.corp_code) == (date(2026, 8, 14), Division.KOSPI, None)


def test_a_feed_without_items_is_an_empty_one_and_one_that_breaks_off_says_so() -> None:
    empty = b'<rss version="2.0"><channel><title>DART</title></channel></rss>'
    assert feed.parse_feed(empty, at=AT).filings == ()
    twice = FEED.replace("</channel></rss>", FEED[FEED.index("<item>") :].replace("802986", "802999"))
    broken = feed.parse_feed(twice[:-80].encode(), at=AT)
    assert len(broken.filings) == 2
    assert "breaks off" in broken.rejected[0].reason


def test_the_list_of_a_day_tells_the_minute_in_seoul() -> None:
    (filing,) = day_list.parse_day(DAY.encode("cp949"), at=AT).filings
    assert filing.filed_at == datetime(2022, 1, 3, 7, 41, tzinfo=UTC)
    assert (filing.company, filing.name) == ("베노 홀딩스", "단일판매ㆍ공급계약체결  (부품)")
    assert (filing.corp_code, filing.division, filing.remarks) == ("01043853", Division.KOSDAQ, "코정")


def test_companies_without_a_stock_are_left_out() -> None:
    (corp,) = archive.parse_corps(zipped(CORPS.encode(), "CORPCODE.xml"), at=AT)
    assert (corp.corp_code, corp.code, corp.modified_on) == ("00126380", "005930", date(2026, 1, 2))


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_document_is_read_whatever_its_prolog_says(encoding: str) -> None:
    text = archive.parse_document(zipped(DOCUMENT.encode(encoding)))
    assert text.splitlines()[:2] == ["반기보고서", "1. 개요"]
    assert "제출인 홍길동" in text
    assert "연구 R&D 및 <주요 계약>" in text
    assert "130111" not in text


@pytest.mark.parametrize(
    "body",
    [
        zipped(b"", "a.xml"),
        zipped(b"<!DOCTYPE r [<!ENTITY a 'b'>]><result>&a;</result>", "a.xml"),
        zipped(DOCUMENT.encode(), "a.txt"),
        zipped(DOCUMENT.encode())[:-30],
        b"PK\x03\x04",
        b"PK",
    ],
    ids=range(6),
)
def test_a_bad_archive_is_malformed(body: bytes) -> None:
    for parse in (archive.parse_document, lambda each: archive.parse_corps(each, at=AT)):
        with pytest.raises(Malformed):
            parse(body)


def test_an_archive_that_swells_is_refused() -> None:
    with pytest.raises(Malformed):
        archive.parse_document(zipped(b"0" * (archive.MOST_UNZIPPED + 1)))


@pytest.mark.parametrize("key", sorted(PARSERS))
@pytest.mark.parametrize(
    "body",
    [b"", b"  \n", b"\x00", b"<html><body>x</body></html>", b"[]", b"{}", b'{"status": 1}', b"\xff\xfe\xff" * 40],
    ids=range(8),
)
def test_what_is_no_reply_is_malformed(key: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        PARSERS[key][0](body)


@pytest.mark.parametrize("key", sorted(PARSERS))
@given(body=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_arbitrary_bytes_raise_nothing_but_malformed(key: str, body: bytes) -> None:
    for whole in (body, b"<rss>" + body + b"</rss>", b"PK" + body, b'{"status":"000","list":[' + body + b"]}"):
        survives(PARSERS[key][0], whole)


@pytest.mark.parametrize("key", sorted(PARSERS))
@given(data=st.data())
def test_a_damaged_reply_raises_nothing_but_malformed(key: str, data: st.DataObject) -> None:
    parse, reply = PARSERS[key]
    survives(parse, damaged(reply, data.draw(st.integers(0, 2**32))))


def survives(parse: Callable[[bytes], Any], body: bytes) -> None:
    with suppress(Malformed):
        parse(body)


# Real recordings


def test_the_real_list_of_a_day_gives_its_502_filings_page_by_page() -> None:
    found: dict[str, Filing] = {}
    for number, rows in ((1, 100), (2, 100), (7, 0)):
        name = f"dart/dsac001_search_html/dsac001_search_2022-01-03_all_p{number}.cp949.html"
        listed = day_list.parse_day(sample(name).read_bytes(), at=AT)
        assert (len(listed.filings), len(listed.rejected)) == (rows, 0)
        assert listed.total == (502 if rows else 0)
        found |= {each.receipt: each for each in listed.filings}
        assert listed.pages == (6 if rows else 0)
    assert len(found) == 200
    assert {kst_date(each.filed_at) for each in found.values() if each.filed_at} == {date(2022, 1, 3)}
    assert {each.receipt for each in found.values() if each.filed_on != date(2022, 1, 3)} == {"20211229000094"}
    assert found["20220103900690"].name == "소송등의판결ㆍ결정(일정금액이상의청구)  (부동산인도명령)"


def test_the_real_feed_of_a_company_has_three_filings() -> None:
    listed = feed.parse_feed(sample("dart/rss/companyRSS_samsung_2026-08-27.xml").read_bytes(), at=AT)
    assert [each.receipt for each in listed.filings] == ["20260826000445", "20260826000434", "20260824000222"]
    assert listed.filings[0].filed_at == datetime(2026, 8, 26, 6, 2, tzinfo=UTC)


def test_the_real_list_and_card_of_a_company_are_read() -> None:
    listed = read_list(sample("dart/opendart_json/list_samsung.json").read_bytes())
    assert (len(listed.filings), listed.total, listed.pages) == (2, 15, 8)
    reply = replies.parse_reply(sample("dart/opendart_json/company_samsung.json").read_bytes())
    company = replies.parse_company(reply, at=AT)
    assert (company.name, company.code, company.closing_month) == ("삼성전자(주)", "005930", 12)
    assert company.founded_on == date(1969, 1, 13)


def test_the_real_numbers_of_companies_and_document_are_read() -> None:
    corps = gzip.decompress(sample("dart/CORPCODE_listed_only.xml.gz").read_bytes())
    assert len(archive.parse_corps(zipped(corps, "CORPCODE.xml"), at=AT)) == 3_880
    name = "dart/document_20220816001711_samsung_halfyear.xhtml.cp949.gz"
    text = archive.parse_document(zipped(gzip.decompress(sample(name).read_bytes())))
    assert text.startswith("반기보고서\n삼성전자주식회사\n")
    assert "\ufffd" not in text


@given(seed=st.integers(0, 2**32))
def test_damaged_real_pages_raise_nothing_but_malformed(seed: int) -> None:
    page = sample("dart/dsac001_search_html/dsac001_search_2022-01-03_all_p1.cp949.html").read_bytes()[:9_000]
    survives(PARSERS["day"][0], damaged(page, seed))
    survives(PARSERS["feed"][0], damaged(sample("dart/rss/companyRSS_samsung_2026-08-27.xml").read_bytes(), seed))
    survives(PARSERS["list"][0], damaged(sample("dart/opendart_json/list_samsung.json").read_bytes(), seed))
    survives(PARSERS["company"][0], damaged(sample("dart/opendart_json/company_samsung.json").read_bytes(), seed))
