"""Each store and each outside service is killed while jobs run and people ask; then it comes back.

Run with `-s` to see the table: what still answers, what degrades, what says that it cannot, and what has recovered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.embedded import Addresses
from core.errors import Unavailable
from core.health.report import Status
from core.health.service import REUSED_FOR, check_health
from core.runs.queries import list_locks
from core.runs.run import RunState
from core.search.service import collection_of
from jobs.due import Due
from jobs.scheduler import run_due
from tests.acceptance.killable import Killable, killable_servers
from tests.integration.bot_stage import MOMENT, Stage, shown, stage_on

STEP = timedelta(minutes=10)
QUESTIONS = {
    "help": "/help",
    "cached report": "/report 삼성전자",
    "new report": "/report {name}",
    "price": "카카오",
    "news": "/news",
    "watchlist": "/watchlist",
}
PROOF = {
    "help": "쓸 수 있는 명령",
    "cached report": "확신도",
    "new report": "확신도",
    "price": "거래대금",
    "news": "뉴스",
    "watchlist": "삼성전자",
}
NEVER_ASKED = iter(
    (
        "기아",
        "NAVER",
        "셀트리온",
        "두산",
        "현대차",
        "LG화학",
        "KB금융",
        "대상",
        "카카오뱅크",
        "삼성SDI",
        "SK텔레콤",
        "KT&G",
    )
)
ANSWERED, REFUSED, SILENT = "answers", "says it cannot", "silent"
STILL: Mapping[str, set[str]] = {
    "postgresql": set(),
    "redis": set(QUESTIONS),
    "milvus": set(QUESTIONS),
    "kis": {"help", "cached report", "news", "watchlist"},
    "naver": set(QUESTIONS),
    "llm": set(QUESTIONS),
}
"""What must go on answering while one of them is dead; the rest must say what is missing."""


class TelegramAtItsAddress:
    """The simulated Telegram, which comes back where it was."""

    def __init__(self, stage: Stage) -> None:
        self._telegram, self._port = stage.telegram, int(stage.demo.address.rpartition(":")[2])

    async def start(self) -> str:
        """Listen again."""
        return await self._telegram.start(port=self._port)

    async def stop(self) -> None:
        """Refuse connections and drop the open ones."""
        await self._telegram.stop()


SEEN_AS = {"naver": "naver_main", "llm": "openai"}
"""The component of /health that shows a dead service, where it has another name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A bot at work, and everything that can be killed under it."""

    stage: Stage
    clock: ManualClock
    parts: Mapping[str, Killable]


@pytest.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("chaos")
    clock = ManualClock(MOMENT)
    async with killable_servers(folder / "servers") as (postgres, redis, milvus):
        stores = Addresses(
            database_url=await postgres.start(), redis_url=await redis.start(), milvus_uri=await milvus.start()
        )
        async with stage_on(stores, clock, folder) as stage:
            world = stage.world
            parts: dict[str, Killable] = {"postgresql": postgres, "redis": redis, "milvus": milvus}
            parts |= {"kis": world.kis, "naver": world.naver, "llm": world.llm}
            await stage.ask("/watch 삼성전자")
            await work(stage)
            await stage.ask("/report 삼성전자")
            yield Scene(stage=stage, clock=clock, parts=parts)
        for part in (milvus, redis, postgres):
            await part.stop()


async def work(stage: Stage) -> None:
    """Run all that is due until nothing is."""
    while any(state is RunState.SUCCEEDED for _, state in await run_due(stage.services)):
        pass


async def ask_all(stage: Stage) -> dict[str, str]:
    """How each question is met."""
    met = {}
    new = next(NEVER_ASKED)
    for kind, question in QUESTIONS.items():
        answer = await stage.say(question.format(name=new))
        met[kind] = ANSWERED if PROOF[kind] in answer else REFUSED if "⚠️" in answer else SILENT
    return met


async def held(stage: Stage) -> dict[str, set[int]]:
    """The keys of everything that must never be lost."""
    tables = ("article", "prediction", "stock_analysis", "job_run", "usage_record", "report_update")
    async with stage.services.db.read() as conn:
        return {table: set((await conn.execute(text(f"SELECT id FROM {table}"))).scalars()) for table in tables}


@pytest.mark.parametrize("name", ["postgresql", "redis", "milvus", "kis", "naver", "llm"])
async def test_what_is_killed_is_missed_clearly_and_comes_back_whole(scene: Scene, name: str) -> None:
    stage, clock, part = scene.stage, scene.clock, scene.parts[name]
    before = await held(stage)
    clock.move(STEP)
    working = asyncio.create_task(run_due(stage.services))
    await begun(stage)
    await part.stop()
    try:
        during = await ask_all(stage)
        (ended,) = await asyncio.gather(working, return_exceptions=True)
        clock.move(REUSED_FOR)
        told = await stage.say("/health", stage.admin)
        health = {each.name: each.status for each in (await check_health(stage.services)).components}
    finally:
        await part.start()
    await forget_leases(stage)
    clock.move(STEP)
    await work(stage)
    after = await ask_all(stage)
    tell(
        f"{name:11} " + " · ".join(f"{kind}: {how}" for kind, how in during.items()),
        f"jobs: {shown_ends(ended)}",
        f"health: {SEEN_AS.get(name, name)} {health[SEEN_AS.get(name, name)]}",
        f"afterwards: {', '.join(sorted(set(after.values())))}",
    )
    assert SILENT not in during.values()
    assert health[SEEN_AS.get(name, name)] in {Status.UNHEALTHY, Status.DEGRADED}
    assert re.search(rf"[🔴🟡] [^\n]*\b{SEEN_AS.get(name, name)}\b", told), "an admin is told which one it is"
    assert {kind for kind, how in during.items() if how == ANSWERED} >= STILL[name]
    assert set(after.values()) == {ANSWERED}
    for table, keys in (await held(stage)).items():
        assert keys >= before[table], table
    await nothing_is_left_open(stage)


async def test_while_telegram_is_dead_the_work_goes_on_and_its_questions_are_answered_after(scene: Scene) -> None:
    stage, telegram = scene.stage, TelegramAtItsAddress(scene.stage)
    scene.clock.move(STEP)
    await telegram.stop()
    try:
        asked = stage.member.send("/watchlist")
        ended = await run_due(stage.services)
    finally:
        await telegram.start()
    await stage.settled()
    answer = shown(stage.member.since(asked))
    tell(
        f"{'telegram':11} jobs: {shown_ends(ended)}",
        f"afterwards: {ANSWERED if PROOF['watchlist'] in answer else SILENT}",
    )
    assert {state for _, state in ended} == {RunState.SUCCEEDED}
    assert PROOF["watchlist"] in answer


def tell(*lines: str) -> None:
    """One row of the table, for who runs this with `-s`."""
    print("\n" + f"\n{'':12}".join(lines))  # noqa: T201


async def begun(stage: Stage) -> None:
    """Wait until a job is under way."""
    async with asyncio.timeout(10), stage.services.db.read() as conn:
        while not await list_locks(conn):
            pass


def shown_ends(ended: list[tuple[Due, RunState | None]] | BaseException) -> str:
    """How the jobs under way ended."""
    if isinstance(ended, BaseException):
        assert isinstance(ended, Unavailable)
        return "the schedule cannot be read"
    return ", ".join(f"{due.spec.name} {state or 'left open'}" for due, state in ended) or "none"


async def forget_leases(stage: Stage) -> None:
    """Let the time pass after which a lost owner's lease has ended; leases go by the database's clock."""
    async with stage.services.db.begin() as conn:
        await conn.execute(text("UPDATE job_lease SET lease_until = clock_timestamp() - interval '1 second'"))


async def nothing_is_left_open(stage: Stage) -> None:
    services = stage.services
    async with services.db.read() as conn:
        open_runs = "SELECT job, state, error FROM job_run WHERE state NOT IN ('succeeded') AND slot = ("
        open_runs += "SELECT max(slot) FROM job_run newest WHERE newest.job = job_run.job)"
        assert (await conn.execute(text(open_runs))).all() == []
        key = services.llm.embedding_key
        embedded = set(
            (await conn.execute(text("SELECT id FROM article WHERE embedded_as = :key"), {"key": key})).scalars()
        )
        assert (await conn.execute(text("SELECT count(*) FROM article WHERE embedded_as IS NULL"))).scalar_one() == 0
    assert await services.vectors.keys(collection_of(key)) == embedded
