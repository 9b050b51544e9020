from __future__ import annotations

import httpx

from core.clock import ManualClock
from core.settings import Settings
from sim.market import SimMarket
from sim.world import open_world


async def test_the_settings_of_a_world_are_settings_of_the_product_and_lead_to_its_services(
    market: SimMarket, clock: ManualClock
) -> None:
    async with open_world(market, clock, llm_latency=0) as world, httpx.AsyncClient() as client:
        settings = Settings.model_validate(world.settings_overrides())
        assert settings.kis.app_key is not None
        assert settings.openai.api_key is not None
        assert settings.kis.rate == 18
        assert set(settings.news.sources) == {"naver_main", "naver_focus", "naver_stock", "hankyung_page", "mk_page"}
        master = await client.get(f"{settings.kis.master_url}kospi_code.mst.zip")
        assert master.content.startswith(b"PK")
        headers = {"Authorization": f"Bearer {settings.openai.api_key.get_secret_value()}"}
        for address in (settings.openai.base_url, settings.openrouter.base_url):
            assert (await client.get(f"{address}/models", headers=headers)).status_code == 200
        listed = await client.get(f"{settings.news.naver_mobile_url}/api/news/stock/005930")
        assert listed.json()
    assert world.kis.requests[-1].path == "/common/master/kospi_code.mst.zip"


async def test_a_paper_world_is_slow(market: SimMarket, clock: ManualClock) -> None:
    async with open_world(market, clock, paper=True) as world:
        assert Settings.model_validate(world.settings_overrides()).kis.rate == 1
