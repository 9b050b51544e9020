"""Jobs over strategies."""

from __future__ import annotations

from core.runs.run import Run
from core.services import Services
from core.strategies.service import tell_unattended


async def check_strategies(services: Services, run: Run) -> None:
    """Tell of strategies that no supervisor looks after.

    Restarting is the supervisor's work, in the process that holds the workers and every few seconds. This job
    only watches the watcher, from the database, so that it also sees a process that is gone; start the supervisor
    before the jobs, or it is taken for gone after a pause.
    """
    async with run.begin() as conn:
        for id in await tell_unattended(services, conn):
            run.warn(f"{id}: no process looks after it")
