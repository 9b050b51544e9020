"""One real probe a component. A probe returns a finding or raises; what it raises becomes the component's status."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil
from sqlalchemy import text

from core.clock import kst_date
from core.errors import NotConfigured
from core.health.report import Status
from core.news.sources import SOURCES, Source
from core.runs.run import RunState
from core.search.service import collection_of
from core.services import Services
from core.sources.service import get_source

FULL = 90.0
"""Percent of memory or disk in use from which a component is degraded."""
LATE = timedelta(hours=1)
"""A scheduler that has finished nothing, or a source that was not read, for so long is degraded."""
_LATE = LATE // timedelta(minutes=1)
LEAVES_SOON = timedelta(days=90)
"""How long before its end a model is warned about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a probe saw. A figure that belongs to it stands in `message`, in Korean."""

    status: Status = Status.HEALTHY
    message: str = ""
    last_success_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How one component is probed. `patience` is how many seconds it may take."""

    name: str
    look: Callable[[Services], Awaitable[Finding]]
    critical: bool = False
    patience: float = 5.0


async def postgresql(services: Services) -> Finding:
    """A query: version, size of the database, connections in use."""
    async with services.db.begin() as conn:
        version, size = (
            await conn.execute(text("SELECT current_setting('server_version'), pg_database_size(current_database())"))
        ).one()
    return Finding(message=f"{version}, {size // 1_000_000:,} MB, 연결 {services.db.pool_in_use}개 사용 중")


async def redis(services: Services) -> Finding:
    """A ping, and how much memory it uses."""
    return Finding(message=f"{await services.cache.ping() // 1_000:,} kB")


async def milvus(services: Services) -> Finding:
    """The number of vectors in the collection in use."""
    key = services.llm.embedding_key
    collection = collection_of(key)
    await services.vectors.open(collection, services.llm.embedding_dim)
    return Finding(message=f"{key}, 벡터 {await services.vectors.count(collection):,}개")


async def kis(services: Services) -> Finding:
    """Whether a key is set and a quote of the largest stock can be had."""
    if not services.kis.configured:
        raise NotConfigured("KIS_APP_KEY, KIS_APP_SECRET")
    quote = await services.kis.quote("005930")
    return Finding(message=f"005930 {quote.price:,}원")


def llm(provider: str) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of one provider of models: its list of models, and ours that are about to leave it."""

    async def look(services: Services) -> Finding:
        seen = await services.llm.probe(provider)
        soon = kst_date(services.clock.now()) + LEAVES_SOON
        ours = {key.partition(":")[2] for key in services.settings.llm.models if key.startswith(f"{provider}:")}
        leaving = [f"{model} {day} 종료 예정" for model, day in seen.shutdown.items() if model in ours and day < soon]
        status = Status.DEGRADED if leaving else Status.HEALTHY
        return Finding(status=status, message=", ".join([f"모델 {seen.models}개", *leaving]))

    return look


_NEWEST_RUNS = text(
    "SELECT DISTINCT ON (job) job, state, max(finished_at) OVER () AS finished FROM job_run ORDER BY job, slot DESC"
)


async def scheduler(services: Services) -> Finding:
    """When a job last finished, and the jobs whose newest run failed."""
    async with services.db.begin() as conn:
        newest = (await conn.execute(_NEWEST_RUNS)).all()
    finished: datetime | None = newest[0].finished if newest else None
    failing = ", ".join(run.job for run in newest if run.state in {RunState.FAILED, RunState.TIMED_OUT})
    if finished is None:
        return Finding(status=Status.DEGRADED, message="끝난 작업이 아직 없습니다")
    if failing:
        return Finding(status=Status.DEGRADED, message=f"실패: {failing}", last_success_at=finished)
    if services.clock.now() - finished > LATE:
        return Finding(status=Status.DEGRADED, message=f"{_LATE}분 넘게 끝난 작업이 없습니다", last_success_at=finished)
    return Finding(message=f"작업 {len(newest)}개", last_success_at=finished)


def news(source: Source) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of one source of news: how its last reading went. It is not asked, for politeness."""

    async def look(services: Services) -> Finding:
        if source.robots_forbids and source.key not in services.settings.news.sources:
            raise NotConfigured(f"robots.txt와 약관이 자동 수집을 금지해 꺼 둠 · 켜려면 NEWS_SOURCES에 {source.key}")
        if (reason := source.off_because(services.settings)) is not None:
            raise NotConfigured(reason)
        async with services.db.begin() as conn:
            state = await get_source(conn, source.key)
        if state.failures_in_row:
            message, status = f"{state.failures_in_row}번 연속 실패({state.failure_kind})", Status.DEGRADED
        elif state.last_success_at is None:
            message, status = "아직 읽지 않았습니다", Status.DEGRADED
        elif services.clock.now() - state.last_success_at > LATE:
            message, status = f"{_LATE}분 넘게 읽지 못했습니다", Status.DEGRADED
        else:
            message, status = f"지난번에 {state.last_items}건", Status.HEALTHY
        return Finding(status=status, message=message, last_success_at=state.last_success_at)

    return look


async def memory(_services: Services) -> Finding:
    """Memory of the machine and of this process."""
    used, own = psutil.virtual_memory().percent, psutil.Process().memory_info().rss
    status = Status.DEGRADED if used >= FULL else Status.HEALTHY
    return Finding(status=status, message=f"{used:.0f}% 사용, 프로세스 {own // 1_000_000:,} MB")


async def disk(services: Services) -> Finding:
    """Room where the data lives."""
    services.settings.app.data_dir.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(services.settings.app.data_dir)
    used = 100 * usage.used / usage.total
    status = Status.DEGRADED if used >= FULL else Status.HEALTHY
    return Finding(status=status, message=f"{used:.0f}% 사용, {usage.free // 1_000_000_000:,} GB 남음")


PROBES = (
    Probe(name="postgresql", look=postgresql, critical=True),
    Probe(name="redis", look=redis),
    Probe(name="milvus", look=milvus),
    Probe(name="kis", look=kis),
    *(Probe(name=provider, look=llm(provider)) for provider in ("openai", "openrouter")),
    *(Probe(name=source.key, look=news(source)) for source in SOURCES.values()),
    Probe(name="scheduler", look=scheduler),
    Probe(name="memory", look=memory),
    Probe(name="disk", look=disk),
)
