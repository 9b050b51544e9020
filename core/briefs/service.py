"""Briefs: everything anybody is to be told is read once, then each person's part of it becomes a letter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from core.briefs import queries
from core.briefs.brief import (
    LONGEST_NAME,
    TIMES,
    WRITTEN,
    Brief,
    Flow,
    Index,
    Known,
    Price,
    Slot,
    Today,
    compose,
)
from core.briefs.queries import Reader
from core.clock import kst
from core.delivery.alert import Alert, AlertKind
from core.delivery.queries import Personal
from core.disclosures.service import FEED, LIST, PARTS
from core.market.flow_queries import flows_known
from core.market.indices import OF_MARKET, known_indices
from core.market.service import known_quotes
from core.news.sources import SOURCES
from core.services import Services

SCORED_WITHIN: Final = timedelta(days=35)
"""How long ago a horizon may have closed that was scored only now."""


async def known_of(
    services: Services, codes: Collection[str], *, day: date, slot: Slot, reports_at: Sequence[datetime] = ()
) -> Known:
    """What a brief of `day` can say of these stocks now. The number of statements does not grow with them.

    `reports_at` is when reports are due that day.
    """
    now, calendar = services.clock.now(), services.calendar
    due, session = kst(day, TIMES[slot]), calendar.is_session(day)
    filings_from = [part.key for part in PARTS if part.off_because(services.settings) is None]
    async with services.db.read() as conn:
        today = Today(
            slot=slot,
            day=day,
            at=now,
            last_close=calendar.closes(calendar.last_closed_session(now)),
            next_session=calendar.next_session(day),
            opens=calendar.opens(day) if session else None,
            closes=calendar.closes(day) if session else None,
            reports_at=tuple(reports_at) if session else (),
            filings_at=await queries.read_at(conn, [LIST if LIST in filings_from else FEED] if filings_from else ()),
            news_at=await queries.read_at(conn, SOURCES),
        )
        names = {code: name[:LONGEST_NAME] for code, name in (await queries.names_of(conn, codes)).items()}
        since = due - timedelta(days=1)
        known = Known(
            today=today,
            names=names,
            filings=await queries.new_filings(conn, names, since=since, as_of=now),
            stories=await queries.new_stories(conn, names, since=since, as_of=now),
        )
    if not session:
        return known
    known = await _with_prices(services, known)
    return await _with_results(services, known) if slot is Slot.CLOSE else known


async def _with_prices(services: Services, known: Known) -> Known:
    quotes = await known_quotes(services, list(known.names))
    prices = {
        code: Price(
            code=code, name=known.names[code], price=quote.price, change_percent=quote.change_percent, at=quote.at
        )
        for code, quote in quotes.items()
    }
    return replace(known, prices=prices, indices=await _indices(services))


async def _indices(services: Services) -> tuple[Index, ...]:
    """The index of either board as it is kept, or its last close where that is newer."""
    codes = list(OF_MARKET.values())
    async with services.db.read() as conn:
        quotes, closes = await known_indices(conn, codes), await queries.index_closes(conn, codes)
    known = {
        code: Index(code=code, level=quote.level, change_percent=quote.change_percent, at=quote.at)
        for code, quote in quotes.items()
    }
    for code, bars in closes.items():
        at = services.calendar.closes(bars[-1][0])
        if len(bars) > 1 and (code not in known or known[code].at < at):
            (_, before), (_, close) = bars
            known[code] = Index(code=code, level=close, change_percent=(close - before) / before * 100, at=at)
    return tuple(known[code] for code in codes if code in known)


async def _with_results(services: Services, known: Known) -> Known:
    """What is known besides of a session that ends: who bought, what reports say of it, which calls came true."""
    today, names = known.today, known.names
    before = services.calendar.previous_session(today.day)
    async with services.db.read() as conn:
        prices = {code: price.price for code, price in known.prices.items()}
        flows = await queries.estimated_flows(conn, names, prices, since=kst(today.day), as_of=today.at)
        final = await flows_known(conn, list(names), as_of=today.at, sessions=1)
        reports = await queries.new_reports(conn, names, since=kst(today.day), as_of=today.at)
        scored = await queries.new_scores(
            conn,
            names,
            since=kst(before, TIMES[Slot.CLOSE]),
            as_of=today.at,
            oldest=today.day - SCORED_WITHIN,
        )
    whole = {
        code: Flow(
            name=names[code],
            foreigners=days[-1].foreign_value,
            institutions=days[-1].institution_value,
            worth=abs(days[-1].foreign_value) + abs(days[-1].institution_value),
        )
        for code, days in final.items()
        if days[-1].day == today.day
    }
    return replace(known, flows=whole or flows, reports=reports, scored=scored)


def letters(known: Known, readers: Sequence[Reader]) -> list[Personal]:
    """The letters of these readers, without those who have nothing to be told. Pure, and best done in a thread."""
    composed = ((reader, compose(known, reader.codes, reader.chosen)) for reader in readers)
    return [_letter(reader, brief) for reader, brief in composed if brief is not None]


def _letter(reader: Reader, brief: Brief) -> Personal:
    day, slot = brief.today.day.isoformat(), brief.today.slot.value
    facts = {"slot": slot, "day": day, "brief": WRITTEN.dump_json(brief, exclude_defaults=True).decode()}
    alert = Alert(kind=AlertKind.BRIEF, key=f"brief:{day}:{slot}:{reader.user_id}", facts=facts)
    return Personal(user_id=reader.user_id, mode=reader.mode, alert=alert)
