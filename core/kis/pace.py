"""Evenly spaced calls: no burst ever, people's questions before collection, and slower for a while after a refusal."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.clock import Clock
from core.kis.spacing import Spacing

_ON_TIME: Final = 1 / 8
"""A call may leave later than its turn by so much of the spacing. By what it is later still it puts off those after it,
or they would come too near to it; not by all of it, or lateness would add up."""

_MOST_PUT_OFF: Final = 5
"""A call puts off the others by so many spacings at most: where it was later, others have gone by in the meantime."""

_ASKED_IN_A_ROW: Final = 9
"""Turns that questions get one after the other while collection waits: a tenth of the calls stays with it."""


class Lane(StrEnum):
    """Who waits for a turn."""

    ASKED = "asked"
    """Somebody waits for the answer."""
    COLLECTING = "collecting"
    """Scheduled work, which takes what is left: all of the rate while nobody asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """When a call may leave, and how much had been put off in all when that was found."""

    at: datetime
    put_off: timedelta


class Pace:
    """Who gets the next call that may leave: questions first, then collection, each in the order they came."""

    def __init__(self, spacing: Spacing, clock: Clock) -> None:
        self._spacing, self._clock = spacing, clock
        self._refusals = 0
        self._put_off = timedelta()
        self._waiting: dict[Lane, deque[asyncio.Future[Turn]]] = {lane: deque() for lane in Lane}
        self._asked_in_a_row = 0
        self._giving: asyncio.Task[None] | None = None

    @property
    def between(self) -> timedelta:
        """The time between two calls now."""
        return self._spacing.between

    async def turn(self, lane: Lane = Lane.ASKED) -> Turn:
        """Wait until the next call of this lane may leave."""
        ticket: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(ticket)
        if self._giving is None or self._giving.done():
            self._giving = asyncio.create_task(self._give_turns())
        return await ticket

    async def left(self, turn: Turn) -> None:
        """The call of this turn leaves now: perhaps late, for a connection was made first or the machine was busy."""
        now = self._clock.now()
        late = now - turn.at - (self._put_off - turn.put_off) - self.between * _ON_TIME
        if late > timedelta():
            by = min(late, self.between * _MOST_PUT_OFF)
            self._put_off += by
            await self._spacing.put_off(now, by)

    def accepted(self) -> None:
        """A call was within the rate."""
        self._spacing.accepted()

    async def refused(self) -> None:
        """A call was over the rate: everybody pauses."""
        self._refusals += 1
        await self._spacing.refused(self._clock.now())

    async def _give_turns(self) -> None:
        while any(self._waiting.values()):
            turn = await self._next_turn()
            if (ticket := self._next_ticket()) is not None:
                ticket.set_result(turn)
                await asyncio.sleep(0)  # whose turn it is goes before the next is waited for

    async def _next_turn(self) -> Turn:
        """Wait for a turn of this process."""
        while True:
            refusals, put_off = self._refusals, self._put_off
            turn = Turn(at=await self._spacing.take(self._clock.now()), put_off=put_off)
            wait = (turn.at - self._clock.now()).total_seconds()
            if wait > 0:
                await self._clock.sleep(wait)
            if refusals == self._refusals:  # else everybody pauses, this one too
                await self.left(turn)
                return turn

    def _next_ticket(self) -> asyncio.Future[Turn] | None:
        asked, collecting = (self._waiting[lane] for lane in Lane)
        for queue in (asked, collecting):
            while queue and queue[0].done():  # who waited was cancelled
                queue.popleft()
        if asked and not (collecting and self._asked_in_a_row >= _ASKED_IN_A_ROW):
            self._asked_in_a_row += 1
            return asked.popleft()
        self._asked_in_a_row = 0
        return collecting.popleft() if collecting else None
