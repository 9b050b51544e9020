"""/market and the richer /price on the simulated Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core.embedded import Addresses
from jobs.registry import JOBS
from jobs.run import run_job
from tests.integration.bot_stage import Stage, open_stage


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("market")
    async with open_stage(servers, template, folder) as opened:
        yield opened


async def test_the_market_says_what_it_has_and_what_is_missing(stage: Stage) -> None:
    stage.world.kis.faults.add("html", path="inquire-index-price", times=9)
    said = await stage.ask("/market")
    assert "지금은 지수를 가져오지 못했습니다." in said
    assert "투자자별 순매수를 아직 모으지 않았습니다." in said
    assert "다음 거래일 2026-02-23 (09:00 개장)" in said
    stage.world.kis.faults.clear()
    services = stage.services
    await services.cache.clear()
    await run_job(services, JOBS["collect_investor_trends"], services.clock.now(), owner="test")
    said = await stage.ask("/market")
    assert "외국인" in said
    assert "코스피200" in said
    price = await stage.ask("/price 005930")
    assert "순매수 (2026-02-20) 외국인" in price


async def test_a_price_says_what_was_traded_after_the_close_and_what_the_stock_is(stage: Stage) -> None:
    services = stage.services
    async with services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO overtime_price (code, day, kind, price, change, volume, value, close, source, fetched_at) "
                "VALUES ('005930', '2026-02-20', 'single_price', 190300, -200, 12345, 1, 190500, 'KIS', now())"
            )
        )
        await conn.execute(
            text(
                "INSERT INTO product_info (code, name, sector_small, kospi200, on_nxt, read_at) "
                "VALUES ('005930', '삼성전자보통주', '전기,전자', true, true, now())"
            )
        )
    price = await stage.ask("/price 005930")
    assert "시간외 단일가 190,300원 🔵▼ 200원 · 12,345주" in price
    assert "전기,전자 · 코스피200 · NXT 거래" in price
    await stage.ask("/settings language en")
    assert "After-hours single price 190,300원" in await stage.ask("/price 005930")
    await stage.ask("/settings language ko")
