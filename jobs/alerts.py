"""The job that tells people what happened to the stocks they watch."""

from __future__ import annotations

from collections.abc import Collection

from core.alerts import service
from core.alerts.found import FINDERS
from core.chats.subscriptions import PersonalKind
from core.runs.run import Run
from core.services import Services


async def dispatch_alerts(services: Services, run: Run) -> None:
    """Tell people of every kind of event; each kind is written in a transaction of its own."""
    for kind in FINDERS:
        told = await tell_at_once(services, run, [kind])
        run.progress(done=told.events)
    async with run.begin() as conn:
        await service.forget(services, conn)


async def tell_at_once(services: Services, run: Run, kinds: Collection[PersonalKind]) -> service.Told:
    """Tell people of events of these kinds now: for the jobs that find what cannot wait."""
    async with run.begin() as conn:
        return await service.tell(services, conn, kinds)
