"""A full health report, every component slow, against the slowest of its probes in the same run."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import perf_counter

from bench.timing import verdict
from core.clock import ManualClock, SystemClock
from core.health.kept import watch
from core.health.probe import Finding, Probe
from core.health.probes import PROBES
from core.health.report import HealthReport
from core.health.service import REUSED_FOR, check_health
from core.logs import configure_logs
from core.services import Services, open_services
from core.settings import LogSettings, given_settings

SLOWEST_SECONDS = 1.0
ROUNDS = 7


def slowed(probe: Probe, seconds: float) -> Probe:
    """The probe as it is, answered by a component that takes `seconds` longer."""
    look: Callable[[Services], Awaitable[Finding]] = probe.look

    async def slow(services: Services) -> Finding:
        await asyncio.sleep(seconds)
        return await look(services)

    return replace(probe, look=slow)


async def measure() -> None:
    """Print the mean wall time of a full report and the mean of its slowest probe."""
    configure_logs(LogSettings(level="ERROR", file=None))
    clock = ManualClock(SystemClock().now())
    slow = [slowed(probe, SLOWEST_SECONDS * (n + 1) / len(PROBES)) for n, probe in enumerate(PROBES)]
    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with open_services(given_settings({"app": {"data_dir": folder}}), clock=clock) as services:
            watch(services, *(slowed(Probe(name=f"other{n}", look=_nothing), SLOWEST_SECONDS / 2) for n in range(5)))
            await check_health(services, probes=slow)  # what is imported at first use
            walls, slowest = [], []
            for _ in range(ROUNDS):
                clock.move(REUSED_FOR)
                began = perf_counter()
                report = await check_health(services, probes=slow)
                walls.append(perf_counter() - began)
                slowest.append(_slowest(report))
    one_by_one = sum(component.latency_ms or 0 for component in report.components) / 1000
    print(f"{len(report.components)} components, one by one {one_by_one:.1f} s")
    print(f"slowest probe {statistics.mean(slowest):.3f} s, full report {statistics.mean(walls):.3f} s")
    print(verdict("a full report to its slowest probe", statistics.mean(walls) / statistics.mean(slowest), 1.1))


def _slowest(report: HealthReport) -> float:
    return max(component.latency_ms or 0 for component in report.components) / 1000


async def _nothing(_services: Services) -> Finding:
    return Finding()


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())
