"""Failures of scheduled work and their ends, told to the admins."""

from __future__ import annotations

from core.delivery.alert import Alert, AlertKind, Facts
from core.delivery.service import tell_admins
from core.runs.alerts import RunFailed, RunRecovered
from core.services import Services


class AdminAlerts:
    """A `BatchAlertHook` that puts each event into the outbox."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def failed(self, event: RunFailed) -> None:
        """A job that worked before has failed. Raises `Unavailable` when the database does not answer."""
        facts: Facts = {"job": event.job, "slot": event.slot.isoformat(), "state": event.state, "error": event.error}
        await self._tell(Alert(kind=AlertKind.JOB_FAILED, key=f"job_failed:{event.run_id}", facts=facts))

    async def recovered(self, event: RunRecovered) -> None:
        """A job that had failed works again. Raises `Unavailable`."""
        facts: Facts = {"job": event.job, "slot": event.slot.isoformat(), "failures": event.failures}
        await self._tell(Alert(kind=AlertKind.JOB_RECOVERED, key=f"job_recovered:{event.run_id}", facts=facts))

    async def _tell(self, alert: Alert) -> None:
        async with self._services.db.begin() as conn:
            await tell_admins(self._services, conn, alert)
