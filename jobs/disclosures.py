"""The job over disclosures."""

from __future__ import annotations

from core.chats.subscriptions import PersonalKind
from core.disclosures.service import PARTS
from core.errors import Fenced, StockPilotError
from core.runs.run import Run
from core.services import Services
from jobs.alerts import tell_at_once


async def crawl_disclosures(services: Services, run: Run) -> None:
    """Read every part of DART that is switched on, and tell people of what came; what fails is counted, the rest goes
    on."""
    parts = [part for part in PARTS if part.off_because(services.settings) is None]
    run.progress(total=len(parts))
    for part in parts:
        try:
            crawled = await part.crawl(services, run.begin)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=1)
            run.warn(f"{part.key}: {type(error).__name__}: {error}")
        else:
            run.progress(done=0 if crawled.skipped else 1)
    await tell_at_once(services, run, [PersonalKind.DISCLOSURE])
