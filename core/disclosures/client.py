"""OpenDART: typed answers to typed questions, every call counted before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst, kst_date
from core.disclosures.filing import Company, Corp, Division, Listed
from core.disclosures.parsers import archive, replies
from core.disclosures.parsers.replies import NO_DATA, OK, Reply
from core.errors import (
    Blocked,
    Malformed,
    NotConfigured,
    QuotaExceeded,
    StockPilotError,
    Unavailable,
    Unsupported,
)
from core.http import MAX_BYTES
from core.services import Services

PAGE: Final = 100
"""Filings of a page: the most there can be."""
AGAIN_AFTER: Final = timedelta(hours=1)
"""How long after a refusal for too many calls the next is tried, where by our own count some are left: the same key
may be in use elsewhere, and some say that the limit is one of the minute too."""

_KEY_REFUSED: Final = {
    "010": "the key is not registered",
    "011": "the key may not be used now",
    "012": "this address may not use the key",
    "101": "an improper access",
    "901": "the key has expired",
}
_LATER: Final = {"800": "under maintenance", "900": "an undefined error"}


class OpenDart:
    """The questions OpenDART answers.

    Each raises `NotConfigured` (no key), `QuotaExceeded` (the day's calls are spent, with when to try again), `Blocked`
    (the key is refused), `Unavailable` (network, maintenance), `Unsupported` (no such filing) or `Malformed`. No error
    holds the key.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings.dart

    async def filings(
        self,
        division: Division | None = None,
        *,
        start: date,
        end: date,
        page: int = 1,
        corp_code: str | None = None,
        last_only: bool = False,
    ) -> Listed:
        """A page of the filings of the days [start, end], the newest day first, of a board or of a company.

        Inside a day the order is not strict. With `last_only` what a correction replaced is left out.
        """
        asked = {
            "bgn_de": f"{start:%Y%m%d}",
            "end_de": f"{end:%Y%m%d}",
            "last_reprt_at": "Y" if last_only else "N",
            "sort": "date",
            "sort_mth": "desc",
            "page_no": str(page),
            "page_count": str(PAGE),
        }
        if division is not None:
            asked["corp_cls"] = division.value
        if corp_code is not None:
            asked["corp_code"] = corp_code
        reply = await self._json("list.json", asked)
        return replies.parse_list(reply, at=self._now())

    async def company(self, corp_code: str) -> Company:
        """The card of a company."""
        reply = await self._json("company.json", {"corp_code": corp_code})
        if reply.status == NO_DATA:
            raise Unsupported("OpenDART: no such company")
        return replies.parse_company(reply, at=self._now())

    async def corps(self) -> tuple[Corp, ...]:
        """Every company that has or had a stock code."""
        body = await self._zip("corpCode.xml", {})
        return await asyncio.to_thread(archive.parse_corps, body, at=self._now())

    async def document(self, receipt: str) -> str:
        """The text of a filing, at most 20,000 letters of it."""
        body = await self._zip("document.xml", {"rcept_no": receipt})
        return await asyncio.to_thread(archive.parse_document, body)

    async def _json(self, name: str, asked: Mapping[str, str]) -> Reply:
        reply = replies.parse_reply(await self._get(name, asked, MAX_BYTES))
        if reply.status not in (OK, NO_DATA):
            raise refusal(reply, at=self._now())
        return reply

    async def _zip(self, name: str, asked: Mapping[str, str]) -> bytes:
        body = await self._get(name, asked, archive.MOST_ZIPPED)
        if archive.zipped(body):
            return body
        reply = archive.parse_refusal(body)
        if reply.status in (OK, NO_DATA):
            raise Unsupported("OpenDART: no file")
        raise refusal(reply, at=self._now())

    async def _get(self, name: str, asked: Mapping[str, str], most: int) -> bytes:
        if self._settings.api_key is None:
            raise NotConfigured("OpenDART: DART_API_KEY is not set")
        async with self._services.db.begin() as conn:
            await spend(conn, allowance=self._settings.daily_calls, at=self._now())
        key = {"crtfc_key": self._settings.api_key.get_secret_value()}
        url = f"{self._settings.base_url.rstrip('/')}/{name}"
        return await self._services.fetcher.get(url, params=key | dict(asked), max_bytes=most)

    def _now(self) -> datetime:
        return self._services.clock.now()


def refusal(reply: Reply, *, at: datetime) -> StockPilotError:
    """What a status other than 000 and 013 means."""
    said = f"OpenDART {reply.status}"
    if reply.status in _KEY_REFUSED:
        return Blocked(f"{said}: {_KEY_REFUSED[reply.status]}")
    if reply.status == "020":
        return QuotaExceeded(f"{said}: too many calls", retry_at=min(at + AGAIN_AFTER, midnight_after(at)))
    if reply.status in _LATER:
        return Unavailable(f"{said}: {_LATER[reply.status]}")
    if reply.status == "014":
        return Unsupported(f"{said}: no file")
    return Malformed(f"{said}: {reply.message}")


async def spend(conn: AsyncConnection, *, allowance: int, at: datetime) -> int:
    """Count a call before it is made; returns how many that makes today in Seoul.

    Raises `QuotaExceeded` where it would be one too many, and counts nothing then.
    """
    query = text(
        "INSERT INTO dart_day AS d (day, calls) SELECT :day, 1 WHERE :allowance > 0 "
        "ON CONFLICT (day) DO UPDATE SET calls = d.calls + 1 WHERE d.calls < :allowance RETURNING calls"
    )
    calls = (await conn.execute(query, {"day": kst_date(at), "allowance": allowance})).scalar_one_or_none()
    if calls is None:
        raise QuotaExceeded(f"OpenDART: the {allowance:,} calls of today are spent", retry_at=midnight_after(at))
    return int(calls)


async def calls_today(conn: AsyncConnection, *, at: datetime) -> int:
    """Calls made or about to be made on the day of `at` in Seoul."""
    query = text("SELECT coalesce(sum(calls), 0) FROM dart_day WHERE day = :day")
    return int((await conn.execute(query, {"day": kst_date(at)})).scalar_one())


def midnight_after(at: datetime) -> datetime:
    """When the next day begins in Seoul."""
    return kst(kst_date(at) + timedelta(days=1))
