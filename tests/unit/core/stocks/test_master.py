"""The stock master files of KIS, line by line and as a whole."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Malformed
from core.stocks.master import MAX_BYTES, Parsed, parse_master
from core.stocks.stock import Kind, Market, Stock

WIDTH = {Market.KOSPI: 288, Market.KOSDAQ: 282, Market.KONEX: 245}
OFFSETS = {  # in the tail, as the specification counts them
    Market.KOSPI: {
        "etp": 22,
        "spac": 29,
        "halted": 60,
        "admin": 62,
        "listed": 105,
        "shares": 113,
        "pref": 158,
        "cap": 212,
    },
    Market.KOSDAQ: {
        "etp": 18,
        "spac": 24,
        "halted": 55,
        "admin": 57,
        "listed": 100,
        "shares": 108,
        "pref": 153,
        "cap": 206,
    },
    Market.KONEX: {"halted": 21, "admin": 23, "listed": 66, "shares": 74, "cap": 172},
}


def make_line(
    market: Market = Market.KOSPI,
    /,
    *,
    code: str = "005930",
    isin: str = "KR7005930003",
    name: str = "삼성전자",
    group: str = "ST",
    **fields: str,
) -> bytes:
    """A line of the file: only what a test says is filled, at the offsets above, shares in thousands, cap in 억."""
    line = bytearray(b" " * WIDTH[market])
    line[0:9] = code.encode().ljust(9)
    line[9:21] = isin.encode().ljust(12)
    line[21:61] = name.encode("cp949").ljust(40)
    line[61:63] = group.encode()
    for field, text in fields.items():
        start = 61 + OFFSETS[market][field]
        line[start : start + len(text)] = text.encode()
    return bytes(line)


def zipped(content: bytes, member: str = "kospi_code.mst") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return packed.getvalue()


def parse_one(line: bytes, market: Market = Market.KOSPI) -> Stock:
    (stock,) = parse_master(market, line + b"\n").stocks
    return stock


def test_a_company_of_kospi() -> None:
    line = make_line(listed="19750611", shares="000000005846278", cap="015726489", halted="N", admin="N", pref="0")
    assert parse_one(line) == Stock(
        code="005930",
        name="삼성전자",
        market=Market.KOSPI,
        kind=Kind.COMMON,
        listed_on=date(1975, 6, 11),
        shares=5_846_278_000,
        market_cap=1_572_648_900_000_000,
    )


def test_a_company_under_administration() -> None:
    line = make_line(code="000040", isin="KR7000040006", name="KR모터스", admin="Y", shares="000000000019675")
    stock = parse_one(line)
    assert stock.administrative
    assert not stock.halted
    assert stock.shares == 19_675_000


def test_a_company_of_kosdaq() -> None:
    facts = {"listed": "20190305", "shares": "000000000097830", "cap": "000101645"}
    line = make_line(Market.KOSDAQ, code="247540", isin="KR7247540008", name="에코프로비엠", **facts)
    stock = parse_one(line, Market.KOSDAQ)
    assert (stock.market, stock.listed_on) == (Market.KOSDAQ, date(2019, 3, 5))
    assert (stock.shares, stock.market_cap) == (97_830_000, 10_164_500_000_000)


def test_a_company_of_konex() -> None:
    facts = {"halted": "Y", "admin": "N", "listed": "20150701", "shares": "000000000001234", "cap": "000000056"}
    line = make_line(Market.KONEX, code="199150", isin="KR7199150004", name="넥스", group="KN", **facts)
    stock = parse_one(line, Market.KONEX)
    assert stock.halted
    assert not stock.administrative
    assert (stock.listed_on, stock.shares, stock.market_cap) == (date(2015, 7, 1), 1_234_000, 5_600_000_000)


@pytest.mark.parametrize(
    ("code", "group", "fields", "kind"),
    [
        ("005935", "ST", {"pref": "1"}, Kind.PREFERRED),
        ("00104K", "ST", {"pref": "2"}, Kind.PREFERRED),
        ("005387", "ST", {"pref": "0"}, Kind.PREFERRED),
        ("0004Y0", "ST", {"spac": "Y"}, Kind.SPAC),
        ("0126Z0", "ST", {"spac": "N"}, Kind.COMMON),
        ("395400", "RT", {}, Kind.REIT),
        ("069500", "EF", {"etp": "1"}, Kind.ETF),
        ("530001", "EN", {}, Kind.ETN),
        ("530002", "ST", {"etp": "4"}, Kind.ETN),
        ("950160", "DR", {}, Kind.COMMON),
        ("900110", "FS", {}, Kind.COMMON),
        ("088980", "IF", {}, Kind.OTHER),
        ("094800", "MF", {}, Kind.OTHER),
    ],
)
def test_group_and_flags_decide_the_kind(code: str, group: str, fields: dict[str, str], kind: Kind) -> None:
    assert parse_one(make_line(code=code, group=group, **fields)).kind is kind


def test_blanks_and_zeros_are_not_known() -> None:
    stock = parse_one(make_line(listed="00000000", shares="000000000000000"))
    assert (stock.listed_on, stock.shares, stock.market_cap) == (None, None, None)


def test_a_name_that_fills_its_forty_bytes_shifts_nothing() -> None:
    name = "가나다라마바사아자차카타파하거너더러머버"
    stock = parse_one(make_line(name=name, cap="000000007"))
    assert stock.name == name
    assert stock.market_cap == 700_000_000


@pytest.mark.parametrize(
    ("code", "group"), [("Q530001", "EN"), ("F70100030", "BC"), ("J0036221D", "SR"), ("52AB12", "EW"), ("123456", "SW")]
)
def test_other_securities_are_skipped_and_counted(code: str, group: str) -> None:
    parsed = parse_master(Market.KOSPI, make_line() + b"\n" + make_line(code=code, group=group) + b"\n")
    assert ([stock.code for stock in parsed.stocks], parsed.rejected, parsed.skipped) == (["005930"], [], 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (make_line()[:-1], "287 bytes"),
        (make_line(isin="7005930003KR"), "ISIN"),
        (make_line(code="00593"), "code"),
        (make_line(code="00593a"), "code"),
        (make_line(group="ZZ"), "unknown group"),
        (make_line(name=" "), "name"),
        (make_line(name="삼성\x1b[2J"), "name"),
        (make_line().replace("삼성".encode("cp949"), b"\xff\xff\xff\xff"), "cp949"),
        (make_line(code="0059¿").replace("¿".encode(), b"\xff\xff")[:288], "ascii"),
        (make_line(listed="20230231"), "number"),
        (make_line(shares="00000000000-123"), "number"),
        (make_line(cap="1234 5678"), "number"),
        (make_line(halted="?"), "flag"),
        (make_line(code="000660"), "twice"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason_and_the_rest_is_kept(bad: bytes, reason: str) -> None:
    good = [make_line(code=code) for code in ("000660", "0126Z0", "005935")]
    parsed = parse_master(Market.KOSPI, b"\r\n".join([*good[:2], bad, good[2]]))
    assert [stock.code for stock in parsed.stocks] == ["000660", "0126Z0", "005935"]
    (rejected,) = parsed.rejected
    assert rejected.line_number == 3
    assert reason in rejected.reason
    assert 0 < len(rejected.raw) <= 120


def test_a_zipped_file_is_the_same_file() -> None:
    content = make_line() + b"\n" + make_line(code="000660") + b"\n"
    assert parse_master(Market.KOSPI, zipped(content)) == parse_master(Market.KOSPI, content)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (make_line(Market.KOSDAQ) + b"\n", "282 bytes instead of 288"),
        (b"PK\x03\x04 and then nothing", "cannot be read"),
        (zipped(make_line(), "readme.txt"), "no .mst"),
        (zipped(b""), "empty"),
        (zipped(make_line())[:-30], "cannot be read"),
        (b" " * (MAX_BYTES + 1), "too large"),
        (zipped(b" " * (MAX_BYTES + 1)), "too large"),
    ],
    ids=["empty", "blank", "html", "other board", "broken zip", "no member", "empty member", "cut zip", "huge", "bomb"],
)
def test_a_file_that_is_no_master_is_refused_whole(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_master(Market.KOSPI, data)


def test_an_encrypted_or_strangely_packed_archive_is_refused() -> None:
    packed = bytearray(zipped(make_line()))
    central = packed.index(b"PK\x01\x02")
    encrypted, strange = packed.copy(), packed.copy()
    encrypted[6] = encrypted[central + 8] = 1
    strange[8] = strange[central + 10] = 99
    for data in (encrypted, strange):
        with pytest.raises(Malformed):
            parse_master(Market.KOSPI, bytes(data))


def parsed_or_refused(market: Market, data: bytes) -> None:
    try:
        parsed = parse_master(market, data)
    except Malformed:
        return
    assert isinstance(parsed, Parsed)
    assert parsed.stocks or parsed.skipped


@given(market=st.sampled_from(Market), data=st.binary(max_size=400) | st.binary(max_size=100).map(b"PK".__add__))
@example(market=Market.KOSPI, data=b"PK\x05\x06" + b"\0" * 18)
def test_no_bytes_raise_anything_but_malformed(market: Market, data: bytes) -> None:
    parsed_or_refused(market, data)


VALID = b"\n".join(make_line(code=f"00{i}930", listed="20200102", cap="000000123") for i in range(10, 16))


@given(
    valid=st.sampled_from([VALID, zipped(VALID)]),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 40),
)
def test_no_damage_to_a_file_raises_anything_but_malformed(
    valid: bytes, edits: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(valid)
    for place, byte in edits:
        damaged[place % len(damaged)] = byte
    parsed_or_refused(Market.KOSPI, bytes(damaged[: len(damaged) - cut]))
