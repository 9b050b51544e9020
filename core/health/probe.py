"""What a probe is. It returns a finding or raises; what it raises becomes the component's status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from core.health.note import Note
from core.health.report import Status
from core.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a probe saw."""

    status: Status = Status.HEALTHY
    notes: tuple[Note, ...] = ()
    last_success_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How one component is probed. `patience` is how many seconds it may take.

    Changes of a component that is not `told` are told by whoever it is: a source tells admins itself when it fails for
    good, in the transaction that notes it and by a rule of its own, and would otherwise be told of twice.
    """

    name: str
    look: Callable[[Services], Awaitable[Finding]]
    critical: bool = False
    patience: float = 5.0
    told: bool = True
