"""/locks and /unlock."""

from __future__ import annotations

from bot.confirm import confirmed, signed
from bot.context import BotContext
from bot.handlers.asking_jobs import asked_job
from bot.views import locks as views
from core.runs import queries
from core.runs import service as runs
from core.runs.queries import Lock


async def locks(context: BotContext) -> None:
    """Every held job, one job's lock, the expired leases, or the taking away of those."""
    asked = context.argument.lower()
    if asked == "cleanup":
        await cleanup_pressed(context)
    elif asked in {"", "expired"}:
        await _list(context, only_expired=bool(asked))
    else:
        held = [lock.job for lock in await _held(context)]
        if name := await asked_job(context, "lk", example="/locks crawl_news", also=held):
            await lock_pressed(context, name)


async def locks_pressed(context: BotContext) -> None:
    """Every held job by a button."""
    await _list(context, only_expired=False)


async def lock_pressed(context: BotContext, name: str) -> None:
    """Who holds one job."""
    async with context.services.db.read() as conn:
        standing = await queries.standing(conn, name)
    await context.say_privately(views.lock(name, await _lock(context, name), standing, context.texts))


async def cleanup_pressed(context: BotContext) -> None:
    """Take the expired leases away now."""
    cleaned = await runs.clean_expired(context.services, by=context.asker.id)
    await context.say_privately(views.cleaned(cleaned, context.texts))


async def unlock(context: BotContext) -> None:
    """Ask whether a job is to be taken from who runs it."""
    held = [lock.job for lock in await _held(context)]
    if name := await asked_job(context, "un", example="/unlock crawl_news", also=held):
        await unlock_pressed(context, name)


async def unlock_pressed(context: BotContext, name: str) -> None:
    """Ask whether a job is to be taken away; what is confirmed is good for its present holder alone."""
    if (found := await _lock(context, name)) is None:
        await lock_pressed(context, name)
        return
    button = signed(context, "uk", f"{found.job}.{found.epoch}")
    await context.say_privately(views.confirm(found, button, context.texts))


async def unlock_confirmed(context: BotContext, subject: str, until: str, signature: str) -> None:
    """Take the job away, raise its epoch, and say what becomes of its run."""
    job, _, epoch = confirmed(context, "uk", subject, until, signature).rpartition(".")
    was_held = await runs.release(context.services, job, by=context.asker.id, epoch=int(epoch))
    await context.change(views.released(job, was_held, context.texts))


async def _list(context: BotContext, *, only_expired: bool) -> None:
    found = [lock for lock in await _held(context) if lock.expired or not only_expired]
    await context.say_privately(views.locks(found, only_expired, context.texts))


async def _held(context: BotContext) -> list[Lock]:
    async with context.services.db.read() as conn:
        return await queries.list_locks(conn)


async def _lock(context: BotContext, name: str) -> Lock | None:
    return next((lock for lock in await _held(context) if lock.job == name), None)
