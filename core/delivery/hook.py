"""The extension point: a way of telling alerts."""

from __future__ import annotations

from typing import Protocol

from core.delivery.letter import Letter, Outcome


class AlertHook(Protocol):
    """A way of telling alerts. It is given what happened, never text, and finds its own words.

    It is called for one letter of a chat at a time, and is left waiting half a minute at most. What it raises counts
    as a refusal of that letter; anything it knows of, it answers with instead.
    """

    async def deliver(self, letter: Letter) -> Outcome:
        """Tell it once, and say what became of it."""
        ...
