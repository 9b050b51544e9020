"""One real probe a component. A probe returns a finding or raises; what it raises becomes the component's status."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil
from sqlalchemy import text

from core.errors import NotConfigured
from core.health.report import Status
from core.runs import queries as runs
from core.services import Services
from core.sources.service import list_sources

FULL = 90.0
"""Percent of memory or disk in use from which a component is degraded."""
LATE = timedelta(hours=26)
"""A scheduler that has finished nothing for so long is degraded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a probe saw. A figure that belongs to it stands in `message`, in Korean."""

    status: Status = Status.HEALTHY
    message: str = ""
    last_success_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How one component is probed."""

    name: str
    look: Callable[[Services], Awaitable[Finding]]
    critical: bool = False


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
    await services.vectors.ping()
    return Finding(message=services.llm.embedding_key)


async def kis(services: Services) -> Finding:
    """Whether a key is set and a quote of the largest stock can be had."""
    if not services.kis.configured:
        raise NotConfigured("KIS_APP_KEY, KIS_APP_SECRET")
    quote = await services.kis.quote("005930")
    return Finding(message=f"005930 {quote.price:,}원")


def llm(provider: str) -> Callable[[Services], Awaitable[Finding]]:
    """The probe of one provider of models: its list of models, and models about to leave."""

    async def look(services: Services) -> Finding:
        seen = await services.llm.probe(provider)
        today = services.clock.now().date()
        leaving = [f"{model} {day}" for model, day in seen.shutdown.items() if day - today < timedelta(days=90)]
        status = Status.DEGRADED if leaving else Status.HEALTHY
        return Finding(status=status, message=", ".join([f"모델 {seen.models}개", *leaving]))

    return look


async def scheduler(services: Services) -> Finding:
    """The newest finished run, and jobs whose newest run failed."""
    async with services.db.begin() as conn:
        recent = await runs.recent_runs(conn, limit=200)
    if not recent:
        return Finding(status=Status.DEGRADED, message="아직 실행된 작업이 없습니다")
    newest = {run.job: run for run in reversed(recent)}
    failing = sorted(job for job, run in newest.items() if run.state in {"failed", "timed_out"})
    finished = max((run.finished_at for run in recent if run.finished_at), default=None)
    late = finished is None or services.clock.now() - finished > LATE
    return Finding(
        status=Status.DEGRADED if failing or late else Status.HEALTHY,
        message=f"실패: {', '.join(failing)}" if failing else f"작업 {len(newest)}개",
        last_success_at=finished,
    )


async def news(services: Services) -> Finding:
    """Every source's last success, and those that fail or are switched off."""
    async with services.db.begin() as conn:
        states = await list_sources(conn)
    if not states:
        return Finding(status=Status.NOT_CONFIGURED, message="NEWS_SOURCES")
    failing = [f"{state.source}({state.failure_kind})" for state in states if state.failures_in_row]
    return Finding(
        status=Status.DEGRADED if failing else Status.HEALTHY,
        message=", ".join(failing) or f"소스 {len(states)}개",
        last_success_at=max((state.last_success_at for state in states if state.last_success_at), default=None),
    )


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
    Probe(name="news", look=news),
    Probe(name="scheduler", look=scheduler),
    Probe(name="memory", look=memory),
    Probe(name="disk", look=disk),
)
