"""The stock master: read from the simulated file server, kept in the database, found by the resolver."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from core.clock import ManualClock
from core.errors import Malformed, StockPilotError, Unavailable
from core.services import Services
from core.sources.models import QuarantineRow
from core.sources.service import get_source
from core.stocks.models import StockAliasRow, StockRow
from core.stocks.nicknames import nickname_pairs
from core.stocks.queries import get_stock, list_aliases, list_followed, list_stocks
from core.stocks.resolver import Found
from core.stocks.service import SOURCE, refresh_stocks, stock_resolver
from core.stocks.stock import Market, Stock
from sim.kis.master import master_file
from sim.kis.server import KisServer
from sim.market import SimIssue, SimMarket, generated_market
from tests.conftest import OpenServices

EVERYTHING = generated_market(7, until=date(2026, 3, 6))


@pytest.fixture
async def kis(clock: ManualClock) -> AsyncIterator[KisServer]:
    server = KisServer(EVERYTHING, clock.now)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def live(kis: KisServer, open_test_services: OpenServices) -> AsyncIterator[Services]:
    async with open_test_services(kis={"master_url": f"{kis.url}/common/master/"}) as services:
        yield services


def change(server: KisServer, clock: ManualClock, issues: dict[str, SimIssue]) -> None:
    """A day later the files list these issues."""
    later = server.now() + timedelta(days=30)
    server.market = SimMarket(issues, {code: EVERYTHING.bars(code, until=later) for code in issues})
    clock.move(timedelta(days=1))


async def stocks_of(services: Services) -> dict[str, Stock]:
    async with services.db.begin() as conn:
        return {stock.code: stock for stock in await list_stocks(conn)}


async def test_the_first_refresh_lists_what_the_exchange_lists(live: Services, kis: KisServer) -> None:
    refreshed = await refresh_stocks(live)
    listed = {issue.code: issue for issue in kis.market.listed(live.clock.now())}
    stored = await stocks_of(live)
    assert stored.keys() == listed.keys()
    assert (refreshed.listed, refreshed.new, refreshed.delisted, refreshed.rejected) == (len(listed), len(listed), 0, 0)
    for code, issue in listed.items():
        stock = stored[code]
        assert (stock.name, stock.market, stock.kind, stock.active) == (issue.name, issue.market, issue.kind, True)
        assert stock.shares == issue.shares // 1000 * 1000 or stock.shares is None
    assert {stock.market for stock in stored.values()} >= {Market.KOSPI, Market.KOSDAQ}


async def test_a_second_refresh_changes_nothing(live: Services) -> None:
    await refresh_stocks(live)
    before = await stocks_of(live)
    again = await refresh_stocks(live)
    assert (again.new, again.renamed, again.delisted) == (0, 0, 0)
    assert await stocks_of(live) == before


async def test_nicknames_of_listed_stocks_are_aliases(live: Services) -> None:
    await refresh_stocks(live)
    codes = (await stocks_of(live)).keys()
    async with live.db.begin() as conn:
        aliases = await list_aliases(conn)
    assert set(aliases) == {pair for pair in nickname_pairs() if pair[1] in codes}
    assert ("삼전", "005930") in aliases


async def test_a_nickname_no_longer_in_the_table_goes_but_a_former_name_stays(live: Services) -> None:
    await refresh_stocks(live)
    async with live.db.begin() as conn:
        await conn.execute(insert(StockAliasRow).values(alias="옛별명", code="005930", kind="nickname"))
        await conn.execute(insert(StockAliasRow).values(alias="옛이름", code="005930", kind="former"))
    await refresh_stocks(live)
    async with live.db.begin() as conn:
        names = {alias for alias, _ in await list_aliases(conn)}
    assert "옛별명" not in names
    assert "옛이름" in names


async def test_a_renamed_stock_is_still_found_by_its_former_name(
    live: Services, kis: KisServer, clock: ManualClock
) -> None:
    await refresh_stocks(live)
    issues = dict(EVERYTHING.issues)
    issues["000660"] = replace(issues["000660"], name="새하이닉스")
    change(kis, clock, issues)
    refreshed = await refresh_stocks(live)
    assert refreshed.renamed == 1
    async with live.db.begin() as conn:
        query = select(StockAliasRow.alias, StockAliasRow.until).where(StockAliasRow.kind == "former")
        assert (await conn.execute(query)).all() == [("SK하이닉스", date(2026, 2, 21))]
    resolver = await stock_resolver(live)
    for query_text in ("새하이닉스", "SK하이닉스"):
        found = resolver.resolve(query_text)
        assert isinstance(found, Found)
        assert found.stock.code == "000660"


async def test_a_vanished_stock_stays_as_inactive_and_may_come_back(
    live: Services, kis: KisServer, clock: ManualClock
) -> None:
    await refresh_stocks(live)
    change(kis, clock, {code: issue for code, issue in EVERYTHING.issues.items() if code != "000660"})
    assert (await refresh_stocks(live)).delisted == 1
    assert not (await stocks_of(live))["000660"].active
    assert (await refresh_stocks(live)).delisted == 0
    change(kis, clock, dict(EVERYTHING.issues))
    await refresh_stocks(live)
    assert (await stocks_of(live))["000660"].active


async def test_what_an_admin_set_survives_a_refresh(live: Services) -> None:
    await refresh_stocks(live)
    async with live.db.begin() as conn:
        await conn.execute(update(StockRow).where(StockRow.code == "005930").values(priority=7))
    await refresh_stocks(live)
    async with live.db.begin() as conn:
        stock = await get_stock(conn, "005930")
    assert stock is not None
    assert stock.priority == 7


async def test_a_file_that_lost_over_a_tenth_of_a_market_changes_nothing(
    live: Services, kis: KisServer, clock: ManualClock
) -> None:
    await refresh_stocks(live)
    before = await stocks_of(live)
    kospi = [code for code, stock in before.items() if stock.market is Market.KOSPI]
    lost = set(kospi[: len(kospi) // 10 + 1])
    change(kis, clock, {code: issue for code, issue in EVERYTHING.issues.items() if code not in lost})
    with pytest.raises(Malformed, match="missing from the new master file"):
        await refresh_stocks(live)
    assert await stocks_of(live) == before
    async with live.db.begin() as conn:
        status = await get_source(conn, SOURCE)
    assert (status.failures_in_row, status.failure_kind, status.last_items) == (1, "malformed", len(before))


@pytest.mark.parametrize(
    ("effect", "error"),
    [("html", Malformed), ("empty", Malformed), ("truncate", Unavailable), ("close", Unavailable)],
)
async def test_a_broken_file_changes_nothing_and_is_a_typed_failure(
    live: Services, kis: KisServer, effect: str, error: type[StockPilotError]
) -> None:
    await refresh_stocks(live)
    before = await stocks_of(live)
    kis.faults.add(effect, path="kosdaq_code")  # type: ignore[arg-type]
    with pytest.raises(error):
        await refresh_stocks(live)
    assert await stocks_of(live) == before
    async with live.db.begin() as conn:
        assert (await get_source(conn, SOURCE)).failures_in_row == 1
    await refresh_stocks(live)


async def test_a_bad_line_is_quarantined_and_the_rest_is_kept(live: Services, kis: KisServer) -> None:
    with zipfile.ZipFile(io.BytesIO(master_file(kis.market, Market.KOSPI, live.clock.now()))) as archive:
        good = archive.read("kospi_code.mst")
    kis.faults.add("answer", path="kospi_code", body=good + b"\x00" * 40 + b"\n", headers={"Content-Type": "x/y"})
    refreshed = await refresh_stocks(live)
    assert refreshed.rejected == 1
    assert "005930" in await stocks_of(live)
    async with live.db.begin() as conn:
        (row,) = (await conn.execute(select(QuarantineRow.source, QuarantineRow.reason))).all()
    assert row.source == SOURCE
    assert row.reason.startswith("kospi_code.mst.zip: 40 bytes")


async def test_the_resolver_is_built_once_and_again_when_the_list_changed(
    live: Services, kis: KisServer, clock: ManualClock
) -> None:
    await refresh_stocks(live)
    first, same = await asyncio.gather(stock_resolver(live), stock_resolver(live))
    assert first is same
    assert await stock_resolver(live) is first
    change(kis, clock, {code: issue for code, issue in EVERYTHING.issues.items() if code != "000660"})
    await refresh_stocks(live)
    newer = await stock_resolver(live)
    assert newer is not first
    stock = newer.get("000660")
    assert stock is not None
    assert not stock.active


async def test_an_empty_list_gives_a_resolver_that_knows_nothing(services: Services) -> None:
    resolver = await stock_resolver(services)
    assert resolver.get("005930") is None


async def test_followed_are_listed_stocks_with_priority_or_watched_by_code(live: Services) -> None:
    await refresh_stocks(live)
    async with live.db.begin() as conn:
        await conn.execute(update(StockRow).where(StockRow.code.in_(["035420", "000660"])).values(priority=2))
        await conn.execute(update(StockRow).where(StockRow.code == "000660").values(active=False))
        watched = await list_followed(conn, ["005930", "000660", "999999"])
        nobody = await list_followed(conn, [])
    assert [stock.code for stock in watched] == ["005930", "035420"]
    assert [stock.code for stock in nobody] == ["035420"]
