"""The job that watches usage."""

from __future__ import annotations

from core.runs.run import Run
from core.services import Services
from core.usage.aggregates import refresh_changed
from core.usage.thresholds import tell_reached


async def check_usage(services: Services, run: Run) -> None:
    """Refresh the daily figures of days that changed, and tell the admins of thresholds reached."""
    await services.calls.flush()
    run.progress(done=await refresh_changed(services, run))
    await tell_reached(services, run)
    if services.calls.lost:
        run.warn(f"{services.calls.lost} outside calls could not be written down since the start")
