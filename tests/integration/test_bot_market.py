"""/market and the richer /price on the simulated Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
    said = await stage.ask("/market")
    assert "지수를 아직 모으지 않았습니다." in said
    assert "다음 거래일 2026-02-23" in said
    services = stage.services
    await run_job(services, JOBS["collect_investor_trends"], services.clock.now(), owner="test")
    said = await stage.ask("/market")
    assert "외국인" in said
    price = await stage.ask("/price 005930")
    assert "순매수 (2026-02-20) 외국인" in price
