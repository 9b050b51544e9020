"""Evenly spaced calls: no burst ever, and slower for a while after a refusal."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from core.clock import Clock

_MARGIN: Final = 1.05
"""Calls leave evenly but arrive with jitter; a twentieth of a second in every second absorbs it."""

_MOST_SLOWED: Final = 16.0
_RECOVERY: Final = 0.98
_PAUSE: Final = timedelta(seconds=1)


class Pace:
    """One call every 1.05 / `calls_per_second` seconds, in the order they asked.

    A refusal pauses everybody for a second and doubles the spacing (16 times the normal one at most); each
    accepted call then takes back two percent of it. So a key that is allowed less than its rate says finds it.
    """

    def __init__(self, calls_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._normal = timedelta(seconds=_MARGIN / calls_per_second)
        self._slowed = 1.0
        self._free_at: datetime | None = None
        self._paused_until: datetime | None = None
        self._turn = asyncio.Lock()

    @property
    def spacing(self) -> timedelta:
        """The time between two calls now."""
        return self._normal * self._slowed

    async def turn(self) -> None:
        """Wait until the next call may leave."""
        async with self._turn:
            now = self._clock.now()
            wait = (self._free_at or now) - now
            # A clock set back must not turn a wait of milliseconds into hours.
            wait = min(wait, max(self.spacing, _PAUSE))
            if wait > timedelta():
                await self._clock.sleep(wait.total_seconds())
            self._free_at = self._clock.now() + self.spacing

    def accepted(self) -> None:
        """A call was within the rate."""
        self._slowed = max(1.0, self._slowed * _RECOVERY)

    def refused(self) -> None:
        """A call was over the rate. Calls that were under way together count as one refusal."""
        now = self._clock.now()
        if self._paused_until is None or now >= self._paused_until:
            self._slowed = min(self._slowed * 2, _MOST_SLOWED)
            self._paused_until = now + _PAUSE
        self._free_at = max(self._free_at or now, now + _PAUSE)
