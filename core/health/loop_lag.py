"""How late the event loop comes: while something blocks it, nobody is answered and no heartbeat is sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

EVERY: Final = 0.25
"""Seconds between two samples."""
KEPT: Final = 240
"""Samples kept: a minute of an idle loop."""
SLOW: Final = 0.5
"""Seconds of lag, exceeded by one sample in a hundred, from which the loop is degraded."""
BLOCKED: Final = 5.0
"""Seconds for which nothing may have blocked the loop in the last minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """Lag of the last minute in seconds: the newest sample, what 99 of 100 samples stay within, and the worst."""

    last: float
    p99: float
    most: float

    @property
    def degraded(self) -> bool:
        """Whether askers feel it."""
        return self.p99 >= SLOW or self.most >= BLOCKED


class LoopLag:
    """Samples of one event loop, newest last."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def note(self, seconds: float, *, at: float) -> None:
        """Keep a sample taken at `at` on the loop's clock, and forget those older than a minute."""
        self._samples.append((at, max(seconds, 0.0)))
        while self._samples[0][0] < at - KEPT * EVERY:
            self._samples.popleft()

    def lag(self) -> Lag | None:
        """The last minute, None before the first sample."""
        if not self._samples:
            return None
        ordered = sorted(seconds for _, seconds in self._samples)
        rank = -(-99 * len(ordered) // 100)
        return Lag(last=self._samples[-1][1], p99=ordered[rank - 1], most=ordered[-1])

    async def sample(self) -> None:
        """Take samples until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self.note(loop.time() - due, at=loop.time())


@asynccontextmanager
async def sampled(lag: LoopLag) -> AsyncIterator[None]:
    """Take samples of the running loop until the block ends."""
    task = asyncio.create_task(lag.sample(), name="loop lag")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
