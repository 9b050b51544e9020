"""One real probe a component."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psutil
from sqlalchemy import text

from core.clock import kst_date
from core.delivery.queries import outbox_state
from core.disclosures.client import calls_today
from core.disclosures.service import FEED, LIST, PARTS
from core.errors import NotConfigured
from core.health.kept import kept_of
from core.health.note import Note, NoteKind, note
from core.health.probe import Finding, Probe
from core.health.queries import late_letters_since
from core.health.report import Status
from core.news.queries import followed_codes
from core.news.sources import SOURCES, Source
from core.search.service import collection_of
from core.services import Services
from core.sources.service import get_source
from core.stocks.service import SOURCE as MASTER
from core.strategies.service import supervised
from core.strategies.state import OVERDUE_AFTER
from core.strategies.state import Status as Working

FULL = 90.0
"""Percent of memory or disk in use from which a component is degraded."""
LATE = timedelta(hours=1)
"""A source that was not read for so long, while this process was there to read it, is degraded."""
LETTER_LATE = timedelta(minutes=5)
"""A letter that may be sent and waits for so long makes the outbox degraded."""
NOT_WORKING = (Working.RESTARTING, Working.FAILED)
"""How a worker stands that should run and does not."""
LEAVES_SOON = timedelta(days=90)
"""How long before its end a model is warned about."""


async def postgresql(services: Services) -> Finding:
    """A query: version, size of the database, connections in use (without this probe's) of the most there may be."""
    in_use = services.db.pool_in_use
    async with services.db.read() as conn:
        version, size = (
            await conn.execute(text("SELECT current_setting('server_version'), pg_database_size(current_database())"))
        ).one()
    return Finding(
        notes=(
            note(NoteKind.SERVER, version=version, megabytes=size // 1_000_000),
            note(NoteKind.POOL, in_use=in_use, most=services.db.pool_most),
        )
    )


async def redis(services: Services) -> Finding:
    """A ping, and how much memory it uses."""
    return Finding(notes=(note(NoteKind.KEPT, kilobytes=await services.cache.ping() // 1_000),))


async def milvus(services: Services) -> Finding:
    """The number of vectors in the collection in use."""
    key = services.llm.embedding_key
    collection = collection_of(key)
    await services.vectors.open(collection, services.llm.embedding_dim)
    return Finding(notes=(note(NoteKind.VECTORS, embedding=key, count=await services.vectors.count(collection)),))


async def kis(services: Services) -> Finding:
    """Whether a key is set and a quote of the largest stock can be had."""
    if not services.kis.configured:
        raise NotConfigured("KIS_APP_KEY, KIS_APP_SECRET")
    quote = await services.kis.quote("005930")
    return Finding(notes=(note(NoteKind.QUOTE, code="005930", price=quote.price),))


def llm(provider: str) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of one provider of models: its list of models, and ours that are about to leave it."""

    async def look(services: Services) -> Finding:
        seen = await services.llm.probe(provider)
        soon = kst_date(services.clock.now()) + LEAVES_SOON
        ours = {key.partition(":")[2] for key in services.settings.llm.models if key.startswith(f"{provider}:")}
        leaving = [
            note(NoteKind.LEAVING, model=model, day=day.isoformat())
            for model, day in seen.shutdown.items()
            if model in ours and day < soon
        ]
        status = Status.DEGRADED if leaving else Status.HEALTHY
        return Finding(status=status, notes=(note(NoteKind.MODELS, count=seen.models), *leaving))

    return look


def news(source: Source) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of one source of news: how its last reading went. It is not asked, for politeness.

    A source that has not been read yet, or reads lists of followed stocks while none is followed, is well.
    """

    async def look(services: Services) -> Finding:
        if source.robots_forbids and source.key not in services.settings.news.sources:
            return Finding(status=Status.NOT_CONFIGURED, notes=(note(NoteKind.ROBOTS_FORBID, source=source.key),))
        if (reason := source.off_because(services.settings)) is not None:
            raise NotConfigured(reason)
        now, since = services.clock.now(), kept_of(services).since
        async with services.db.read() as conn:
            state = await get_source(conn, source.key)
            followed = await followed_codes(conn, limit=1)
        if state.failures_in_row:
            status = Status.DEGRADED
            said = note(NoteKind.FAILED, times=state.failures_in_row, reason=state.failure_kind or "")
        elif not source.listings(services.settings.news, now, followed):
            status, said = Status.HEALTHY, note(NoteKind.NOTHING_FOLLOWED)
        elif now - max(state.last_success_at or since, since) > LATE:
            status, said = Status.DEGRADED, note(NoteKind.NOT_READ, minutes=LATE // timedelta(minutes=1))
        elif state.last_success_at is None:
            status, said = Status.HEALTHY, note(NoteKind.NOT_YET_READ)
        elif state.few:
            status = Status.DEGRADED
            said = note(NoteKind.FEW, count=state.last_items or 0, usual=state.usual_items or 0)
        else:
            status, said = Status.HEALTHY, note(NoteKind.ITEMS, count=state.last_items or 0)
        notes = [said, *await _pages(services, source)]
        return Finding(
            status=Status.DEGRADED if len(notes) > 1 else status,
            notes=tuple(notes),
            last_success_at=state.last_success_at,
        )

    return look


async def _pages(services: Services, source: Source) -> list[Note]:
    """What is wrong with the article pages of a source; those of several are told with the first of them."""
    site = source.page
    first = next((each.key for each in SOURCES.values() if each.page is site), None)
    if site is None or first != source.key or not site.read(services.settings):
        return []
    async with services.db.read() as conn:
        state = await get_source(conn, site.key)
    failed = note(NoteKind.FAILED, times=state.failures_in_row, reason=f"{site.key} {state.failure_kind}")
    return [failed] if state.failures_in_row else []


def noted(source: str) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of a source that is read now and then: how its last reading went. It is not asked, for politeness."""

    async def look(services: Services) -> Finding:
        async with services.db.read() as conn:
            state = await get_source(conn, source)
        status = Status.DEGRADED if state.failures_in_row else Status.HEALTHY
        if state.failures_in_row:
            said = note(NoteKind.FAILED, times=state.failures_in_row, reason=state.failure_kind or "")
        elif state.last_success_at is None:
            said = note(NoteKind.NOT_YET_READ)
        else:
            said = note(NoteKind.ITEMS, count=state.last_items or 0)
        return Finding(status=status, notes=(said,), last_success_at=state.last_success_at)

    return look


async def dart(services: Services) -> Finding:
    """How the last readings of DART went, part by part, and the calls of the day. It is not asked, for its quota.

    Without a key the public feed alone is read, which is said.
    """
    on = [part.key for part in PARTS if part.off_because(services.settings) is None]
    if not {LIST, FEED} & set(on):
        raise NotConfigured("DART_API_KEY")
    now, since = services.clock.now(), kept_of(services).since
    async with services.db.read() as conn:
        states = [await get_source(conn, key) for key in on]
        used = await calls_today(conn, at=now)
    main = next(state for state in states if state.source == (LIST if LIST in on else FEED))
    failing = [state for state in states if state.failures_in_row]
    notes = [
        note(NoteKind.FAILED, times=state.failures_in_row, reason=f"{state.source} {state.failure_kind}")
        for state in failing
    ]
    late = now - max(main.last_success_at or since, since) > LATE
    if late:
        notes.append(note(NoteKind.NOT_READ, minutes=LATE // timedelta(minutes=1)))
    elif main.last_success_at is None:
        notes.append(note(NoteKind.NOT_YET_READ))
    elif not main.failures_in_row:
        notes.append(note(NoteKind.ITEMS, count=main.last_items or 0))
    if LIST in on:
        notes.append(note(NoteKind.CALLS, used=used, most=services.settings.dart.daily_calls))
    else:
        notes.append(note(NoteKind.FEED_ONLY))
    status = Status.DEGRADED if failing or late else Status.HEALTHY
    return Finding(status=status, notes=tuple(notes), last_success_at=main.last_success_at)


async def outbox(services: Services) -> Finding:
    """Letters that wait, the oldest of them, and those of the last day that came to no good end."""
    now = services.clock.now()
    async with services.db.read() as conn:
        state = await outbox_state(conn, since=now - timedelta(days=1))
        since = await late_letters_since(conn, at=now)
    oldest = now - state.oldest_at if state.oldest_at else timedelta()
    waiting = note(NoteKind.WAITING, count=state.depth, minutes=oldest // timedelta(minutes=1))
    notes = [waiting if state.depth else note(NoteKind.NOTHING_WAITS)]
    if state.failed or state.dropped or state.parked:
        notes.append(note(NoteKind.UNSENT, failed=state.failed, dropped=state.dropped, parked=state.parked))
    late = since is not None and now - since > LETTER_LATE
    return Finding(status=Status.DEGRADED if late else Status.HEALTHY, notes=tuple(notes))


async def strategies(services: Services) -> Finding:
    """Workers that run, and those that should and do not. Their supervisor tells admins of each.

    A process that has just begun gives the one that leads time to take them up.
    """
    found = await supervised(services)
    settled = services.clock.now() - kept_of(services).since > OVERDUE_AFTER
    wanted = [(each, each.state.status) for each in found if each.state and each.state.wanted and not each.off_because]
    down = [each.id for each, status in wanted if (each.unattended and settled) or status in NOT_WORKING]
    running = sum(status is Working.RUNNING and not each.unattended for each, status in wanted)
    notes = [note(NoteKind.WORKERS, running=running, most=len(found))]
    if down:
        notes.append(note(NoteKind.WORKERS_DOWN, workers=", ".join(down)))
    return Finding(status=Status.DEGRADED if down else Status.HEALTHY, notes=tuple(notes))


async def memory(_services: Services) -> Finding:
    """Memory of the machine and of this process."""
    used, own = psutil.virtual_memory().percent, psutil.Process().memory_info().rss
    return Finding(
        status=Status.DEGRADED if used >= FULL else Status.HEALTHY,
        notes=(note(NoteKind.IN_USE, percent=round(used)), note(NoteKind.PROCESS, megabytes=own // 1_000_000)),
    )


async def disk(services: Services) -> Finding:
    """Room where the data lives."""
    services.settings.app.data_dir.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(services.settings.app.data_dir)
    used = 100 * usage.used / usage.total
    return Finding(
        status=Status.DEGRADED if used >= FULL else Status.HEALTHY,
        notes=(
            note(NoteKind.IN_USE, percent=round(used)),
            note(NoteKind.FREE, gigabytes=usage.free // 1_000_000_000),
        ),
    )


async def event_loop(services: Services) -> Finding:
    """How late the event loop of this process came in the last minute."""
    if (lag := kept_of(services).loop.lag()) is None:
        return Finding()
    return Finding(
        status=Status.DEGRADED if lag.degraded else Status.HEALTHY,
        notes=(
            note(NoteKind.LAG, last=milliseconds(lag.last), p99=milliseconds(lag.p99), most=milliseconds(lag.most)),
        ),
    )


async def usage_rows(services: Services) -> Finding:
    """Whether every outside call found its way into the ledger since the last look."""
    kept, lost = kept_of(services), services.calls.lost
    growing, kept.lost = lost > kept.lost, lost
    return Finding(
        status=Status.DEGRADED if growing else Status.HEALTHY,
        notes=(note(NoteKind.LOST, count=lost) if lost else note(NoteKind.NOTHING_LOST),),
    )


def milliseconds(seconds: float) -> int:
    """Rounded."""
    return round(seconds * 1000)


PROBES = (
    Probe(name="postgresql", look=postgresql, critical=True),
    Probe(name="redis", look=redis),
    Probe(name="milvus", look=milvus),
    Probe(name="kis", look=kis),
    Probe(name=MASTER, look=noted(MASTER), told=False),
    *(Probe(name=provider, look=llm(provider)) for provider in ("openai", "openrouter")),
    *(Probe(name=source.key, look=news(source), told=False) for source in SOURCES.values()),
    Probe(name="dart", look=dart, told=False),
    Probe(name="outbox", look=outbox),
    Probe(name="strategies", look=strategies, told=False),
    Probe(name="memory", look=memory),
    Probe(name="disk", look=disk),
    Probe(name="event_loop", look=event_loop),
    Probe(name="usage_rows", look=usage_rows),
)
