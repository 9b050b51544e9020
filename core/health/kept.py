"""What health keeps in this process, one value a database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from core.db import Database
from core.health.loop_lag import LoopLag
from core.health.probe import Probe
from core.health.report import HealthReport
from core.services import Services


@dataclass(kw_only=True, slots=True)
class Kept:
    """The last result, when each component last succeeded, the probes of what core does not know, and the loop's lag.

    `since` is when health first looked in this process, `lost` the calls that were lost by the last look.
    """

    since: datetime
    report: HealthReport | None = None
    lost: int = 0
    succeeded: dict[str, datetime] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    loop: LoopLag = field(default_factory=LoopLag)
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)


_kept: WeakKeyDictionary[Database, Kept] = WeakKeyDictionary()


def kept_of(services: Services) -> Kept:
    """What is kept of these services."""
    if (kept := _kept.get(services.db)) is None:
        kept = _kept[services.db] = Kept(since=services.clock.now())
    return kept


def watch(services: Services, *probes: Probe) -> None:
    """Probe these too from now on: components that core does not know (Telegram, the schedule)."""
    kept_of(services).probes.update({probe.name: probe for probe in probes})
