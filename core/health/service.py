"""Probing every component at once, and the status of the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final
from weakref import WeakKeyDictionary

import structlog

from core.db import Database
from core.errors import NotConfigured, StockPilotError
from core.health.probes import PROBES, Finding, Probe
from core.health.report import Component, HealthReport, Status, overall
from core.logs import redact
from core.services import Services

log = structlog.get_logger(__name__)

REUSED_FOR: Final = timedelta(seconds=30)
"""How long the last full result is shown again instead of probing anew."""
_LONGEST_MESSAGE: Final = 300


@dataclass(slots=True)
class _Kept:
    """The last result over one database, and when each component last succeeded in this process."""

    report: HealthReport | None = None
    succeeded: dict[str, datetime] = field(default_factory=dict)
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)


_results: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def check_health(
    services: Services, *, also: Sequence[Probe] = (), probes: Sequence[Probe] = PROBES
) -> HealthReport:
    """Every component probed side by side, or the last result where it is younger than `REUSED_FOR`.

    `also` are probes of what core does not know (Telegram).
    """
    asked, kept = (*probes, *also), _results.setdefault(services.db, _Kept())
    async with kept.probing:
        last = kept.report
        same = last is not None and [each.name for each in last.components] == [probe.name for probe in asked]
        if last is None or not same or services.clock.now() - last.at >= REUSED_FOR:
            components = await asyncio.gather(*(_component(services, probe, kept.succeeded) for probe in asked))
            last = HealthReport(status=overall(components), at=services.clock.now(), components=tuple(components))
            kept.report = last
        return last


async def _component(services: Services, probe: Probe, succeeded: dict[str, datetime]) -> Component:
    began = perf_counter()
    finding = await _find(services, probe)
    if finding.status is Status.HEALTHY or finding.last_success_at is not None:
        succeeded[probe.name] = finding.last_success_at or services.clock.now()
    configured = finding.status is not Status.NOT_CONFIGURED
    return Component(
        name=probe.name,
        status=finding.status,
        critical=probe.critical,
        latency_ms=round((perf_counter() - began) * 1000) if configured else None,
        last_success_at=succeeded.get(probe.name),
        message=redact(finding.message)[:_LONGEST_MESSAGE],
    )


async def _find(services: Services, probe: Probe) -> Finding:
    try:
        async with asyncio.timeout(probe.patience):
            return await probe.look(services)
    except NotConfigured as error:
        return Finding(status=Status.NOT_CONFIGURED, message=str(error))
    except TimeoutError:
        return Finding(status=Status.UNHEALTHY, message=f"{probe.patience:.0f}초 안에 응답이 없습니다")
    except StockPilotError as error:
        return Finding(status=Status.UNHEALTHY, message=str(error))
    except Exception as error:
        log.exception("probe_broken", component=probe.name)
        return Finding(status=Status.UNHEALTHY, message=type(error).__name__)
