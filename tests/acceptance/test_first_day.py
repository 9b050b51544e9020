"""The first hour of a fresh installation, whenever it begins and whatever is down, and a stock's first day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo import USER_ID, Demo, ask, running_demo, shown
from core.clock import KST, ManualClock
from core.settings import AppSettings, Settings
from jobs.scheduler import run_due
from sim.market import SimMarket, generated_market
from sim.replay import replayed_market
from sim.world import open_world
from tests.samples import sample

RECORD = "krx/marcap-2026_part_20260102-20260220.parquet"
LISTED_ON, LISTED = date(2026, 1, 30), "0001A0"
"""The first day of a stock in the record."""


@pytest.fixture(scope="module")
def market() -> SimMarket:
    """An invented market."""
    return generated_market(7, until=date(2026, 3, 6))


def clock_at(moment: str) -> ManualClock:
    """A clock that stands at a moment of Seoul."""
    return ManualClock(datetime.fromisoformat(moment).replace(tzinfo=KST))


@asynccontextmanager
async def fresh(market: SimMarket, clock: ManualClock, folder: Path) -> AsyncIterator[Demo]:
    """The product at its first start."""
    settings = Settings(_env_file=None, app=AppSettings(data_dir=folder))
    async with running_demo(settings, folder / "demo", market, clock, jobs=False) as demo:
        demo.world.llm.latency = 0
        yield demo


async def said(demo: Demo, text: str) -> str:
    """The last answer to a text."""
    *_, last = await ask(demo, demo.telegram.users[USER_ID], text)
    return str(last.text)


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-02-20 23:00", "2026-02-20"),
        ("2026-02-17 11:00", "2026-02-13"),
        ("2026-02-22 03:00", "2026-02-20"),
        ("2026-02-20 08:45", "2026-02-19"),
    ],
    ids=["night", "new year", "sunday", "before the open"],
)
async def test_first_message_outside_a_session_gets_the_last_session(
    market: SimMarket, tmp_path: Path, moment: str, session: str
) -> None:
    clock = clock_at(moment)
    true = [bar for bar in market.bars("005930", until=clock.now()) if f"{bar.day}" <= session][-1]
    async with fresh(market, clock, tmp_path) as demo:
        report = await said(demo, "/report 005930")
        head = next(line for line in report.splitlines() if line.startswith(f"{true.close:,}원"))
        assert head.endswith(f"{session} 15:30")
        assert f"데이터 기준 {moment}" in report
        card = await said(demo, "005930")
        assert f"{session} 15:30 KST" in card
        assert f"거래량 {true.volume:,}주" in card
        assert "관심종목이 아직 없습니다" in await said(demo, "/watchlist")


async def test_exchange_dead_at_the_first_start_is_said_and_forgotten_when_it_is_back(
    market: SimMarket, tmp_path: Path
) -> None:
    clock = clock_at("2026-02-20 15:50")
    settings = Settings(_env_file=None, app=AppSettings(data_dir=tmp_path))
    async with open_world(market, clock, llm_latency=0.0) as world:
        await world.kis.stop()
        async with shown(world, settings, tmp_path / "demo", clock, jobs=False) as demo:
            assert "StockPilot" in await said(demo, "/start")
            for text in ("/report 삼성전자", "005930", "/watch 005930", "ㅅㅅㅈㅈ"):
                assert "잠시 뒤에 다시 시도해 주세요" in await said(demo, text)
            await world.kis.start()
            clock.move(timedelta(minutes=10))
            assert "005930" in await said(demo, "/report 삼성전자")
            ended = {due.spec.name: state for due, state in await run_due(demo.services)}
            assert set(ended.values()) == {"succeeded"}


@pytest.mark.parametrize(("at", "bars"), [("10:00", 0), ("15:50", 1)], ids=["session", "evening"])
async def test_first_report_on_the_day_of_listing(tmp_path: Path, at: str, bars: int) -> None:
    market: Any = replayed_market(sample(RECORD))
    clock = clock_at(f"{LISTED_ON} {at}")
    async with fresh(market, clock, tmp_path) as demo:
        report = await said(demo, f"/report {LISTED}")
        quote = market.quote(LISTED, clock.now())
        assert f"{quote.bar.close:,}원 🔴▲ {quote.percent:+.2f}%" in report
        assert f"(일봉 {bars}개)" in report
        assert "5거래일 수익률" not in report
        assert f"{quote.bar.close:,}원" in await said(demo, f"/price {LISTED}")
