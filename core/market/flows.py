"""What foreigners, institutions and individuals bought net: collected after the close, known from when it was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Unsupported
from core.kis.investors import Flows, NetTrading
from core.market import flow_queries as queries
from core.market.asking import Answers, ask_each
from core.services import Services
from core.sources.service import quarantine, record_success

SOURCE: Final = "kis_flows"
"""The source, as `/health` names it."""


async def ask(services: Services, codes: Sequence[str]) -> Answers[Flows]:
    """The newest thirty sessions of these stocks; raises as `core.market.asking.ask_each`."""
    return await ask_each(services, SOURCE, codes, lambda code: _asked(services, code))


def store(services: Services) -> Callable[[AsyncConnection, Answers[Flows]], Awaitable[int]]:
    """What keeps answers in a transaction, as known from now on; it returns how many sessions were new or corrected."""

    async def keep(conn: AsyncConnection, answers: Answers[Flows]) -> int:
        at = services.clock.now()
        stored = await queries.store_flows(
            conn, ((code, day) for code, flows in answers.found.items() for day in flows.days), source="KIS", at=at
        )
        rejected = (row for flows in answers.found.values() for row in flows.rejected)
        await quarantine(conn, SOURCE, rejected, at=at)
        await record_success(conn, SOURCE, items=len(answers.found), at=at, services=services)
        return stored

    return keep


async def known_flows(services: Services, code: str, *, as_of: datetime, sessions: int) -> list[NetTrading]:
    """The last `sessions` sessions known at `as_of`, oldest first and without a hole; fewer where one is missing.

    Empty where the newest is neither that of the last closed session nor of the one before, whose figures are not
    out at once.
    """
    async with services.db.read() as conn:
        found = await queries.flows_known(conn, [code], as_of=as_of, sessions=sessions)
    days = {flow.day: flow for flow in found.get(code, [])}
    return _unbroken(services, days, services.calendar.last_closed_session(as_of))


def _unbroken(services: Services, days: dict[date, NetTrading], last: date) -> list[NetTrading]:
    previous = services.calendar.previous_session
    day = last if last in days else previous(last)
    unbroken: list[NetTrading] = []
    while day in days:
        unbroken.append(days[day])
        day = previous(day)
    return unbroken[::-1]


async def _asked(services: Services, code: str) -> Flows:
    """By the service that reaches back, else by the one that every key may ask at every hour."""
    last = services.calendar.last_closed_session(services.clock.now())
    if not services.settings.kis.paper:
        try:
            return await services.kis.flows_until(code, last)
        except Unsupported:
            pass  # its gate opens minutes after the close
    return await services.kis.flows(code)
