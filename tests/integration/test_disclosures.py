"""Reading DART: once, in any order, over faults, quotas and crashes; and what of it was known when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from core.clock import ManualClock, kst_date
from core.disclosures.client import AGAIN_AFTER, OpenDart, calls_today, midnight_after
from core.disclosures.filing import Division, Weight
from core.disclosures.queries import (
    get_disclosure,
    issuer_codes,
    known_within,
    latest_disclosures,
    market_disclosures,
    ties_of,
)
from core.disclosures.service import (
    CORPS,
    DAY_LIST,
    FEED,
    LIST,
    Crawled,
    crawl_days,
    crawl_feed,
    crawl_list,
    document_of,
    refresh_corps,
)
from core.errors import Blocked, Malformed, NotConfigured, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.health.note import NoteKind, note
from core.health.probes import dart as look
from core.health.report import Status
from core.services import Services
from core.sources.service import get_source
from jobs.registry import JOBS
from jobs.run import run_job
from sim.dart.server import DartServer
from sim.market import SimMarket
from tests.conftest import NOW, OpenServices
from tests.integration.dart_desk import dart_server, market_of_test, reading, rows

TODAY = kst_date(NOW)


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return market_of_test()


@pytest.fixture
async def dart(market: SimMarket, clock: ManualClock) -> AsyncIterator[DartServer]:
    async with dart_server(market, clock) as server:
        yield server


@pytest.fixture
async def services(open_test_services: OpenServices, dart: DartServer) -> AsyncIterator[Services]:
    async with reading(open_test_services, dart) as opened:
        yield opened


def at_dart(dart: DartServer, *, days: int = 30) -> dict[str, Any]:
    """Every filing there is, by receipt number."""
    return {each.receipt: each for each in dart.desk.filings(TODAY - timedelta(days=days), TODAY, until=dart.now())}


async def state(services: Services) -> list[tuple[Any, ...]]:
    return await rows(
        services,
        "SELECT receipt, corp_code, company, code, division, name, subject, correction, filer, remarks, filed_on, "
        "filed_at, kind, weight FROM disclosure ORDER BY receipt",
    )


async def crawl(services: Services) -> Crawled:
    return await crawl_list(services, services.db.begin)


# The list


async def test_the_first_reading_brings_a_month_and_the_next_nothing_new(services: Services, dart: DartServer) -> None:
    expected = at_dart(dart)
    assert len(expected) > 400
    first = await crawl(services)
    assert (first.new, first.rejected) == (len(expected), 0)
    stored = await rows(services, "SELECT receipt, company, code, remarks, filed_on FROM disclosure")
    assert {row[0]: row[1:] for row in stored} == {
        each.receipt: (each.company, each.issue.code, each.remarks, each.day) for each in expected.values()
    }
    asked = len(dart.requests)
    assert (await crawl(services)).new == 0
    assert len(dart.requests) - asked == 3  # one page a board


async def test_a_filing_under_a_number_smaller_than_the_last_is_not_missed(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    await crawl(services)
    clock.move(timedelta(minutes=5))
    late = dart.desk.plant("005930", "주식소각결정", NOW + timedelta(minutes=1))
    assert late.receipt < max(at_dart(dart))
    await crawl(services)
    assert (late.receipt,) in await rows(services, "SELECT receipt FROM disclosure")


async def test_a_filing_that_appears_under_a_day_already_read_is_found_within_the_hour(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    await crawl(services)
    hidden = dart.desk.plant("000660", "주식소각결정", NOW - timedelta(days=1, hours=3))
    clock.move(timedelta(minutes=61))
    await crawl(services)
    assert (hidden.receipt,) in await rows(services, "SELECT receipt FROM disclosure")


async def test_after_days_of_silence_everything_in_between_is_read(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    await crawl(services)
    clock.move(timedelta(days=12))
    await crawl(services)
    until = kst_date(clock.now())
    expected = dart.desk.filings(TODAY - timedelta(days=30), until, until=clock.now())
    assert {row[0] for row in await rows(services, "SELECT receipt FROM disclosure")} == {e.receipt for e in expected}


async def test_a_later_correction_marks_the_original_and_keeps_when_it_was_first_seen(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    dart.desk.silence()
    original = dart.desk.plant("005930", "단일판매ㆍ공급계약체결", NOW - timedelta(hours=3), remarks="유")
    other = dart.desk.plant("005930", "단일판매ㆍ공급계약체결", NOW - timedelta(hours=2), remarks="유")
    await crawl(services)
    clock.move(timedelta(minutes=5))
    name = "[기재정정]단일판매ㆍ공급계약체결"
    dart.desk.plant("005930", name, clock.now(), remarks="유", corrects=original.receipt)
    await crawl(services)
    async with services.db.begin() as conn:
        correction, _, first = await latest_disclosures(conn, codes=["005930"], as_of=clock.now(), limit=9)
        ties = await ties_of(conn, [correction, first], as_of=clock.now())
        before = await ties_of(conn, [first], as_of=NOW)
    assert (first.receipt, first.corrected, first.first_seen_at) == (original.receipt, True, NOW)
    tie = ties[correction.id].corrects
    assert tie is not None
    assert (tie.original.receipt, tie.sure) == (original.receipt, True)
    assert tie.original.receipt != other.receipt
    assert ties[first.id].corrected_by == correction
    assert before[first.id].corrected_by is None


async def test_a_bad_row_waits_in_quarantine_and_the_rest_is_kept(services: Services, dart: DartServer) -> None:
    dart.desk.silence()
    dart.desk.plant("005930", "주식소각결정", NOW - timedelta(hours=3))
    dart.desk.plant("005930", "   ", NOW - timedelta(hours=2))
    assert await crawl(services) == Crawled(seen=1, new=1, rejected=1)
    assert await rows(services, "SELECT source FROM quarantine") == [(LIST,)]


async def test_no_filing_at_all_is_no_failure(services: Services, dart: DartServer) -> None:
    dart.desk.silence()
    assert await crawl(services) == Crawled()
    assert await crawl(services) == Crawled()
    async with services.db.begin() as conn:
        assert (await get_source(conn, LIST)).failures_in_row == 0


# Refusals


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("010", Blocked),
        ("011", Blocked),
        ("012", Blocked),
        ("101", Blocked),
        ("901", Blocked),
        ("020", QuotaExceeded),
        ("800", Unavailable),
        ("900", Unavailable),
        ("100", Malformed),
        ("014", Unsupported),
    ],
)
async def test_a_status_is_an_error_that_names_the_reaction(
    services: Services, dart: DartServer, status: str, error: type[StockPilotError]
) -> None:
    dart.status = status
    client = OpenDart(services)
    for ask in (
        lambda: client.filings(Division.KOSPI, start=TODAY, end=TODAY),
        client.corps,
        lambda: client.document("20260220800001"),
        lambda: client.company("00126380"),
    ):
        with pytest.raises(error) as caught:
            await ask()
        assert type(caught.value) is error
        assert "test-dart-key" not in str(caught.value)


async def test_a_refused_key_is_not_used_again_for_an_hour(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    dart.status = "010"
    for _ in range(3):
        with pytest.raises(Unavailable):
            await crawl(services)
    assert len(dart.requests) == 1
    dart.status = None
    clock.move(timedelta(hours=1, minutes=5))
    assert (await crawl(services)).new


@pytest.mark.parametrize("effect", ["truncate", "empty", "html", "close"])
async def test_a_broken_reply_is_a_failure_and_the_next_reading_ends_as_if_nothing_had_been(
    services: Services, dart: DartServer, effect: Any
) -> None:
    dart.faults.add("slow", path="list.json", seconds=0)  # the first page comes
    dart.faults.add(effect, path="list.json")
    with pytest.raises((Unavailable, Malformed)):
        await crawl(services)
    assert 0 < len(await state(services)) < len(at_dart(dart))
    await crawl(services)
    assert len(await state(services)) == len(at_dart(dart))


async def test_our_own_count_ends_the_calls_of_a_day_and_midnight_in_seoul_renews_them(
    open_test_services: OpenServices, dart: DartServer, clock: ManualClock
) -> None:
    async with reading(open_test_services, dart, daily_calls=4) as services:
        with pytest.raises(QuotaExceeded) as caught:
            await crawl(services)
        assert caught.value.retry_at == midnight_after(NOW)
        async with services.db.begin() as conn:
            assert await calls_today(conn, at=NOW) == 4
        with pytest.raises(Unavailable):
            await crawl(services)
        assert len(dart.requests) == 4
        clock.move(midnight_after(NOW) - NOW + timedelta(minutes=5))
        with pytest.raises(QuotaExceeded):
            await crawl(services)
        assert len(dart.requests) == 8


async def test_told_of_too_many_calls_it_waits_an_hour(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    dart.daily_calls = 2
    with pytest.raises(QuotaExceeded):
        await crawl(services)
    with pytest.raises(Unavailable):
        await crawl(services)
    assert len(dart.requests) == 3
    dart.daily_calls = 20_000
    clock.move(AGAIN_AFTER + timedelta(minutes=5))
    assert (await crawl(services)).new


async def test_without_a_key_nothing_is_asked_of_opendart(open_test_services: OpenServices) -> None:
    async with open_test_services() as bare:
        with pytest.raises(NotConfigured, match="DART_API_KEY"):
            await OpenDart(bare).corps()


# The other services


async def test_companies_their_cards_and_documents(services: Services, dart: DartServer) -> None:
    assert (await refresh_corps(services, services.db.begin)).new == len(dart.desk.companies)
    assert (await refresh_corps(services, services.db.begin)).skipped
    assert await rows(services, "SELECT name FROM corp_code WHERE code = '005380'") == [("현대자동차",)]
    company = await OpenDart(services).company("00126380")
    assert (company.stock_name, company.code) == ("삼성전자", "005930")
    with pytest.raises(Unsupported):
        await OpenDart(services).company("99999999")
    for receipt in list(at_dart(dart))[:4]:
        text = await document_of(services, receipt)
        assert "R&D 및 <주요 계약>" in text
    asked = len(dart.requests)
    await document_of(services, receipt)
    assert len(dart.requests) == asked


async def test_the_list_of_one_company_can_leave_out_what_was_corrected(services: Services, dart: DartServer) -> None:
    client, start = OpenDart(services), TODAY - timedelta(days=30)
    whole = await client.filings(start=start, end=TODAY, corp_code="00126380")
    last = await client.filings(start=start, end=TODAY, corp_code="00126380", last_only=True)
    assert {each.code for each in whole.filings} <= {"005930"}
    assert last.total < whole.total


# The minute


async def test_the_feed_adds_the_minute_whichever_is_read_first(
    services: Services, dart: DartServer, open_test_services: OpenServices
) -> None:
    await refresh_corps(services, services.db.begin)
    await crawl_feed(services, services.db.begin)
    await crawl(services)
    one = await state(services)
    async with services.db.begin() as conn:
        await conn.exec_driver_sql("TRUNCATE disclosure, disclosure_sweep, source_status")
    await refresh_corps(services, services.db.begin)
    await crawl(services)
    await crawl_feed(services, services.db.begin)
    assert await state(services) == one
    minutes = await rows(services, "SELECT receipt, filed_at FROM disclosure WHERE filed_at IS NOT NULL")
    assert dict(minutes) == {each.receipt: each.at for each in at_dart(dart, days=0).values()}


async def test_without_a_key_the_feed_alone_gives_filings_tied_to_stocks_by_name(
    open_test_services: OpenServices, dart: DartServer
) -> None:
    async with reading(open_test_services, dart, api_key=None) as services:
        ran = await run_job(services, JOBS["crawl_disclosures"], NOW, owner="test")
        assert ran == "succeeded"
        today = at_dart(dart, days=0)
        stored = dict(await rows(services, "SELECT receipt, code FROM disclosure"))
        assert stored.keys() == today.keys()
        for each in today.values():
            assert stored[each.receipt] == (each.issue.code if each.company == each.issue.name else None)
        assert all("list.json" not in asked.path for asked in dart.requests)


async def test_where_the_feed_of_the_day_is_gone_those_of_followed_companies_stand_in(
    services: Services, dart: DartServer
) -> None:
    dart.has_day_feed = False
    filing = dart.desk.plant("005930", "주식소각결정", NOW - timedelta(minutes=3))
    await crawl(services)
    with pytest.raises(Malformed):
        await crawl_feed(services, services.db.begin)
    async with services.db.begin() as conn:
        await conn.exec_driver_sql("UPDATE stock SET priority = 1 WHERE code = '005930'")
    assert (await crawl_feed(services, services.db.begin)).seen
    assert await rows(services, "SELECT filed_at FROM disclosure WHERE receipt = :r", r=filing.receipt) == [
        (filing.at,)
    ]


async def test_the_list_of_a_day_is_read_only_where_the_operator_names_it(
    open_test_services: OpenServices, dart: DartServer
) -> None:
    async with reading(open_test_services, dart, day_list_url=f"{dart.url}/dsac001/search.ax") as services:
        await crawl(services)
        crawled = await crawl_days(services, services.db.begin)
        assert (crawled.seen, crawled.rejected) == (len(at_dart(dart, days=0)), 0)
        minutes = dict(await rows(services, "SELECT receipt, filed_at FROM disclosure WHERE filed_at IS NOT NULL"))
        assert minutes == {each.receipt: each.at for each in at_dart(dart, days=0).values()}
        async with services.db.begin() as conn:
            assert (await get_source(conn, DAY_LIST)).last_items


# The job


async def test_the_job_reads_every_part_and_one_that_fails_does_not_stop_the_others(
    services: Services, dart: DartServer
) -> None:
    dart.faults.add("html", path="corpCode")
    assert await run_job(services, JOBS["crawl_disclosures"], NOW, owner="test") == "succeeded"
    assert await rows(services, "SELECT done, failed, total FROM job_run") == [(2, 1, 3)]
    async with services.db.begin() as conn:
        assert (await get_source(conn, CORPS)).failures_in_row == 1
        assert (await get_source(conn, LIST)).last_items == len(at_dart(dart, days=0))
        assert (await get_source(conn, FEED)).last_items == len(at_dart(dart, days=0))


async def test_the_job_does_nothing_where_nothing_is_configured(open_test_services: OpenServices) -> None:
    async with open_test_services() as bare:
        assert await run_job(bare, JOBS["crawl_disclosures"], NOW, owner="test") == "succeeded"


# Reading


async def test_what_was_first_seen_later_is_not_known_earlier(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    dart.desk.silence()
    dart.desk.plant("005930", "주식소각결정", NOW - timedelta(hours=3))
    clock.move(timedelta(hours=1))
    await crawl(services)
    async with services.db.begin() as conn:
        assert await latest_disclosures(conn, codes=["005930"], as_of=NOW, limit=9) == []
        assert await market_disclosures(conn, as_of=NOW, since=date(2026, 1, 1), limit=9) == []
        assert not await known_within(conn, timedelta(days=7), as_of=NOW)
        (found,) = await latest_disclosures(conn, codes=["005930"], as_of=clock.now(), limit=9)
        assert await get_disclosure(conn, found.id, as_of=NOW) is None
        assert await get_disclosure(conn, found.id, as_of=clock.now()) == found
        assert await known_within(conn, timedelta(days=7), as_of=clock.now())
    assert (found.kind, found.weight) == ("cancellation", Weight.MATERIAL)
    assert found.url == f"https://dart.fss.or.kr/dsaf001/main.do?rcpNo={found.receipt}"


async def test_the_market_list_has_the_material_ones_first(services: Services, dart: DartServer) -> None:
    await crawl(services)
    async with services.db.begin() as conn:
        found = await market_disclosures(conn, as_of=NOW, since=TODAY - timedelta(days=7), limit=500)
    material = [each for each in found if each.weight is Weight.MATERIAL]
    assert material
    assert found[: len(material)] == material
    assert [each.filed_on for each in material] == sorted((each.filed_on for each in material), reverse=True)


def test_a_preferred_share_has_the_filings_of_its_company() -> None:
    assert issuer_codes("005935") == ["005935", "005930"]
    assert issuer_codes("005930") == ["005930"]


async def test_a_changed_table_of_kinds_judges_what_is_stored_again(services: Services, dart: DartServer) -> None:
    dart.desk.silence()
    dart.desk.plant("005930", "주식소각결정", NOW - timedelta(hours=3))
    await crawl(services)
    async with services.db.begin() as conn:
        await conn.exec_driver_sql("UPDATE disclosure SET rules = 0, kind = 'old', weight = 'routine'")
    await crawl(services)
    assert await rows(services, "SELECT kind, weight FROM disclosure") == [("cancellation", "material")]


# Health


async def test_health_tells_what_was_read_how_many_calls_it_took_and_what_fails(
    services: Services, dart: DartServer, clock: ManualClock
) -> None:
    assert [each.kind for each in (await look(services)).notes] == [NoteKind.NOT_YET_READ, NoteKind.CALLS]
    await crawl(services)
    seen = await look(services)
    assert (seen.status, seen.last_success_at) == (Status.HEALTHY, NOW)
    assert seen.notes[0] == note(NoteKind.ITEMS, count=len(at_dart(dart, days=0)))
    assert seen.notes[1] == note(NoteKind.CALLS, used=len(dart.requests), most=20_000)
    dart.status = "800"
    clock.move(timedelta(minutes=5))
    with pytest.raises(Unavailable):
        await crawl(services)
    seen = await look(services)
    assert seen.status is Status.DEGRADED
    assert seen.notes[0] == note(NoteKind.FAILED, times=1, reason="dart unavailable")


async def test_health_says_when_it_was_not_read_for_an_hour(services: Services, clock: ManualClock) -> None:
    await look(services)
    await crawl(services)
    clock.move(timedelta(minutes=61))
    seen = await look(services)
    assert (seen.status, seen.notes[0].kind) == (Status.DEGRADED, NoteKind.NOT_READ)


async def test_health_without_a_key_says_that_the_feed_alone_is_read_and_without_either_that_it_is_off(
    open_test_services: OpenServices, dart: DartServer
) -> None:
    async with reading(open_test_services, dart, api_key=None) as services:
        await crawl_feed(services, services.db.begin)
        assert [each.kind for each in (await look(services)).notes] == [NoteKind.ITEMS, NoteKind.FEED_ONLY]
    async with open_test_services() as bare:
        with pytest.raises(NotConfigured, match="DART_API_KEY"):
            await look(bare)
