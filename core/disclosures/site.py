"""DART's own site: the feeds it publishes, and the list of a day where the operator has it read."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

from core.disclosures.filing import Listed, together
from core.disclosures.parsers.day_list import parse_day
from core.disclosures.parsers.feed import parse_feed
from core.services import Services

_MOST: Final = 5_000_000
_MOST_PAGES: Final = 30


async def today_feed(services: Services) -> Listed:
    """The filings of the day with their minute; raises what `Fetcher.get` and `parse_feed` raise."""
    return await _feed(services, "todayRSS.xml", {})


async def company_feed(services: Services, corp_code: str) -> Listed:
    """The filings of a listed company in its last five business days; raises the same."""
    return await _feed(services, "companyRSS.xml", {"crpCd": corp_code})


async def day_list(services: Services, day: date) -> Listed:
    """Every filing of a day with its minute, all pages; raises what `Fetcher.get` and `parse_day` raise."""
    found: list[Listed] = []
    while not found or len(found) < min(found[0].pages, _MOST_PAGES):
        asked = {"selectDate": f"{day:%Y.%m.%d}", "pageGrouping": "A", "currentPage": str(len(found) + 1)}
        body = await services.fetcher.get(services.settings.dart.day_list_url, params=asked, max_bytes=_MOST)
        found.append(await asyncio.to_thread(parse_day, body, at=services.clock.now()))
    return together(found)


async def _feed(services: Services, name: str, asked: dict[str, str]) -> Listed:
    url = f"{services.settings.dart.rss_url.rstrip('/')}/{name}"
    body = await services.fetcher.get(url, params=asked, max_bytes=_MOST)
    return await asyncio.to_thread(parse_feed, body, at=services.clock.now())
