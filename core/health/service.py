"""Probing every component at once, and the status of the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from core.errors import NotConfigured, StockPilotError
from core.health.probes import PROBES, Finding, Probe
from core.health.report import Component, HealthReport, Status, overall
from core.logs import redact
from core.services import Services

PATIENCE = 5.0
"""Seconds a probe may take."""


async def check_health(services: Services, *, also: Sequence[Probe] = ()) -> HealthReport:
    """Every component probed now, side by side. `also` are probes of what core does not know (Telegram)."""
    components = await asyncio.gather(*(_component(services, probe) for probe in (*PROBES, *also)))
    return HealthReport(status=overall(components), at=services.clock.now(), components=tuple(components))


async def _component(services: Services, probe: Probe) -> Component:
    began = perf_counter()
    finding = await _find(services, probe)
    configured = finding.status is not Status.NOT_CONFIGURED
    good = finding.status is Status.HEALTHY
    return Component(
        name=probe.name,
        status=finding.status,
        critical=probe.critical,
        latency_ms=round((perf_counter() - began) * 1000) if configured else None,
        last_success_at=finding.last_success_at or (services.clock.now() if good else None),
        message=redact(finding.message)[:200],
    )


async def _find(services: Services, probe: Probe) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe.look(services)
    except NotConfigured as error:
        return Finding(status=Status.NOT_CONFIGURED, message=str(error))
    except TimeoutError:
        return Finding(status=Status.UNHEALTHY, message=f"{PATIENCE:.0f}초 안에 응답이 없습니다")
    except StockPilotError as error:
        return Finding(status=Status.UNHEALTHY, message=str(error))
    except Exception as error:
        return Finding(status=Status.UNHEALTHY, message=type(error).__name__)
