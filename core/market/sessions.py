"""The exchange's own calendar, read once a day, corrects ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import structlog

from core.clock import kst_date
from core.kis.calendar import known_sessions, store_sessions
from core.kis.rows import Rejected
from core.market.service import Begin
from core.services import Services
from core.sources.service import ask_source, quarantine, record_success

log = structlog.get_logger(__name__)

SOURCE: Final = "kis_calendar"
"""The source, as `/health` names it."""

Days = tuple[Mapping[date, bool], tuple[Rejected, ...]]


async def refresh_sessions(services: Services, *, begin: Begin | None = None) -> int:
    """Read the next weeks of the exchange's calendar, keep them and follow them; returns how many days were wrong.

    Other processes follow by `follow_sessions`. Raises as `core.kis.client`.
    """
    today = kst_date(services.clock.now())

    async def ask() -> Days:
        return await services.kis.sessions(today)

    days, rejected = await ask_source(services, SOURCE, ask)
    at = services.clock.now()
    async with (begin or services.db.begin)() as conn:
        await store_sessions(conn, days, at=at)
        await quarantine(conn, SOURCE, rejected, at=at)
        await record_success(conn, SOURCE, items=len(days), at=at, services=services)
    wrong = {day: trades for day, trades in days.items() if services.calendar.is_session(day) is not trades}
    services.calendar.learn(days)
    for day, trades in wrong.items():
        log.warning("calendar_corrected", day=day.isoformat(), trades=trades)
    return len(wrong)


async def follow_sessions(services: Services) -> None:
    """Follow what was read of the exchange's calendar by any process. Raises `Unavailable`."""
    async with services.db.read() as conn:
        services.calendar.learn(await known_sessions(conn))
