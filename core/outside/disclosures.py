"""DART, part by part, as declared sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.disclosures.client import calls_today
from core.disclosures.filing import Listed
from core.disclosures.parsers import archive, day_list, feed, replies
from core.disclosures.queries import store_filings
from core.disclosures.service import COMPANY_FEEDS, CORPS, DAY_LIST, FEED, LIST, PARTS
from core.errors import Malformed
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


_ROWS: Final[Mapping[str, Callable[[str, datetime], Listed]]] = MappingProxyType(
    {
        LIST: lambda raw, at: replies.parse_list(
            replies.parse_reply(f'{{"status":"000","list":[{raw}]}}'.encode()), at=at
        ),
        **dict.fromkeys(
            (FEED, COMPANY_FEEDS),
            lambda raw, at: feed.parse_feed(f"<rss><channel>{raw}</channel></rss>".encode(), at=at),
        ),
    }
)
"""How one row of a part is read; a day's list needs the heading of its page, the file of companies comes whole."""


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
        in_reserve=key == COMPANY_FEEDS,
        again=_again(_ROWS[key]) if key in _ROWS else None,
    )


def _again(read: Callable[[str, datetime], Listed]) -> Callable[[Services, str, datetime], Awaitable[int]]:
    async def again(services: Services, raw: str, at: datetime) -> int:
        filings = read(raw, at).filings
        if not filings:
            raise Malformed("no filing")
        async with services.db.begin() as conn:
            return await store_filings(conn, filings, at=at)

    return again


DISCLOSURES: Final = tuple(_disclosures(key) for key in (LIST, FEED, COMPANY_FEEDS, DAY_LIST, CORPS))
"""The parts of DART, in the order they are shown."""
