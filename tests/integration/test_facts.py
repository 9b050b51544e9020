from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.errors import Unavailable
from core.market.queries import store_bars
from core.prediction.fact import FactSheet
from core.prediction.facts import build_sheet
from core.search.service import embed_pending
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from tests.conftest import NOW
from tests.sheets import LAST_DAY, SAMSUNG, make_bar, make_bars

YOUNG = Stock(code="0126Z0", name="삼성에피스홀딩스", market=Market.KOSPI)
BARS = make_bars(260)
TITLES = (
    "삼성전자 반도체 영업이익 사상 최대",
    "삼성전자 반도체 영업이익 기대 이상",
    "삼성전자 노조 파업 예고",
)


@pytest.fixture
async def known(services: Services) -> Services:
    """Services with two stocks, a year of bars for one and three for the other."""
    async with services.db.begin() as conn:
        await upsert_stocks(conn, [SAMSUNG, YOUNG], at=NOW)
        await store_bars(conn, SAMSUNG.code, BARS, source="KIS", at=NOW)
        await store_bars(conn, YOUNG.code, make_bars(3), source="KIS", at=NOW)
    return services


async def _publish(services: Services, title: str, *, at: datetime, seen: datetime | None = None) -> int:
    article = (
        "INSERT INTO article (canonical_id, url, title, summary, press, partial, published_at, first_seen_at, "
        "fingerprint) VALUES (:title, 'https://n.example/1', :title, '', '한국신문', false, :at, :seen, :title) "
        "RETURNING id"
    )
    async with services.db.begin() as conn:
        values = {"title": title, "at": at, "seen": seen or at}
        number: int = (await conn.execute(text(article), values)).scalar_one()
        match = "INSERT INTO match (article_id, code, relevance, reasons) VALUES (:id, :code, 1, '[]')"
        await conn.execute(text(match), {"id": number, "code": SAMSUNG.code})
    return number


async def _sheet(services: Services, stock: Stock = SAMSUNG, *, as_of: datetime = NOW) -> FactSheet:
    return await build_sheet(services, stock, as_of=as_of)


async def test_a_sheet_holds_price_indicators_and_setting_of_its_instant(known: Services) -> None:
    sheet = await _sheet(known)
    assert sheet.base_price == BARS[-1].close
    assert sheet.base_at == known.calendar.closes(LAST_DAY)
    assert [fact.id for fact in sheet.facts] == [f"f{number}" for number in range(1, len(sheet.facts) + 1)]
    assert {"price", "rsi_14", "sma_120", "high_52w", "news_24h", "market_cap"} <= sheet.by_name.keys()
    assert sheet.by_name["session"].text == f"{LAST_DAY}"
    assert sheet.value("market_cap") == (SAMSUNG.shares or 0) * sheet.base_price
    assert {"실시간 시세", "PER", "PBR", "투자자별 매매 동향"} <= set(sheet.missing)
    assert sheet.band > 0


async def test_three_bars_give_a_sheet_that_says_what_is_missing(known: Services) -> None:
    sheet = await _sheet(known, YOUNG)
    assert len(sheet.bars) == 3
    assert any("일봉 3개" in gap for gap in sheet.missing)


async def test_a_stock_without_any_price_has_no_sheet(known: Services) -> None:
    nobody = replace(YOUNG, code="999999")
    async with known.db.begin() as conn:
        await upsert_stocks(conn, [nobody], at=NOW)
    with pytest.raises(Unavailable, match="999999"):
        await _sheet(known, nobody)


async def test_evidence_is_recent_articles_and_similar_past_ones_with_what_followed(known: Services) -> None:
    day = BARS[-30].day
    past = await _publish(known, TITLES[0], at=known.calendar.closes(day) + timedelta(hours=1))
    for hour in range(1, 9):
        await _publish(known, f"{TITLES[1]} {hour}", at=NOW - timedelta(hours=hour))
    await embed_pending(known)
    sheet = await _sheet(known)
    assert sum(not item.similar for item in sheet.evidence) == 8
    (similar,) = [item for item in sheet.evidence if item.similar]
    assert similar.article_id == past
    assert similar.after_percent == pytest.approx((BARS[-29].close / BARS[-30].close - 1) * 100, abs=0.01)
    assert (sheet.value("news_24h"), sheet.value("news_7d")) == (8, 8)


def _later_price(services: Services) -> Any:
    later = make_bar(date(2026, 2, 23), 999_999)

    async def plant() -> None:
        async with services.db.begin() as conn:
            await store_bars(conn, SAMSUNG.code, [later], source="KIS", at=NOW + timedelta(days=3))

    return plant


def _later_quote(services: Services) -> Any:
    async def plant() -> None:
        values = "VALUES ('005930', 999999, 1, 1, 1, 1, 'KIS', :at)"
        columns = "(code, price, change, change_percent, volume, value, source, at)"
        async with services.db.begin() as conn:
            await conn.execute(text(f"INSERT INTO quote {columns} {values}"), {"at": NOW + timedelta(days=2)})

    return plant


def _later_article(services: Services) -> Any:
    async def plant() -> None:
        await _publish(services, TITLES[2], at=NOW + timedelta(hours=1))
        await embed_pending(services)

    return plant


def _article_seen_later(services: Services) -> Any:
    async def plant() -> None:
        await _publish(services, TITLES[1], at=NOW - timedelta(hours=2), seen=NOW + timedelta(minutes=1))
        await embed_pending(services)

    return plant


@pytest.mark.parametrize("planted", [_later_price, _later_quote, _later_article, _article_seen_later])
async def test_what_came_later_leaves_no_trace_on_a_sheet(
    known: Services, clock: ManualClock, planted: Callable[[Services], Any]
) -> None:
    await _publish(known, TITLES[0], at=NOW - timedelta(hours=3))
    await embed_pending(known)
    clock.move(timedelta(days=4))
    before = await _sheet(known)
    await planted(known)()
    after = await _sheet(known)
    assert after == before
    assert after.input_hash == before.input_hash


async def test_the_past_is_told_from_closed_sessions_alone(known: Services, clock: ManualClock) -> None:
    noon = known.calendar.opens(LAST_DAY) + timedelta(hours=3)
    sheet = await _sheet(known, as_of=noon)
    assert sheet.bars[-1].day == BARS[-2].day
    assert sheet.base_price == BARS[-2].close
    assert all(fact.at <= noon for fact in sheet.facts)
    assert "market_cap" not in sheet.by_name


async def test_a_quote_asked_now_is_the_price(known: Services) -> None:
    values = "VALUES ('005930', 71234, 234, 0.33, 1000, 71234000, 'KIS', :at)"
    columns = "(code, price, change, change_percent, volume, value, source, at)"
    async with known.db.begin() as conn:
        await conn.execute(text(f"INSERT INTO quote {columns} {values}"), {"at": NOW})
    sheet = await _sheet(known)
    assert (sheet.base_price, sheet.by_name["price"].source) == (71_234, "KIS")
