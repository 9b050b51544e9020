"""Scoring: every prediction is judged once, when its horizon has closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncConnection

from core.scoring.queries import score
from core.services import Services

SCORED_HORIZONS = (1,)
"""Horizons in sessions that are scored; the others are sealed and wait."""


async def score_closed(
    services: Services, *, begin: Callable[[], AbstractAsyncContextManager[AsyncConnection]] | None = None
) -> int:
    """Score every horizon closed by now and not yet scored; returns how many. Running it again changes nothing."""
    now = services.clock.now()
    async with (begin or services.db.begin)() as conn:
        return await score(conn, sessions=SCORED_HORIZONS, closed=services.calendar.last_closed_session(now), at=now)
