"""Evenly spaced calls: no burst ever, people's questions before collection, and slower for a while after a refusal."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.clock import Clock

_MARGIN: Final = 1.05
"""Calls leave evenly but arrive with jitter; a twentieth of a second in every second absorbs it."""

_MOST_SLOWED: Final = 16.0
_RECOVERY: Final = 0.98
_PAUSE: Final = timedelta(seconds=1)

_ASKED_IN_A_ROW: Final = 9
"""Turns that questions get one after the other while collection waits: a tenth of the calls stays with it."""


class Lane(StrEnum):
    """Who waits for a turn."""

    ASKED = "asked"
    """Somebody waits for the answer."""
    COLLECTING = "collecting"
    """Scheduled work, which takes what is left: all of the rate while nobody asks."""


class Pace:
    """One call every 1.05 / `calls_per_second` seconds: questions first, then collection, each in the order they came.

    A refusal pauses everybody for a second and doubles the spacing (16 times the normal one at most); each
    accepted call then takes back two percent of it. So a key that is allowed less than its rate says finds it.
    """

    def __init__(self, calls_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._normal = timedelta(seconds=_MARGIN / calls_per_second)
        self._slowed = 1.0
        self._free_at: datetime | None = None
        self._paused_until: datetime | None = None
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}
        self._asked_in_a_row = 0
        self._giving: asyncio.Task[None] | None = None

    @property
    def spacing(self) -> timedelta:
        """The time between two calls now."""
        return self._normal * self._slowed

    async def turn(self, lane: Lane = Lane.ASKED) -> None:
        """Wait until the next call of this lane may leave."""
        ticket = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(ticket)
        if self._giving is None or self._giving.done():
            self._giving = asyncio.create_task(self._give_turns())
        await ticket

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

    async def _give_turns(self) -> None:
        while any(self._waiting.values()):
            left_at = await self._wait_for_slot()
            ticket = self._next_ticket()
            if ticket is not None:
                self._free_at = left_at + self.spacing
                ticket.set_result(None)
                await asyncio.sleep(0)  # whose turn it is goes before the next is waited for

    async def _wait_for_slot(self) -> datetime:
        """Wait until a call may leave; the instant from which the next one counts.

        That is when the slot began, though the waiting ended a little late, or lateness would add up.
        """
        while True:
            now, free_at = self._clock.now(), self._free_at
            # A clock set back must not turn a wait of milliseconds into hours.
            wait = min((free_at or now) - now, max(self.spacing, _PAUSE))
            if wait <= timedelta():
                return now
            await self._clock.sleep(wait.total_seconds())
            if self._free_at == free_at:  # else somebody was refused meanwhile
                now = self._clock.now()
                late = now - free_at if free_at else timedelta()
                return free_at if free_at and timedelta() <= late <= self.spacing / 8 else now

    def _next_ticket(self) -> asyncio.Future[None] | None:
        asked, collecting = (self._waiting[lane] for lane in Lane)
        for queue in (asked, collecting):
            while queue and queue[0].done():  # who waited was cancelled
                queue.popleft()
        if asked and not (collecting and self._asked_in_a_row >= _ASKED_IN_A_ROW):
            self._asked_in_a_row += 1
            return asked.popleft()
        self._asked_in_a_row = 0
        return collecting.popleft() if collecting else None
