"""How fast may be told: 28 a second in all, one a second in a chat, 20 a minute in a group. Pure: `at` says when.

A chat's distances are counted from the end of a telling, so that they hold where they are measured, at Telegram. A
clock that goes back voids what was noted.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from core.delivery.letter import Destination, HookName, NotSent, Outcome, TooFast

A_SECOND: Final = 28
GAP: Final = timedelta(seconds=1) / A_SECOND
CATCH_UP: Final = 7 * GAP
"""How far a sender that was held up may run ahead of the even pace; never beyond 28 in any second."""
CHAT_GAP: Final = timedelta(seconds=1)
GROUP_COUNT, GROUP_TIME = 20, timedelta(minutes=1)
REST: Final = timedelta(seconds=5)
"""How long a hook is left alone after it could not be reached."""


class Pace:
    """What was told when, as far as it decides what may be told next."""

    def __init__(self) -> None:
        self._forget(None)

    def _forget(self, at: datetime | None) -> None:
        self._now = at
        self._next: datetime | None = None
        self._begun: deque[datetime] = deque(maxlen=A_SECOND)
        self._free_at: dict[int, datetime] = {}
        self._groups: dict[int, deque[datetime]] = {}
        self._told_off: dict[int, datetime] = {}
        self._resting: dict[HookName, datetime] = {}

    def wait(self, at: datetime) -> timedelta:
        """How long to wait at `at` before anything may be told."""
        self._look(at)
        full = len(self._begun) == A_SECOND
        soonest = max(self._next or at, self._begun[0] + timedelta(seconds=1) if full else at)
        return max(soonest - at, timedelta())

    def busy(self, at: datetime) -> list[int]:
        """The chats in which nothing may be told at `at`."""
        self._look(at)
        self._free_at = {chat: free for chat, free in self._free_at.items() if free > at}
        return list(self._free_at)

    def resting(self, at: datetime) -> set[HookName]:
        """The hooks that are left alone at `at`."""
        self._look(at)
        return {hook for hook, until in self._resting.items() if until > at}

    def next_change(self, at: datetime) -> timedelta | None:
        """How long from `at` until a chat or a hook is free again, if one is not."""
        later = [until for until in (*self._free_at.values(), *self._resting.values()) if until > at]
        return min(later) - at if later else None

    def begins(self, at: datetime) -> None:
        """A telling begins at `at`. One that began a little late lets the next ones come by so much sooner."""
        self._look(at)
        self._next = max(self._next or at, at - CATCH_UP) + GAP
        self._begun.append(at)

    def ended(self, to: Destination, outcome: Outcome, at: datetime) -> None:
        """A telling has ended at `at`."""
        self._look(at)
        if isinstance(outcome, NotSent):
            self._resting[to.hook] = at + REST
        if isinstance(outcome, TooFast):
            self._hold_back(to, at + outcome.wait, at)
        elif to.chat_id is not None:
            self._free_at[to.chat_id] = self._free_after(to.chat_id, at)

    def _free_after(self, chat_id: int, at: datetime) -> datetime:
        if chat_id > 0:
            return at + CHAT_GAP
        told = self._groups.setdefault(chat_id, deque(maxlen=GROUP_COUNT))
        told.append(at)
        return max(at + CHAT_GAP, told[0] + GROUP_TIME) if len(told) == GROUP_COUNT else at + CHAT_GAP

    def _hold_back(self, to: Destination, until: datetime, at: datetime) -> None:
        """Too fast for one chat holds back that chat; for two at a time, it is we who are too fast: all wait."""
        if to.chat_id is None:
            self._resting[to.hook] = until
            return
        self._told_off = {chat: end for chat, end in self._told_off.items() if end > at} | {to.chat_id: until}
        self._free_at[to.chat_id] = until
        if len(self._told_off) > 1:
            self._resting[to.hook] = max(self._told_off.values())

    def _look(self, at: datetime) -> None:
        if self._now is not None and at < self._now:
            self._forget(at)
        self._now = at
