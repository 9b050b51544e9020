"""The job that looks after health."""

from __future__ import annotations

from core.health import service
from core.runs.run import Run
from core.services import Services


async def check_health(services: Services, run: Run) -> None:
    """Probe every component and tell admins what changed since they were last told."""
    report = await service.check_health(services)
    async with run.begin() as conn:
        await service.tell_changes(services, conn, report)
    run.progress(done=len(report.components))
