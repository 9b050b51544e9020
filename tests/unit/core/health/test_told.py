"""What is told of a component over any run of sightings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery.alert import AlertKind
from core.health.note import NoteKind, note
from core.health.report import Component, Status
from core.health.service import alert_of
from core.health.told import SIGHTINGS, Change, Told, follow
from tests.conftest import NOW

HEALTHY, DEGRADED, UNHEALTHY, UNSET = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.NOT_CONFIGURED
SIGHTINGS_OF = st.lists(st.sampled_from(Status), max_size=30)


def component(status: Status, *, critical: bool = False) -> Component:
    return Component(name="x", status=status, critical=critical, latency_ms=None, last_success_at=None)


def follow_all(statuses: Sequence[Status], *, critical: bool = False) -> tuple[list[Told], list[Change | None]]:
    """The states and the changes told after each sighting, a minute apart."""
    told: Told | None = None
    states, changes = [], []
    for minute, status in enumerate(statuses):
        told, change = follow(told, component(status, critical=critical), at=NOW + timedelta(minutes=minute))
        states.append(told)
        changes.append(change)
    return states, changes


def said(changes: Sequence[Change | None]) -> list[tuple[Status, Status]]:
    return [(change.before, change.component.status) for change in changes if change]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([HEALTHY, HEALTHY], []),
        ([UNSET] * 5, []),
        ([UNHEALTHY, HEALTHY, UNHEALTHY, HEALTHY], []),
        ([UNHEALTHY, UNHEALTHY, UNHEALTHY], [(HEALTHY, UNHEALTHY)]),
        ([UNHEALTHY, DEGRADED, UNHEALTHY, DEGRADED], [(HEALTHY, DEGRADED)]),
        ([UNHEALTHY] * 2 + [HEALTHY] * 2, [(HEALTHY, UNHEALTHY), (UNHEALTHY, HEALTHY)]),
        ([UNHEALTHY] * 2 + [HEALTHY, UNHEALTHY], [(HEALTHY, UNHEALTHY)]),
        ([UNSET] * 2 + [HEALTHY] * 2, []),
        ([UNSET] * 2 + [UNHEALTHY] * 2, [(UNSET, UNHEALTHY)]),
        ([DEGRADED] * 2 + [UNSET] * 2, [(HEALTHY, DEGRADED)]),
    ],
)
def test_a_change_is_told_once_when_it_was_seen_twice(
    statuses: list[Status], expected: list[tuple[Status, Status]]
) -> None:
    assert said(follow_all(statuses)[1]) == expected


def test_a_critical_component_is_told_of_at_the_first_sighting() -> None:
    assert said(follow_all([UNHEALTHY, HEALTHY], critical=True)[1]) == [(HEALTHY, UNHEALTHY), (UNHEALTHY, HEALTHY)]


@given(SIGHTINGS_OF, st.booleans())
def test_every_change_told_begins_where_the_one_before_it_ended(statuses: list[Status], critical: bool) -> None:
    states, changes = follow_all(statuses, critical=critical)
    before = [UNSET if statuses[0] is UNSET else HEALTHY, *(state.status for state in states)] if statuses else []
    for (was, now), change in zip(pairwise(before), changes, strict=True):
        if change:
            assert (change.before, change.component.status) == (was, now)
            assert was is not now
    numbers = [change.number for change in changes if change]
    assert numbers == sorted(set(numbers)), "each change has a name of its own"


@given(SIGHTINGS_OF)
def test_what_was_seen_long_enough_is_what_was_told(statuses: list[Status]) -> None:
    states, _ = follow_all(statuses)
    for index in range(SIGHTINGS - 1, len(statuses)):
        if len(set(statuses[index - SIGHTINGS + 1 : index + 1])) == 1:
            assert states[index].status is statuses[index]


@given(SIGHTINGS_OF)
def test_a_single_sighting_between_others_changes_nothing(statuses: list[Status]) -> None:
    states, _ = follow_all(statuses)
    for before, now in pairwise(states):
        if before.differing == 0:
            assert now.status is before.status


@given(SIGHTINGS_OF, st.booleans())
def test_what_is_not_configured_is_never_told(statuses: list[Status], critical: bool) -> None:
    told = said(follow_all(statuses, critical=critical)[1])
    assert all(after is not UNSET and {before, after} != {UNSET, HEALTHY} for before, after in told)


@given(SIGHTINGS_OF, st.booleans())
def test_the_same_sighting_again_changes_nothing(statuses: list[Status], critical: bool) -> None:
    for minute, state in enumerate(follow_all(statuses, critical=critical)[0]):
        again = follow(state, component(UNHEALTHY, critical=critical), at=NOW + timedelta(minutes=minute))
        assert again == (state, None)


@pytest.mark.parametrize(
    ("name", "before", "after", "kind", "facts"),
    [
        ("disk", HEALTHY, DEGRADED, AlertKind.RESOURCE_FULL, {"component": "disk", "percent": 93}),
        ("memory", DEGRADED, HEALTHY, AlertKind.RESOURCE_FREED, {"component": "memory", "percent": 93}),
        (
            "redis",
            DEGRADED,
            UNHEALTHY,
            AlertKind.STATUS_CHANGED,
            {
                "component": "redis",
                "before": "degraded",
                "after": "unhealthy",
                "message": "in_use percent=93",
                "notes": '[{"kind":"in_use","values":{"percent":93}}]',
            },
        ),
    ],
)
def test_an_alert_carries_the_facts_of_its_kind(
    name: str, before: Status, after: Status, kind: AlertKind, facts: dict[str, object]
) -> None:
    notes = (note(NoteKind.IN_USE, percent=93),)
    seen = component(after).model_copy(update={"name": name, "notes": notes})
    alert = alert_of(Change(before=before, component=seen, number=4))
    assert (alert.kind, alert.key, dict(alert.facts)) == (kind, f"health:{name}:4", facts)
