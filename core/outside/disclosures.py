"""DART, part by part, as declared sources."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.disclosures.client import calls_today
from core.disclosures.parsers import archive, day_list, feed, replies
from core.disclosures.service import COMPANY_FEEDS, CORPS, DAY_LIST, FEED, LIST, PARTS
from core.outside.declared import Declared, Family, Off, Quota, Why
from core.services import Services
from core.settings import Settings

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        LIST: replies.VERSION,
        FEED: feed.VERSION,
        COMPANY_FEEDS: feed.VERSION,
        DAY_LIST: day_list.VERSION,
        CORPS: archive.VERSION,
    }
)
"""The version of the parser of each part."""


def _disclosures(key: str) -> Declared:
    part = next((part for part in PARTS if part.key == (FEED if key == COMPANY_FEEDS else key)), None)
    assert part is not None
    switch = {DAY_LIST: "DART_DAY_LIST_URL", FEED: "DART_RSS_URL", COMPANY_FEEDS: "DART_RSS_URL"}.get(
        key, "DART_API_KEY"
    )

    def off(settings: Settings) -> Off | None:
        why = Why.UNDECIDED if key == DAY_LIST else Why.UNSET
        return Off(why=why, switch=switch) if part.off_because(settings) else None

    async def probe(services: Services) -> object:
        return await part.crawl(services, services.db.begin)

    async def calls(services: Services, conn: AsyncConnection) -> Quota:
        used = await calls_today(conn, at=services.clock.now())
        return Quota(used=used, limit=services.settings.dart.daily_calls)

    return Declared(
        key=key,
        family=Family.DISCLOSURES,
        component="dart",
        off=off,
        probe=None if key == COMPANY_FEEDS else probe,
        quota=calls if switch == "DART_API_KEY" else None,
        version=VERSIONS[key],
    )


DISCLOSURES: Final = tuple(_disclosures(key) for key in (LIST, FEED, COMPANY_FEEDS, DAY_LIST, CORPS))
"""The parts of DART, in the order they are shown."""
