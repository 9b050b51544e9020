"""The fixed schema of a health report, the same in the chat, as JSON and over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from core.health.note import Note


class Status(StrEnum):
    """How a component is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    NOT_CONFIGURED = "not_configured"


class Component(BaseModel):
    """One component, probed for real. `critical` ones are those without which no answer can be given.

    `notes` say what was seen, for readers of any language.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    status: Status
    critical: bool
    latency_ms: int | None
    last_success_at: datetime | None
    notes: tuple[Note, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def message(self) -> str:
        """The notes in one line, the same for every reader."""
        return "; ".join(map(str, self.notes))


class HealthReport(BaseModel):
    """Every component at one instant, and the status of the whole."""

    model_config = ConfigDict(frozen=True)

    status: Status
    at: datetime
    components: tuple[Component, ...]


def overall(components: Sequence[Component]) -> Status:
    """Unhealthy when a critical component is; degraded when any component is less than healthy; else healthy.

    A component that is not configured does not count.
    """
    if any(item.critical and item.status is Status.UNHEALTHY for item in components):
        return Status.UNHEALTHY
    if any(item.status in {Status.DEGRADED, Status.UNHEALTHY} for item in components):
        return Status.DEGRADED
    return Status.HEALTHY
