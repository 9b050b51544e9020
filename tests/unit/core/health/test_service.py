"""Components are probed side by side, one's failure is its own, and the last result serves for half a minute."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import cast

import pytest

from core.clock import ManualClock
from core.errors import Blocked, Malformed, NotConfigured, Unavailable
from core.health.kept import watch
from core.health.note import NoteKind, note
from core.health.overview import VERSION
from core.health.probe import Finding, Probe
from core.health.report import Component, HealthReport, Status, overall
from core.health.service import REUSED_FOR, check_component, check_health
from core.services import Services
from tests.conftest import NOW


class Somewhere:
    """Stands for the database the results belong to."""


@dataclass
class Place:
    """The services a health check itself uses."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    db: Somewhere = field(default_factory=Somewhere)


@pytest.fixture
def place() -> Services:
    return cast(Services, Place())


def probe(name: str, outcome: Finding | Exception, *, critical: bool = False) -> Probe:
    async def look(_services: Services) -> Finding:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Probe(name=name, look=look, critical=critical)


async def test_each_failure_becomes_a_status_and_leaves_the_others_alone(place: Services) -> None:
    outcomes: dict[str, tuple[Finding | Exception, Status]] = {
        "good": (Finding(), Status.HEALTHY),
        "weak": (Finding(status=Status.DEGRADED), Status.DEGRADED),
        "unset": (NotConfigured("KEY"), Status.NOT_CONFIGURED),
        "dead": (Unavailable("x: timed out"), Status.UNHEALTHY),
        "refused": (Blocked("x: refused"), Status.UNHEALTHY),
        "strange": (Malformed("x: html"), Status.UNHEALTHY),
        "broken": (ZeroDivisionError("inside"), Status.UNHEALTHY),
    }
    probes = [probe(name, outcome) for name, (outcome, _) in outcomes.items()]
    report = await check_health(place, probes=probes)
    assert {each.name: each.status for each in report.components} == {name: to for name, (_, to) in outcomes.items()}
    messages = {each.name: each.message for each in report.components}
    assert messages["dead"] == "x: timed out"
    assert messages["broken"] == "ZeroDivisionError"
    assert {each.name for each in report.components if each.latency_ms is None} == {"unset"}
    assert {each.name for each in report.components if each.last_success_at} == {"good"}


async def test_all_are_probed_at_once(place: Services) -> None:
    """Every probe waits for every other to have begun, which none would see if they took turns."""
    together = asyncio.Barrier(20)

    async def look(_services: Services) -> Finding:
        await together.wait()
        return Finding()

    report = await check_health(place, probes=[Probe(name=str(n), look=look) for n in range(20)])
    assert report.status is Status.HEALTHY


async def test_a_probe_that_never_answers_is_given_up(place: Services) -> None:
    async def look(_services: Services) -> Finding:
        await asyncio.Event().wait()
        return Finding()

    report = await check_health(
        place, probes=[Probe(name="silent", look=look, critical=True, patience=0.05), probe("good", Finding())]
    )
    assert [each.status for each in report.components] == [Status.UNHEALTHY, Status.HEALTHY]
    assert report.components[0].notes == (note(NoteKind.NO_ANSWER, seconds=0.05),)
    assert report.status is Status.UNHEALTHY


async def test_a_result_serves_for_half_a_minute_and_askers_share_it() -> None:
    clock, looks = ManualClock(NOW), 0
    place = cast(Services, Place(clock=clock))

    async def look(_services: Services) -> Finding:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return Finding()

    probes = [Probe(name="one", look=look)]
    reports = await asyncio.gather(*(check_health(place, probes=probes) for _ in range(5)))
    assert looks == 1
    assert len(set(map(id, reports))) == 1
    clock.move(REUSED_FOR - timedelta(seconds=1))
    await check_health(place, probes=probes)
    assert looks == 1
    clock.move(timedelta(seconds=1))
    await check_health(place, probes=probes)
    assert looks == 2
    watch(place, probe("telegram", Finding()))
    assert [each.name for each in (await check_health(place, probes=probes)).components] == ["one", "telegram"]
    assert looks == 3, "other components are another result"
    clock.move(-timedelta(hours=1))
    await check_health(place, probes=probes)
    assert looks == 4, "a clock set back does not keep an old result"


async def test_one_component_is_probed_alone_or_taken_from_a_fresh_result() -> None:
    clock, looked = ManualClock(NOW), []
    place = cast(Services, Place(clock=clock))

    def counted(name: str) -> Probe:
        async def look(_services: Services) -> Finding:
            looked.append(name)
            return Finding()

        return Probe(name=name, look=look)

    probes = [counted("one"), counted("two")]
    found = await check_component(place, "two", probes=probes)
    assert found is not None
    assert (found.name, looked) == ("two", ["two"])
    await check_health(place, probes=probes)
    await check_component(place, "two", probes=probes)
    assert looked == ["two", "one", "two"]
    assert await check_component(place, "three", probes=probes) is None
    clock.move(REUSED_FOR)
    await check_component(place, "one", probes=probes)
    assert looked == ["two", "one", "two", "one"]


async def test_the_last_success_is_remembered_through_a_failure() -> None:
    clock = ManualClock(NOW)
    place = cast(Services, Place(clock=clock))
    await check_health(place, probes=[probe("one", Finding())])
    clock.move(timedelta(minutes=1))
    report = await check_health(place, probes=[probe("one", Unavailable("gone"))])
    assert report.components[0].last_success_at == NOW


async def test_a_message_is_short_and_without_secrets(place: Services) -> None:
    token = "1000000001:AAabcdefghijklmnopqrstuvwxyz0123456"
    report = await check_health(place, probes=[probe("x", Unavailable(f"/bot{token}/getMe {'y' * 999}"))])
    assert token not in report.components[0].message
    assert len(report.components[0].message) <= 300


def component(status: Status, critical: bool) -> Component:
    return Component(name="x", status=status, critical=critical, latency_ms=None, last_success_at=None)


@pytest.mark.parametrize(("critical", "other"), list(product(Status, Status)))
def test_the_rule_of_the_whole(critical: Status, other: Status) -> None:
    whole = overall([component(critical, True), component(other, False)])
    if critical is Status.UNHEALTHY:
        assert whole is Status.UNHEALTHY
    elif {critical, other} & {Status.DEGRADED, Status.UNHEALTHY}:
        assert whole is Status.DEGRADED
    else:
        assert whole is Status.HEALTHY


def test_nothing_at_all_is_healthy() -> None:
    assert overall([]) is Status.HEALTHY


def test_the_schema_is_fixed() -> None:
    notes = (note(NoteKind.FAILED, times=3, reason="blocked"), note(NoteKind.TEXT, text="no"))
    failed = component(Status.DEGRADED, True).model_copy(update={"notes": notes})
    report = HealthReport(status=Status.DEGRADED, at=NOW, components=(failed,))
    assert report.model_dump_json() == (
        '{"status":"degraded","at":"2026-02-20T06:50:00Z","components":[{"name":"x","status":"degraded",'
        '"critical":true,"latency_ms":null,"last_success_at":null,"notes":[{"kind":"failed","values":{"times":3,'
        '"reason":"blocked"}},{"kind":"text","values":{"text":"no"}}],"message":"failed times=3 reason=blocked; no"}]}'
    )


def test_the_version_is_the_one_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
