"""/jobs, /run, /pause and /resume."""

from __future__ import annotations

import re
from datetime import datetime

from telegram import Message as Sent

from bot import reply
from bot.context import BotContext
from bot.handlers.asking import asked_count
from bot.handlers.asking_jobs import asked_job, known_job
from bot.views import jobs as views
from core.errors import Conflict, UserError
from core.runs import queries
from core.runs import service as runs
from core.runs.control import Started
from core.runs.statistics import patterns

SHOWN_RUNS = 10
RECENT_RUNS = 20
SHOWN_PATTERNS = 10


async def jobs(context: BotContext) -> None:
    """Every job, one of them, one run by its number (`/jobs #12`), the newest runs, or statistics."""
    first, _, rest = context.argument.partition(" ")
    if first.lower() == "recent":
        await _recent(context, asked_count(rest.strip(), otherwise=RECENT_RUNS, example="/jobs recent 20"))
    elif context.argument.lower() == "stats":
        await statistics_pressed(context)
    elif found := re.fullmatch(r"#\s?([0-9]{1,12})", context.argument):
        await _show_run(context, int(found[1]))
    elif not first:
        await overview_pressed(context)
    elif name := await asked_job(context, "jb", example="/jobs crawl_news"):
        await job_pressed(context, name)


async def overview_pressed(context: BotContext) -> None:
    """Every job with its next slot and newest run."""
    lines = await _lines(context, tuple(context.jobs.jobs))
    await context.say_privately(views.overview(lines, context.services.clock.now(), context.texts))


async def job_pressed(context: BotContext, name: str) -> None:
    """One job in detail."""
    (line,) = await _lines(context, (known_job(context, name),))
    async with context.services.db.read() as conn:
        found = views.JobDetail(
            line=line,
            standing=await queries.standing(conn, name),
            runs=await queries.recent_runs(conn, job=name, limit=SHOWN_RUNS),
            stats=next(iter(await queries.job_stats(conn, job=name)), None),
            patterns=patterns(await queries.failures(conn, job=name)),
        )
    await context.say_privately(views.detail(found, context.services.clock.now(), context.texts))


async def recent_pressed(context: BotContext) -> None:
    """The newest runs."""
    await _recent(context, RECENT_RUNS)


async def statistics_pressed(context: BotContext) -> None:
    """Figures of every job over its kept runs, and failures that are alike."""
    async with context.services.db.read() as conn:
        found, failed = await queries.job_stats(conn), await queries.failures(conn)
    alike = patterns(failed)[:SHOWN_PATTERNS]
    await context.say_privately(views.statistics(found, alike, context.services.clock.now(), context.texts))


async def run(context: BotContext) -> None:
    """Run a job now."""
    if name := await asked_job(context, "jr", example="/run crawl_news"):
        await _start(context, name)


async def run_pressed(context: BotContext, name: str) -> None:
    """Run a job now by a button."""
    await _start(context, known_job(context, name))


async def pause(context: BotContext) -> None:
    """Leave a job out of the schedule."""
    if name := await asked_job(context, "jp", example="/pause crawl_news"):
        await pause_pressed(context, name)


async def pause_pressed(context: BotContext, name: str) -> None:
    """Leave a job out of the schedule by a button."""
    news = await runs.pause(context.services, known_job(context, name), by=context.asker.id)
    await context.say_privately(views.paused(name, news, context.texts))


async def resume(context: BotContext) -> None:
    """Take a job into the schedule again and its unfinished newest run up where it stood."""
    if name := await asked_job(context, "je", example="/resume crawl_news"):
        await resume_pressed(context, name)


async def resume_pressed(context: BotContext, name: str) -> None:
    """Take a job up again by a button."""
    services = context.services
    news = await runs.resume(services, known_job(context, name), by=context.asker.id)
    async with services.db.read() as conn:
        newest = (await queries.newest_runs(conn, (name,))).get(name)
    if newest is not None and newest.open:
        await _start(context, name, slot=newest.slot)
        return
    coming = context.jobs.next_slot(name, services.clock.now())
    await context.say_privately(views.resumed(name, news, newest, coming, context.texts))


async def _start(context: BotContext, name: str, *, slot: datetime | None = None) -> None:
    try:
        started = await context.jobs.start(name, by=context.asker.id, slot=slot)
    except Conflict:
        async with context.services.db.read() as conn:
            lock = next((lock for lock in await queries.list_locks(conn) if lock.job == name), None)
        if lock is None:
            raise
        await context.say_privately(views.held(lock, context.texts))
        return
    sent = await context.say_privately(views.started(started, context.texts))
    if sent is not None:
        # Behind this answer, so that the chat is free while the job runs.
        context.application.create_task(_tell_end(context, started, sent), update=context.incoming)


async def _tell_end(context: BotContext, started: Started, sent: Sent) -> None:
    ended = await started.ended
    await reply.change(sent, views.ended(ended, context.services.clock.now(), context.texts))


async def _recent(context: BotContext, limit: int) -> None:
    async with context.services.db.read() as conn:
        newest = await queries.recent_runs(conn, limit=limit)
    await context.say_privately(views.recent(newest, context.services.clock.now(), context.texts))


async def _show_run(context: BotContext, number: int) -> None:
    async with context.services.db.read() as conn:
        found = await queries.find_run(conn, number)
    if found is None:
        raise UserError("{number}번 실행은 없습니다. /jobs recent 로 최근 실행을 볼 수 있습니다.", number=number)
    await context.say_privately(views.one_run(found, context.services.clock.now(), context.texts))


async def _lines(context: BotContext, names: tuple[str, ...]) -> list[views.JobLine]:
    now = context.services.clock.now()
    async with context.services.db.read() as conn:
        newest, paused = await queries.newest_runs(conn, names), await queries.paused_jobs(conn)
        locks = {lock.job: lock for lock in await queries.list_locks(conn)}
    return [
        views.JobLine(
            job=context.jobs.jobs[name],
            next_slot=context.jobs.next_slot(name, now),
            newest=newest.get(name),
            paused=name in paused,
            lock=locks.get(name),
        )
        for name in names
    ]
