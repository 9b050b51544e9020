from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from core.clock import ManualClock
from core.disclosures.naming import parse_name
from sim.dart.filings import FilingDesk
from sim.dart.server import DartServer
from sim.market import SimMarket
from tests.unit.sim.conftest import FRIDAY

KEY = "k" * 40
START = FRIDAY - timedelta(days=30)


@pytest.fixture
async def dart(market: SimMarket, clock: ManualClock) -> AsyncIterator[DartServer]:
    server = DartServer(FilingDesk(market), clock.now, api_key=KEY)
    await server.start()
    yield server
    await server.stop()


async def asked(dart: DartServer, path: str, **query: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{dart.url}/api/{path}", params={"crtfc_key": KEY} | query)


async def listed(dart: DartServer, **query: str) -> Any:
    return (await asked(dart, "list.json", **query)).json()


def test_the_same_seed_files_the_same_whatever_was_asked_before(market: SimMarket, clock: ManualClock) -> None:
    one, other = FilingDesk(market), FilingDesk(market)
    other.filings(FRIDAY, FRIDAY, until=clock.now())
    assert one.filings(START, FRIDAY, until=clock.now()) == other.filings(START, FRIDAY, until=clock.now())
    assert FilingDesk(market, seed=8).filings(START, FRIDAY, until=clock.now()) != one.filings(
        START, FRIDAY, until=clock.now()
    )


def test_nothing_is_shown_before_its_minute_and_nothing_shown_goes_away(market: SimMarket, clock: ManualClock) -> None:
    desk = FilingDesk(market)
    noon = desk.filings(FRIDAY, FRIDAY, until=clock.now() - timedelta(hours=4))
    evening = desk.filings(FRIDAY, FRIDAY, until=clock.now() + timedelta(hours=4))
    assert {each.receipt for each in noon} < {each.receipt for each in evening}
    assert all(each.at <= clock.now() - timedelta(hours=4) for each in noon)


def test_numbers_are_unique_not_in_order_and_corrections_lead_to_their_original(
    market: SimMarket, clock: ManualClock
) -> None:
    filings = FilingDesk(market).filings(START, FRIDAY, until=clock.now())
    by_receipt = {each.receipt: each for each in filings}
    assert len(by_receipt) == len(filings)
    ordered = sorted((each for each in filings if each.day == FRIDAY), key=lambda each: each.at)
    numbers = [each.receipt for each in ordered if each.receipt[8] == "8"]
    assert numbers != sorted(numbers)
    assert any(each.receipt[:8] != f"{each.day:%Y%m%d}" for each in filings)
    for each in filings:
        if each.corrects in by_receipt:
            original = by_receipt[each.corrects]
            assert "정" in original.remarks
            assert parse_name(each.name).subject == parse_name(original.name).subject


async def test_pages_have_the_size_asked_for_and_end(dart: DartServer) -> None:
    dates = {"bgn_de": f"{START:%Y%m%d}", "end_de": f"{FRIDAY:%Y%m%d}", "corp_cls": "Y"}
    first = await listed(dart, page_count="100", **dates)
    assert (first["status"], len(first["list"])) == ("000", 100)
    last = await listed(dart, page_count="100", page_no=str(first["total_page"]), **dates)
    assert len(last["list"]) == first["total_count"] - 100 * (first["total_page"] - 1)
    assert (await listed(dart, page_count="100", page_no="99", **dates))["status"] == "013"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"crtfc_key": "x"}, "010"),
        ({"page_count": "101"}, "100"),
        ({"page_no": "0"}, "100"),
        ({"bgn_de": "20260101"}, "100"),
        ({"bgn_de": "2026-11-01"}, "100"),
        ({"corp_cls": "Z"}, "100"),
        ({"bgn_de": "20261121", "end_de": "20261121"}, "013"),
    ],
)
async def test_what_is_wrong_is_a_status_and_http_says_200(
    dart: DartServer, query: dict[str, str], status: str
) -> None:
    reply = await asked(dart, "list.json", **query)
    assert (reply.status_code, reply.json()["status"]) == (200, status)


async def test_files_are_refused_in_xml(dart: DartServer) -> None:
    assert b"<status>014</status>" in (await asked(dart, "document.xml", rcept_no="20261120000000")).content
    assert b"<status>010</status>" in (await asked(dart, "corpCode.xml", crtfc_key="x")).content
    assert (await asked(dart, "corpCode.xml")).content.startswith(b"PK")


async def test_the_day_and_the_minute_have_their_limits(dart: DartServer, clock: ManualClock) -> None:
    dart.daily_calls = 2
    statuses = [(await listed(dart))["status"] for _ in range(3)]
    assert statuses == ["000", "000", "020"]
    clock.move(timedelta(days=1))
    assert (await listed(dart, bgn_de="20261120"))["status"] == "000"


async def test_companies_are_those_of_the_market(dart: DartServer, market: SimMarket) -> None:
    rows = (await listed(dart, page_count="100"))["list"]
    assert {row["stock_code"] for row in rows} <= set(market.issues)
    assert date(int(rows[0]["rcept_dt"][:4]), int(rows[0]["rcept_dt"][4:6]), int(rows[0]["rcept_dt"][6:])) == FRIDAY
