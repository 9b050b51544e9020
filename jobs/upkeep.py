"""Jobs that keep the house."""

from __future__ import annotations

from datetime import timedelta

from core.clock import kst_date
from core.delivery.alert import PERSONAL
from core.delivery.queries import prune as prune_letters
from core.log_records.queries import prune_records
from core.market.minute_queries import forget_coverage
from core.market.partitions import drop_months, months_back, prepare
from core.runs.run import Run
from core.runs.service import clean_expired
from core.search.service import reconcile
from core.services import Services
from core.sources.waiting import prune as prune_quarantine
from core.usage.aggregates import prune as prune_calls

LETTERS_KEPT = timedelta(days=90)
"""How long it is remembered what admins were told, and with it that it is not told again."""
PERSONAL_KEPT = timedelta(days=7)
"""How long the same of briefs and personal alerts, far longer than any is worth telling.

They are many: a brief takes 1.5 kB with its indexes, a story 0.8 kB. Three briefs a day to ten thousand people are
45 MB a day, so 0.3 GB in a week and 4 GB in ninety days. What was told of a stock is known by `alert_event` anyway.
"""
QUARANTINE_KEPT = timedelta(days=90)
"""How long a row that could not be used waits for a parser that reads it."""


async def housekeeping(services: Services, run: Run) -> None:
    """Release leases nobody renews, delete what is old, and have articles whose vectors are missing embedded again."""
    for job in await clean_expired(services):
        run.warn(f"{job}: an expired lease was released")
    async with run.begin() as conn:
        await prune_records(conn, before=services.clock.now() - timedelta(days=services.settings.log.kept_days))
        await prune_quarantine(conn, before=services.clock.now() - QUARANTINE_KEPT)
        await prune_letters(conn, before=services.clock.now() - PERSONAL_KEPT, kinds=PERSONAL)
        await prune_letters(conn, before=services.clock.now() - LETTERS_KEPT)
    await prune_calls(services, run)
    await keep_months(services, run)
    run.progress(done=await reconcile(services, begin=run.begin))


async def keep_months(services: Services, run: Run) -> None:
    """Make the months of the minute table that are needed soon; drop those kept for long enough."""
    now = services.clock.now()
    oldest = months_back(kst_date(now), services.settings.kis.minute_months)
    async with run.begin() as conn:
        await prepare(conn, now)
        dropped = await drop_months(conn, before=oldest)
        await forget_coverage(conn, before=oldest)
    for month in dropped:
        run.warn(f"minutes of {month:%Y-%m} were deleted: they are older than KIS_MINUTE_MONTHS")
