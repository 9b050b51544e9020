"""Jobs that keep the house."""

from __future__ import annotations

from core.runs.run import Run
from core.runs.service import clean_expired
from core.search.service import reconcile
from core.services import Services


async def housekeeping(services: Services, run: Run) -> None:
    """Release leases nobody renews, and mark articles whose vectors are missing so that they are embedded again."""
    for job in await clean_expired(services):
        run.warn(f"{job}: an expired lease was released")
    run.progress(done=await reconcile(services, begin=run.begin))
