"""Health and numbers for Prometheus, in its text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from core.clock import kst_date
from core.delivery.queries import OutboxState, outbox_state
from core.health.overview import VERSION
from core.health.queries import KeptRuns, kept_runs
from core.health.report import HealthReport, Status
from core.health.service import check_health
from core.health.vitals import Vitals, vitals
from core.runs.leadership import Leader, current_leader
from core.services import Services
from core.usage.aggregates import stored_figures
from core.usage.figures import DayFigures, Use, added


class _Snapshot(Collector):
    """Families made beforehand: what is asked for takes a loop to gather."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


async def exposition(services: Services) -> bytes:
    """Every family at one instant: components, jobs, outbox, paid calls, the event loop, the process."""
    now = services.clock.now()
    report, numbers = await check_health(services), await vitals(services, look=0)
    async with services.db.read() as conn:
        runs = await kept_runs(conn)
        leader = await current_leader(conn)
        letters = await outbox_state(conn, since=now - timedelta(days=1))
        used = await stored_figures(conn, day := kst_date(now), day + timedelta(days=1))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Snapshot(
            [
                *_health(report),
                *_leader(leader),
                *_outbox(letters, now),
                *_runs(runs),
                *_used(used),
                *_process(numbers),
            ]
        )
    )
    return generate_latest(registry)


def _family(kind: Any, name: str, meaning: str, samples: Iterable[tuple[dict[str, str], float]]) -> Metric:
    family: Metric = kind(f"stockpilot_{name}", meaning)
    for labels, value in samples:
        family.add_sample(f"{family.name}_total" if kind is CounterMetricFamily else family.name, labels, value)
    return family


def _health(report: HealthReport) -> Iterator[Metric]:
    set_up = [each for each in report.components if each.status is not Status.NOT_CONFIGURED]
    yield InfoMetricFamily("stockpilot_build", "Version of the product", value={"version": VERSION})
    yield _family(
        GaugeMetricFamily,
        "healthy",
        "1 unless a component without which no answer can be given is unhealthy",
        [({}, report.status is not Status.UNHEALTHY)],
    )
    yield _family(
        GaugeMetricFamily,
        "component_up",
        "1 unless the component is unhealthy; what is not configured is left out",
        [({"component": each.name}, each.status is not Status.UNHEALTHY) for each in set_up],
    )
    yield _family(
        GaugeMetricFamily,
        "component_status",
        "1 for the status the component has",
        [
            ({"component": each.name, "status": status}, each.status is status)
            for each in report.components
            for status in Status
        ],
    )
    yield _family(
        GaugeMetricFamily,
        "component_latency_seconds",
        "How long probing the component took",
        [({"component": each.name}, each.latency_ms / 1000) for each in set_up if each.latency_ms is not None],
    )


def _leader(leader: Leader | None) -> Iterator[Metric]:
    yield _family(
        GaugeMetricFamily,
        "leader_since_timestamp_seconds",
        "Since when a process leads, which keeps the schedule, the workers and the sender; absent while none does",
        [({"owner": leader.owner}, leader.since.timestamp())] if leader and not leader.expired else [],
    )


def _outbox(state: OutboxState, now: datetime) -> Iterator[Metric]:
    oldest = (now - state.oldest_at).total_seconds() if state.oldest_at else 0
    ended = {"failed": state.failed, "dropped": state.dropped, "parked": state.parked, "repeated": state.repeated}
    yield _family(GaugeMetricFamily, "outbox_waiting", "Letters that wait to be sent", [({}, state.depth)])
    yield _family(GaugeMetricFamily, "outbox_oldest_seconds", "How long the oldest of them waits", [({}, oldest)])
    yield _family(
        GaugeMetricFamily,
        "outbox_trouble",
        "Letters of the last 24 hours that came to no good end",
        [({"state": name}, count) for name, count in ended.items()],
    )


def _runs(runs: Iterable[KeptRuns]) -> Iterator[Metric]:
    kept = list(runs)
    yield _family(
        GaugeMetricFamily,
        "job_runs",
        "Kept runs of a job by how they ended",
        [({"job": each.job, "state": each.state}, each.count) for each in kept],
    )
    yield _family(
        GaugeMetricFamily,
        "job_last_success_timestamp_seconds",
        "When a job last succeeded",
        [
            ({"job": each.job}, each.finished_at.timestamp())
            for each in kept
            if each.state == "succeeded" and each.finished_at
        ],
    )


def _used(figures: Iterable[DayFigures]) -> Iterator[Metric]:
    kinds: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for each in figures:
        kinds[each.provider, each.model].append(each.use)
    uses = [({"provider": provider, "model": model}, added(each)) for (provider, model), each in kinds.items()]
    yield _family(
        GaugeMetricFamily,
        "usage_calls_today",
        "Outside calls since midnight in Seoul, a minute late; model is empty for unpaid ones",
        [(by, use.calls) for by, use in uses],
    )
    yield _family(
        GaugeMetricFamily, "usage_failed_today", "Those of them that failed", [(by, use.failed) for by, use in uses]
    )
    yield _family(
        GaugeMetricFamily,
        "usage_cost_today_usd",
        "What they cost, reservations included",
        [(by, float(use.cost_usd)) for by, use in uses],
    )


def _process(now: Vitals) -> Iterator[Metric]:
    lag = (now.lag.last, now.lag.p99, now.lag.most) if now.lag else (None, None, None)
    gauges: dict[str, tuple[str, float | None]] = {
        "uptime_seconds": ("How long the process runs", now.uptime.total_seconds()),
        "resident_bytes": ("Memory of the process", now.resident),
        "memory_used_ratio": ("Memory of the machine in use", now.memory_percent / 100),
        "disk_free_bytes": ("Room where the data lives", now.disk_free),
        "disk_bytes": ("Size of that disk", now.disk_total),
        "threads": ("Threads of the process", now.threads),
        "tasks": ("Tasks of the event loop", now.tasks),
        "open_files": ("Open file descriptors", now.open_files),
        "database_pool_in_use": ("Database connections in use", now.pool_in_use),
        "database_pool_most": ("The most there may be", now.pool_most),
        "event_loop_lag_seconds": ("How late the event loop came last", lag[0]),
        "event_loop_lag_p99_seconds": (
            "What 99 of 100 samples of the last minute stay within",
            lag[1],
        ),
        "event_loop_lag_max_seconds": ("The worst of the last minute", lag[2]),
    }
    for name, (meaning, value) in gauges.items():
        if value is not None:
            yield _family(GaugeMetricFamily, name, meaning, [({}, value)])
    yield _family(CounterMetricFamily, "cpu_seconds", "CPU time of the process", [({}, now.cpu_seconds)])
    yield _family(
        CounterMetricFamily,
        "gc_collections",
        "Runs of the garbage collector by generation",
        [({"generation": str(number)}, count) for number, count in enumerate(now.collections)],
    )
