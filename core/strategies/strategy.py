"""What a strategy is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from core.services import Services
from core.settings import Settings
from core.strategies.worker import Worker


class Kind(StrEnum):
    """What a strategy is for."""

    SENDER = "sender"
    FEED = "feed"
    SIGNAL = "signal"


def needs_nothing(_settings: Settings) -> None:
    """For a strategy that needs no setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Strategy:
    """A worker that runs for ever under supervision.

    `run` is cancelled to stop it, may raise anything, and calls `beat` of its worker at least every few minutes; when
    it returns, that counts as an error. `off_because` names the setting that is missing for it to run, if one is.
    """

    id: str
    kind: Kind
    run: Callable[[Services, Worker], Awaitable[None]]
    off_because: Callable[[Settings], str | None] = needs_nothing
