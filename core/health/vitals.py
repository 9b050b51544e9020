"""The process and its machine in numbers."""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psutil

from core.clock import SystemClock
from core.health.kept import kept_of
from core.health.loop_lag import Lag
from core.services import Services

_LOOK: Final = 0.2
"""Seconds over which the use of the CPU is measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """Sizes in bytes, times in seconds; `process_cpu` is percent of one core, `system_cpu` percent of all of them.

    `collections` counts the runs of the garbage collector in each generation.
    """

    uptime: timedelta
    process_cpu: float
    system_cpu: float
    cpu_seconds: float
    cores: int
    resident: int
    memory_total: int
    memory_percent: float
    disk_total: int
    disk_free: int
    threads: int
    tasks: int
    open_files: int | None
    pool_in_use: int
    pool_most: int
    lag: Lag | None
    collections: tuple[int, ...]
    python: str


def uptime() -> timedelta:
    """How long this process runs, by the machine's clock whatever the clock of the product shows."""
    return SystemClock().now() - datetime.fromtimestamp(psutil.Process().create_time(), UTC)


async def vitals(services: Services, *, look: float = _LOOK) -> Vitals:
    """The numbers now; measuring the use of the CPU takes `look` seconds."""
    process = psutil.Process()
    process.cpu_percent()
    psutil.cpu_percent()
    await asyncio.sleep(look)
    memory = psutil.virtual_memory()
    services.settings.app.data_dir.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(services.settings.app.data_dir)
    cpu = process.cpu_times()
    return Vitals(
        uptime=uptime(),
        process_cpu=process.cpu_percent(),
        system_cpu=psutil.cpu_percent(),
        cpu_seconds=cpu.user + cpu.system,
        cores=psutil.cpu_count() or 1,
        resident=process.memory_info().rss,
        memory_total=memory.total,
        memory_percent=memory.percent,
        disk_total=disk.total,
        disk_free=disk.free,
        threads=process.num_threads(),
        tasks=len(asyncio.all_tasks()),
        open_files=process.num_fds() if hasattr(process, "num_fds") else None,
        pool_in_use=services.db.pool_in_use,
        pool_most=services.db.pool_most,
        lag=kept_of(services).loop.lag(),
        collections=tuple(generation["collections"] for generation in gc.get_stats()),
        python=sys.version.split()[0],
    )
