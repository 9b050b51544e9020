"""Jobs that keep the house."""

from __future__ import annotations

from datetime import timedelta

from core.delivery.queries import prune as prune_letters
from core.log_records.queries import prune_records
from core.runs.run import Run
from core.runs.service import clean_expired
from core.search.service import reconcile
from core.services import Services
from core.usage.aggregates import prune as prune_calls

LETTERS_KEPT = timedelta(days=90)
"""How long it is remembered what was told to whom, and with it that it is not told again."""


async def housekeeping(services: Services, run: Run) -> None:
    """Release leases nobody renews, delete what is old, and have articles whose vectors are missing embedded again."""
    for job in await clean_expired(services):
        run.warn(f"{job}: an expired lease was released")
    async with run.begin() as conn:
        await prune_records(conn, before=services.clock.now() - timedelta(days=services.settings.log.kept_days))
        await prune_letters(conn, before=services.clock.now() - LETTERS_KEPT)
    await prune_calls(services, run)
    run.progress(done=await reconcile(services, begin=run.begin))
