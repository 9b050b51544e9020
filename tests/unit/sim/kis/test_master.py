from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import pytest

from core.clock import ManualClock
from core.stocks.stock import Market
from sim.kis.master import LAYOUTS, line, master_file
from sim.kis.server import KisServer
from sim.market import SimMarket

REFERENCE = Path(__file__).resolve().parents[5] / "shared" / "reference" / "kis.md"
WIDTHS = {Market.KOSPI: 288, Market.KOSDAQ: 282, Market.KONEX: 245}

# Offsets into the tail as the exchange's users know them: start and end for KOSPI, KOSDAQ; from the end for KONEX.
OFFSETS = {
    Market.KOSPI: {
        "group": (0, 2),
        "spac": (29, 30),
        "base": (41, 50),
        "halted": (60, 61),
        "administrative": (62, 63),
        "previous_volume": (81, 93),
        "par_value": (93, 105),
        "listed_on": (105, 113),
        "shares": (113, 128),
        "capital": (128, 149),
        "settlement": (149, 151),
        "preferred": (158, 159),
        "roe": (195, 204),
        "as_of": (204, 212),
        "cap": (212, 221),
    },
    Market.KOSDAQ: {
        "group": (0, 2),
        "spac": (24, 25),
        "base": (36, 45),
        "halted": (55, 56),
        "administrative": (57, 58),
        "previous_volume": (76, 88),
        "par_value": (88, 100),
        "listed_on": (100, 108),
        "shares": (108, 123),
        "capital": (123, 144),
        "preferred": (153, 154),
        "as_of": (198, 206),
        "cap": (206, 215),
    },
    Market.KONEX: {
        "group": (-184, -182),
        "base": (-182, -173),
        "halted": (-163, -162),
        "administrative": (-161, -160),
        "listed_on": (-118, -110),
        "shares": (-110, -95),
        "capital": (-95, -74),
        "settlement": (-74, -72),
        "cap": (-12, -3),
    },
}


def lines_of(packed: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (name,) = archive.namelist()
        assert name.endswith("_code.mst")
        return archive.read(name).split(b"\n")[:-1]


def field(market: Market, row: bytes, name: str) -> str:
    start, end = OFFSETS[market][name]
    return row[61:][start:end].decode("cp949")


@pytest.mark.parametrize("board", list(Market))
def test_fields_lie_where_the_layout_is_known_to_have_them(board: Market) -> None:
    known, at = OFFSETS[board], 0
    length = sum(width for _, width in LAYOUTS[board])
    for name, width in LAYOUTS[board]:
        if name in known:
            start, end = (offset % length if offset < 0 else offset for offset in known[name])
            assert (at, at + width) == (start, end), name
        at += width
    assert 61 + length == WIDTHS[board]


@pytest.mark.parametrize("board", list(Market))
def test_a_line_reads_back_as_the_issue_it_was_written_from(
    market: SimMarket, clock: ManualClock, board: Market
) -> None:
    rows = {row[:9].decode().rstrip(): row for row in lines_of(master_file(market, board, clock.now()))}
    listed = [issue for issue in market.listed(clock.now()) if issue.market is board]
    assert set(rows) == {issue.code for issue in listed}
    for issue in listed:
        row, quote = rows[issue.code], market.quote(issue.code, clock.now())
        assert quote is not None
        assert issue.listed_on is not None
        assert len(row) == WIDTHS[board]
        assert row[9:21].decode() == issue.isin
        assert row[21:61].decode("cp949").rstrip() == issue.name
        assert int(field(board, row, "base")) == quote.base
        assert int(field(board, row, "shares")) == issue.shares // 1000
        assert int(field(board, row, "cap")) == quote.base * issue.shares // 100_000_000
        assert field(board, row, "listed_on") == f"{issue.listed_on:%Y%m%d}"
        assert (field(board, row, "halted") == "Y") == issue.halted
        assert (field(board, row, "administrative") == "Y") == issue.administrative


def test_real_lines_are_written_again_byte_for_byte() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference with the recorded lines is not on this machine")
    recorded = [
        text.encode("cp949")
        for text in REFERENCE.read_text().splitlines()
        if text.startswith(("005930   KR7", "000040   KR7", "247540   KR7"))
    ]
    assert len(recorded) == 3
    for row in recorded:
        board = Market.KOSPI if len(row) == 288 else Market.KOSDAQ
        values, at = {}, 61
        for name, width in LAYOUTS[board]:
            values[name] = row[at : at + width].decode("cp949")
            at += width
        head = {"code": row[:9].decode().rstrip(), "isin": row[9:21].decode(), "name": row[21:61].decode("cp949")}
        assert line(board, **head, values=values) == row
        assert values["base"].isdecimal()
        assert values["listed_on"].startswith(("19", "20"))


def test_a_name_longer_than_its_field_is_cut_between_characters() -> None:
    row = line(Market.KOSPI, code="000000", isin="KR7000000000", name="가" * 19 + "a나", values={})
    assert row[21:61].decode("cp949").rstrip() == "가" * 19 + "a"
    assert len(row) == WIDTHS[Market.KOSPI]


async def test_the_files_are_served_without_a_key(market: SimMarket, clock: ManualClock) -> None:
    server = KisServer(market, clock.now)
    async with httpx.AsyncClient(base_url=await server.start()) as client:
        for board in Market:
            answer = await client.get(f"/common/master/{board.lower()}_code.mst.zip")
            assert answer.content.startswith(b"PK")
            assert lines_of(answer.content)
    await server.stop()
