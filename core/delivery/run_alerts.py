"""Failures of scheduled work and their ends, told to the admins."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.alert import Alert, AlertKind, Facts
from core.delivery.service import tell_admins
from core.runs.alerts import RunFailed, RunRecovered
from core.services import Services


class AdminAlerts:
    """A `BatchAlertHook` that puts each event into the outbox."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def failed(self, conn: AsyncConnection, event: RunFailed) -> None:
        """A job that worked before has failed."""
        facts: Facts = {"job": event.job, "slot": event.slot.isoformat(), "state": event.state, "error": event.error}
        alert = Alert(kind=AlertKind.JOB_FAILED, key=f"job_failed:{event.run_id}", facts=facts)
        await tell_admins(self._services, conn, alert)

    async def recovered(self, conn: AsyncConnection, event: RunRecovered) -> None:
        """A job that had failed works again."""
        facts: Facts = {"job": event.job, "slot": event.slot.isoformat(), "failures": event.failures}
        alert = Alert(kind=AlertKind.JOB_RECOVERED, key=f"job_recovered:{event.run_id}", facts=facts)
        await tell_admins(self._services, conn, alert)
