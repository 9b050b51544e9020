"""Probing every component at once, the status of the whole, and telling admins what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from time import perf_counter
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.errors import NotConfigured, StockPilotError
from core.health.kept import Kept, kept_of
from core.health.note import WRITTEN, Note, NoteKind, note
from core.health.probe import Finding, Probe
from core.health.probes import PROBES
from core.health.queries import lock_told, store_told
from core.health.report import Component, HealthReport, Status, overall
from core.health.told import Change, follow
from core.logs import redact
from core.services import Services

log = structlog.get_logger(__name__)

REUSED_FOR: Final = timedelta(seconds=30)
"""How long the last full result is shown again instead of probing anew."""
RESOURCES: Final = ("memory", "disk")
"""Components that fill up."""
ALSO_CALLED: Final = {"database": "postgresql", "db": "postgresql"}
"""Other names people ask for a component by."""
OUTSIDE: Final = ("external-apis", "external")
"""What all components outside are asked for by, together."""
_OURS: Final = frozenset(
    {
        "postgresql",
        "redis",
        "milvus",
        "scheduler",
        "outbox",
        "strategies",
        "memory",
        "disk",
        "event_loop",
        "usage_rows",
        "log_rows",
    }
)
_LONGEST_TEXT: Final = 300


async def check_health(services: Services, *, probes: Sequence[Probe] = PROBES) -> HealthReport:
    """Every component probed side by side, or the last result where it is younger than `REUSED_FOR`.

    What `watch` added is probed too. It takes as long as the slowest probe.
    """
    kept = kept_of(services)
    asked = (*probes, *kept.probes.values())
    async with kept.probing:
        if (last := _fresh(services, kept, asked)) is None:
            components = await asyncio.gather(*(_component(services, probe, kept) for probe in asked))
            last = HealthReport(status=overall(components), at=services.clock.now(), components=tuple(components))
            kept.report = last
        return last


async def check_component(services: Services, name: str, *, probes: Sequence[Probe] = PROBES) -> Component | None:
    """One component, probed alone or taken from a result younger than `REUSED_FOR`; None if there is none so called."""
    name = ALSO_CALLED.get(name, name)
    kept = kept_of(services)
    asked = (*probes, *kept.probes.values())
    if (last := _fresh(services, kept, asked)) is not None:
        return next((component for component in last.components if component.name == name), None)
    probe = next((probe for probe in asked if probe.name == name), None)
    return None if probe is None else await _component(services, probe, kept)


async def check_outside(services: Services) -> HealthReport:
    """The components that others run, as `check_health` has them: Telegram, models, prices, news, disclosures."""
    report = await check_health(services)
    outside = tuple(component for component in report.components if component.name not in _OURS)
    return HealthReport(status=overall(outside), at=report.at, components=outside)


def component_names(services: Services) -> list[str]:
    """The name of every component that is probed."""
    return [probe.name for probe in (*PROBES, *kept_of(services).probes.values())]


async def tell_changes(services: Services, conn: AsyncConnection, report: HealthReport) -> int:
    """Tell admins what changed for good since they were last told, once, in the caller's transaction.

    What tells its changes itself (`Probe.told`) is followed and not told.
    Returns how many changes were told. Several processes may call it: they take turns, and compare with what the
    one before them told.
    """
    told = await lock_told(conn)
    followed = [follow(told.get(each.name), each, at=report.at) for each in report.components]
    itself = {probe.name for probe in (*PROBES, *kept_of(services).probes.values()) if not probe.told}
    changes = [change for _, change in followed if change and change.component.name not in itself]
    for change in changes:
        await tell_admins(services, conn, alert_of(change))
    await store_told(conn, [now for now, _ in followed if now != told.get(now.component)])
    return len(changes)


def alert_of(change: Change) -> Alert:
    """The alert that tells a change: memory and disk fill up and are freed, anything else changes its status."""
    component, key = change.component, f"health:{change.component.name}:{change.number}"
    percent = next((each.values["percent"] for each in component.notes if each.kind is NoteKind.IN_USE), None)
    if component.name in RESOURCES and percent is not None:
        full = component.status is Status.DEGRADED
        kind = AlertKind.RESOURCE_FULL if full else AlertKind.RESOURCE_FREED
        return Alert(kind=kind, key=key, facts={"component": component.name, "percent": percent})
    facts = {
        "component": component.name,
        "before": change.before,
        "after": component.status,
        "message": component.message,
        "notes": WRITTEN.dump_json(component.notes).decode(),
    }
    return Alert(kind=AlertKind.STATUS_CHANGED, key=key, facts=facts)


def _fresh(services: Services, kept: Kept, asked: Sequence[Probe]) -> HealthReport | None:
    last = kept.report
    if last is None or [each.name for each in last.components] != [probe.name for probe in asked]:
        return None
    return last if timedelta() <= services.clock.now() - last.at < REUSED_FOR else None


async def _component(services: Services, probe: Probe, kept: Kept) -> Component:
    began = perf_counter()
    finding = await _find(services, probe)
    if finding.status is Status.HEALTHY or finding.last_success_at is not None:
        kept.succeeded[probe.name] = finding.last_success_at or services.clock.now()
    configured = finding.status is not Status.NOT_CONFIGURED
    return Component(
        name=probe.name,
        status=finding.status,
        critical=probe.critical,
        latency_ms=round((perf_counter() - began) * 1000) if configured else None,
        last_success_at=kept.succeeded.get(probe.name),
        notes=finding.notes,
    )


async def _find(services: Services, probe: Probe) -> Finding:
    try:
        async with asyncio.timeout(probe.patience):
            return await probe.look(services)
    except NotConfigured as error:
        return Finding(status=Status.NOT_CONFIGURED, notes=(_text(str(error)),))
    except TimeoutError:
        return Finding(status=Status.UNHEALTHY, notes=(note(NoteKind.NO_ANSWER, seconds=probe.patience),))
    except StockPilotError as error:
        return Finding(status=Status.UNHEALTHY, notes=(_text(str(error)),))
    except Exception as error:
        log.exception("probe_broken", component=probe.name)
        return Finding(status=Status.UNHEALTHY, notes=(_text(type(error).__name__),))


def _text(said: str) -> Note:
    return note(NoteKind.TEXT, text=redact(said)[:_LONGEST_TEXT])
