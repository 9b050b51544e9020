"""What an admin, or the upkeep, does with running work."""

from __future__ import annotations

from core.runs.lease import take_away
from core.runs.queries import list_locks, set_paused
from core.runs.run import RunState
from core.services import Services


async def release(services: Services, job: str) -> bool:
    """Take a job from whoever runs it, who can write nothing from now on; its run is kept as fenced.

    Waits for a write transaction under way. Returns whether anybody held it, so a second call returns False.
    """
    async with services.db.begin() as conn:
        return await take_away(conn, job, RunState.FENCED)


async def clean_expired(services: Services) -> list[str]:
    """Take away every expired lease and return the jobs; their runs may be taken up again."""
    async with services.db.begin() as conn:
        expired = [lock.job for lock in await list_locks(conn) if lock.expired]
        return [job for job in expired if await take_away(conn, job, RunState.INTERRUPTED, only_expired=True)]


async def pause(services: Services, job: str) -> None:
    """Leave a job out of the schedule; a run under way goes on."""
    async with services.db.begin() as conn:
        await set_paused(conn, job, paused=True)


async def resume(services: Services, job: str) -> None:
    """Take a paused job into the schedule again; what it missed is caught up by its policy."""
    async with services.db.begin() as conn:
        await set_paused(conn, job, paused=False)
