"""The job of the personal briefs."""

from __future__ import annotations

import asyncio
from typing import Final

from core.briefs.brief import TIMES, slot_at
from core.briefs.queries import readers
from core.briefs.service import known_of, letters
from core.clock import kst
from core.delivery.alert import LIFETIMES, AlertKind
from core.delivery.queries import add_each
from core.runs.run import Run
from core.services import Services
from jobs.reports import TIMES as REPORTS_AT
from jobs.slots import on_session

BATCH: Final = 500
"""People whose letters are written in one transaction."""


async def send_briefs(services: Services, run: Run) -> None:
    """The brief of the slot to everybody who wants it; one asked for in between is that of the slot before.

    Whoever was told it already is not told again, so it may be run as often as one likes.
    """
    day, slot = slot_at(run.slot)
    due = kst(day, TIMES[slot])
    if services.clock.now() >= due + LIFETIMES[AlertKind.BRIEF]:
        run.warn(f"the brief of {due:%Y-%m-%d %H:%M} UTC is not worth telling any more")
        return
    async with services.db.read() as conn:
        everybody = await readers(conn, services, slot)
    run.progress(total=len(everybody))
    left = [reader for reader in everybody if reader.user_id > run.checkpoint.get("after", 0)]
    codes = {code for reader in left for code in reader.codes}
    reports_at = on_session(REPORTS_AT, day, services.calendar) if services.calendar.is_session(day) else ()
    known = await known_of(services, codes, day=day, slot=slot, reports_at=reports_at)
    for start in range(0, len(left), BATCH):
        batch = left[start : start + BATCH]
        made = await asyncio.to_thread(letters, known, batch)
        async with run.begin(checkpoint={"after": batch[-1].user_id}, done=len(batch)) as conn:
            await add_each(conn, made, at=services.clock.now(), since=due)
