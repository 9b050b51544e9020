"""The whole market in one look: prices of every listed stock thirty a call, and the minutes that lie between looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.kis.multi import Quotes
from core.market import minute_queries, queries
from core.market.bar import Quote
from core.market.minute import MINUTE, minute_between, sample_of
from core.market.service import Begin
from core.services import Services
from core.sources.service import ask_source, quarantine, record_success

SOURCE: Final = "kis_multi"
"""The source, as `/health` names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """How many stocks were asked for, priced, and given a minute."""

    asked: int
    priced: int
    minutes: int


async def sweep(services: Services, codes: Sequence[str], begin: Begin, *, slot: datetime | None = None) -> Swept:
    """Ask for the prices of these stocks and keep them, in one transaction.

    With `slot`, the start of a minute, the one that ended with it is made of this look and the last one and kept as
    a sampled bar. Raises as `core.kis.client` does.
    """
    answer = await ask_source(services, SOURCE, lambda: _asked(services, codes))
    calendar, now = services.calendar, services.clock.now()
    stands = min(now, calendar.closes(calendar.latest_session(now)))
    quotes = [replace(quote, at=min(quote.at, stands)) for quote in answer.quotes]
    async with begin() as conn:
        await queries.store_swept(conn, quotes)
        minutes = await _keep_minutes(services, conn, quotes, slot) if slot else 0
        await quarantine(conn, SOURCE, answer.rejected, at=now)
        await record_success(conn, SOURCE, items=len(quotes), at=now, services=services)
    return Swept(asked=len(codes), priced=len(quotes), minutes=minutes)


async def _keep_minutes(services: Services, conn: AsyncConnection, quotes: Sequence[Quote], slot: datetime) -> int:
    opens = services.calendar.opens(services.calendar.latest_session(slot))
    before = await minute_queries.last_samples(conn)
    opened_with = {quote.code: quote.open or quote.price for quote in quotes}
    samples = [sample for quote in quotes if (sample := sample_of(quote)) is not None]
    bars = [
        (sample.code, bar)
        for sample in samples
        if (
            bar := minute_between(
                before.get(sample.code),
                sample,
                opened_with=opened_with[sample.code],
                at=slot - MINUTE,
                opens=opens,
            )
        )
    ]
    await minute_queries.store_samples(conn, samples)
    return await minute_queries.store_minutes(conn, bars)


async def _asked(services: Services, codes: Sequence[str]) -> Quotes:
    return await services.kis.quotes(codes)
