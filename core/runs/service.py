"""What an admin, or the upkeep, does with running work. What an admin changes is written to the audit trail."""

from __future__ import annotations

import structlog

from core.audit.trail import note
from core.errors import Conflict
from core.runs.lease import take_away
from core.runs.queries import list_locks, set_paused
from core.runs.run import RunState
from core.services import Services

log = structlog.get_logger(__name__)


async def release(services: Services, job: str, *, by: int, epoch: int | None = None) -> bool:
    """Take a job from whoever runs it, who can write nothing from now on; its run is kept as fenced.

    With `epoch`, only from the holder of that epoch. Waits for a write transaction under way. Returns whether
    anybody held it, so a second call returns False.
    """
    at = services.clock.now()
    async with services.db.begin() as conn:
        taken = await take_away(conn, job, RunState.FENCED, at=at, epoch=epoch)
        if taken:
            await note(conn, actor_id=by, action="unlock", target=job, at=at, epoch=epoch)
    return taken


async def clean_expired(services: Services, *, by: int | None = None) -> list[str]:
    """Take away every expired lease and return the jobs; their runs may be taken up again. `by` is an admin.

    One whose holder is in the middle of a write is left for the next time.
    """
    async with services.db.read() as conn:
        expired = [lock.job for lock in await list_locks(conn) if lock.expired]
    return [job for job in expired if await _clean(services, job, by)]


async def _clean(services: Services, job: str, by: int | None) -> bool:
    at = services.clock.now()
    try:
        async with services.db.begin() as conn:
            taken = await take_away(conn, job, RunState.INTERRUPTED, at=at, only_expired=True)
            if taken and by is not None:
                await note(conn, actor_id=by, action="locks_cleanup", target=job, at=at)
    except Conflict as busy:
        log.info("expired_lease_busy", job=job, reason=str(busy))
        return False
    if taken:
        log.warning("expired_lease_cleaned", job=job)
    return taken


async def pause(services: Services, job: str, *, by: int) -> bool:
    """Leave a job out of the schedule; a run under way goes on. Returns False when it was paused already."""
    return await _set_paused(services, job, by, paused=True)


async def resume(services: Services, job: str, *, by: int) -> bool:
    """Take a paused job into the schedule again; what it missed is caught up by its policy. False if not paused."""
    return await _set_paused(services, job, by, paused=False)


async def _set_paused(services: Services, job: str, by: int, *, paused: bool) -> bool:
    async with services.db.begin() as conn:
        changed = await set_paused(conn, job, paused=paused)
        if changed:
            action = "pause" if paused else "resume"
            await note(conn, actor_id=by, action=action, target=job, at=services.clock.now())
    return changed
