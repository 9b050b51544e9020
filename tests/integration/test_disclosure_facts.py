"""Filings on the fact sheet, as of its instant and not a moment later, and reports renewed by them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from core.clock import ManualClock, kst_date
from core.disclosures.filing import Division, Filing
from core.disclosures.queries import store_filings
from core.market.queries import store_bars
from core.prediction.fact import FactSheet
from core.prediction.facts import build_sheet
from core.reports.report import UpdateReason
from core.reports.service import get_report
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Kind, Market, Stock
from tests.conftest import NOW
from tests.sheets import SAMSUNG, make_bars

PREFERRED = Stock(code="005935", name="삼성전자우", market=Market.KOSPI, kind=Kind.PREFERRED)
HOUR = timedelta(hours=1)


def filing(number: int, name: str, *, on: date, code: str | None = SAMSUNG.code, at: datetime | None = None) -> Filing:
    return Filing(
        receipt=f"{on:%Y%m%d}8{number:05d}",
        company=SAMSUNG.name,
        name=name,
        filer=SAMSUNG.name,
        filed_on=on,
        filed_at=at,
        code=code,
        corp_code="00126380",
        division=Division.OTHER if code is None else Division.KOSPI,
    )


async def file(services: Services, number: int, name: str, *, seen: datetime, code: str | None = SAMSUNG.code) -> None:
    async with services.db.begin() as conn:
        await store_filings(conn, [filing(number, name, on=kst_date(seen), code=code)], at=seen)


@pytest.fixture
async def known(services: Services) -> Services:
    async with services.db.begin() as conn:
        await upsert_stocks(conn, [SAMSUNG, PREFERRED], at=NOW)
        for stock in (SAMSUNG, PREFERRED):
            await store_bars(conn, stock.code, make_bars(260), source="KIS", at=NOW)
    return services


async def sheet_of(services: Services, stock: Stock = SAMSUNG, *, as_of: datetime = NOW) -> FactSheet:
    return await build_sheet(services, stock, as_of=as_of)


async def test_where_nobody_reads_filings_they_are_missing_and_not_counted(known: Services) -> None:
    sheet = await sheet_of(known)
    assert "공시" in sheet.missing
    assert "material_filings_30d" not in sheet.by_name


async def test_where_somebody_looks_none_is_a_fact(known: Services) -> None:
    await file(known, 1, "주식소각결정", seen=NOW - HOUR, code="000660")
    sheet = await sheet_of(known)
    assert "공시" not in sheet.missing
    assert sheet.by_name["material_filings_30d"].text == "0건"


async def test_material_filings_are_counted_and_the_newest_are_evidence(known: Services) -> None:
    for number in range(1, 8):
        await file(known, number, "주식소각결정", seen=NOW - (8 - number) * HOUR)
    await file(known, 8, "임원ㆍ주요주주특정증권등소유상황보고서", seen=NOW - HOUR)
    await file(known, 9, "유상증자결정", seen=NOW - timedelta(days=31))
    sheet = await sheet_of(known)
    assert sheet.value("material_filings_30d") == 7
    filings = [item for item in sheet.evidence if item.disclosure]
    assert [item.title for item in filings] == ["주식소각결정"] * 5
    assert filings[0].published_at == NOW - HOUR
    assert filings[0].url.startswith("https://dart.fss.or.kr/dsaf001/main.do?rcpNo=2026")
    assert all(item.id.startswith("d") for item in filings)


async def test_a_preferred_share_has_the_filings_of_its_company(known: Services) -> None:
    await file(known, 1, "주식소각결정", seen=NOW - HOUR)
    assert (await sheet_of(known, PREFERRED)).value("material_filings_30d") == 1


async def test_a_filing_first_seen_later_leaves_no_trace(known: Services, clock: ManualClock) -> None:
    await file(known, 1, "주식소각결정", seen=NOW - HOUR)
    clock.move(timedelta(days=4))
    before = await sheet_of(known)
    await file(known, 2, "유상증자결정", seen=NOW + timedelta(minutes=1))
    async with known.db.begin() as conn:  # filed before, seen after
        early = filing(3, "회사합병결정", on=kst_date(NOW), at=NOW - HOUR)
        await store_filings(conn, [early], at=NOW + timedelta(minutes=2))
    after = await sheet_of(known)
    assert after == before
    assert after.input_hash == before.input_hash


async def test_a_filing_whose_stock_was_found_later_leaves_no_trace_either(known: Services, clock: ManualClock) -> None:
    await file(known, 1, "주식소각결정", seen=NOW - HOUR, code=None)
    clock.move(timedelta(days=1))
    before = await sheet_of(known)
    assert before.value("material_filings_30d") == 0
    await file(known, 1, "주식소각결정", seen=NOW + HOUR)
    assert await sheet_of(known) == before
    assert (await sheet_of(known, as_of=clock.now())).value("material_filings_30d") == 1


async def test_a_material_filing_renews_a_report_and_a_routine_or_late_one_does_not(
    known: Services, clock: ManualClock
) -> None:
    first = await get_report(known, SAMSUNG)
    clock.move(timedelta(minutes=1))
    await file(known, 1, "임원ㆍ주요주주특정증권등소유상황보고서", seen=clock.now())
    async with known.db.begin() as conn:
        old = filing(2, "유상증자결정", on=kst_date(NOW) - timedelta(days=10))
        await store_filings(conn, [old], at=clock.now())
    assert await get_report(known, SAMSUNG) == first
    await file(known, 3, "유상증자결정", seen=clock.now())
    clock.move(timedelta(minutes=1))
    renewed = await get_report(known, SAMSUNG)
    assert renewed.reason is UpdateReason.DISCLOSURE
    assert [item.title for item in renewed.evidence] == ["유상증자결정", "유상증자결정"]
    assert await get_report(known, SAMSUNG) == renewed
