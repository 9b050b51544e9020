"""Trouble on order, and the limits Telegram enforces."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sim.telegram.errors import ApiError, too_many_requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request the bot made, as recorded."""

    method: str
    params: dict[str, Any]
    at: datetime
    """Simulated time of arrival."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to the next `times` calls that match; None in `method` or `chat_id` matches all."""

    method: str | None = None
    chat_id: int | None = None
    error: ApiError | None = None
    hang: float = 0.0
    """Real seconds before anything else happens."""
    drop: Literal["", "before", "after"] = ""
    """Cut the connection: before the call takes effect, or after it, so that the caller cannot know."""
    body: bytes | None = None
    """Sent instead of the answer, with status 200, after the call took effect."""
    times: int = 1

    def matches(self, method: str, chat_id: str) -> bool:
        """Whether the fault is for this call."""
        if self.method is not None and self.method.lower() != method.lower():
            return False
        return self.chat_id is None or str(self.chat_id) == chat_id


class Faults:
    """Ordered faults, taken first in, first out."""

    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    def take(self, method: str, chat_id: str) -> Fault | None:
        """The fault for this call, counted down."""
        for fault in self.ordered:
            if fault.matches(method, chat_id):
                fault.times -= 1
                if fault.times <= 0:
                    self.ordered.remove(fault)
                return fault
        return None


@dataclass(slots=True)
class _Window:
    """At most `count` calls in any `seconds`."""

    count: int
    seconds: float
    taken: deque[float] = field(default_factory=deque)

    def wait(self, at: float) -> float:
        """Seconds until a call is allowed."""
        while self.taken and self.taken[0] <= at - self.seconds:
            self.taken.popleft()
        return 0.0 if len(self.taken) < self.count else self.taken[0] + self.seconds - at


class Limits:
    """Telegram's published limits: 30 messages a second overall, 20 a minute in a group, one a second in a chat.

    Short bursts in a chat pass, as they do in Telegram: five in five seconds. `now` is the simulated clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._overall = _Window(30, 1.0)
        self._private: dict[str, _Window] = defaultdict(lambda: _Window(5, 5.0))
        self._groups: dict[str, _Window] = defaultdict(lambda: _Window(20, 60.0))

    def check(self, method: str, chat_id: str) -> None:
        """Count a call that sends or edits. Raises `ApiError` 429 with the whole seconds to wait."""
        if not method.startswith(("send", "edit")) or method == "sendchataction":
            return
        at = self._now().timestamp()
        windows = (self._overall, (self._groups if chat_id.startswith("-") else self._private)[chat_id])
        wait = max(window.wait(at) for window in windows)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        for window in windows:
            window.taken.append(at)
