"""What admins have been told of a component, and when a new status is news to them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.health.report import Component, Status

SIGHTINGS: Final = 2
"""Sightings in a row that differ from what was told before a change counts; of a critical component the first does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One component: the status last told and since when, and the sightings in a row that differ from it.

    `changes` counts changes, so that it names each one.
    """

    component: str
    status: Status
    since: datetime
    seen_at: datetime | None = None
    differing: int = 0
    changes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A component changed for good."""

    before: Status
    component: Component
    number: int


def follow(told: Told | None, seen: Component, *, at: datetime) -> tuple[Told, Change | None]:
    """What is told of a component seen at `at`, and the change to tell now, if any.

    What was never seen counts as healthy until now. The same sighting again changes nothing. What is not configured is
    the operator's own doing: becoming so, and being well after it, is never told.
    """
    if told is None:
        unset = seen.status is Status.NOT_CONFIGURED
        told = Told(component=seen.name, status=seen.status if unset else Status.HEALTHY, since=at)
    if at == told.seen_at:
        return told, None
    if seen.status is told.status:
        return replace(told, seen_at=at, differing=0), None
    differing = told.differing + 1
    if differing < SIGHTINGS and not seen.critical:
        return replace(told, seen_at=at, differing=differing), None
    changed = Told(component=seen.name, status=seen.status, since=at, seen_at=at, changes=told.changes + 1)
    silent = seen.status is Status.NOT_CONFIGURED or {told.status, seen.status} == {
        Status.NOT_CONFIGURED,
        Status.HEALTHY,
    }
    return changed, None if silent else Change(before=told.status, component=seen, number=changed.changes)
