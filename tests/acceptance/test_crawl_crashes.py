"""`kill -9` in the middle of a crawl, then a start: the articles of an undisturbed crawl, none twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from core.embedded import Addresses
from core.settings import Settings
from jobs.registry import JOBS
from tests.acceptance.crash import Crasher, Ending, crasher, spread
from tests.acceptance.world import Rows, Stage, difference, held, staged
from tests.conftest import NOW

CRAWL = JOBS["crawl_news"]
RUN: Any = {"slot": NOW, "at": NOW}
QUERIES = (
    "SELECT a.canonical_id, a.url, a.title, a.summary, a.body, a.press, a.partial, a.published_at, a.edited_at,"
    " a.fingerprint, story.canonical_id, a.embedded_as FROM article a LEFT JOIN article story ON story.id = a.story_id"
    " ORDER BY a.canonical_id",
    "SELECT source, source_id, canonical_id, s.url FROM article_source s JOIN article a ON a.id = s.article_id"
    " ORDER BY source, source_id",
    "SELECT canonical_id, code, relevance, reasons::text FROM match m JOIN article a ON a.id = m.article_id"
    " ORDER BY canonical_id, code",
    "SELECT source, reason, raw FROM quarantine ORDER BY source, raw",
    "SELECT job, slot, state, done, failed, total, warnings::text, checkpoint::text, error FROM job_run"
    " WHERE job = 'crawl_news'",
    "SELECT job FROM job_lease",
)
BY_MOMENT, BY_TIME = 6, 3


@pytest.mark.timeout(300)
async def test_killed_crawl_ends_as_an_undisturbed_one(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        whole, undisturbed = await left_alone(stage, crashes)
        assert len(undisturbed[0]) > 20
        assert undisturbed[2]
        chance = random.Random(20)
        stored = whole.after("INSERT INTO article")
        kills: list[float] = [stored, whole.trail.index("COMMIT", stored) + 2, *spread(whole.moments, BY_MOMENT)]
        kills += [chance.uniform(0.02, 0.8) for _ in range(BY_TIME)]
        killed = 0
        for kill in kills:
            async with stage.fresh() as settings:
                killed += await crashes.run_through(CRAWL, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *QUERIES), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed >= BY_MOMENT + 2


async def test_crawl_killed_again_and_again_still_ends_so(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        whole, undisturbed = await left_alone(stage, crashes)
        moments = [round(whole.moments * share) for share in (0.3, 0.4, 0.5, 0.6)]
        async with stage.fresh() as settings:
            assert await crashes.run_through(CRAWL, settings=settings, kills=moments, **RUN) >= 3
            assert not difference(await held(settings, *QUERIES), undisturbed)


async def left_alone(stage: Stage, crashes: Crasher) -> tuple[Ending, list[Rows]]:
    """How a crawl ends that nobody kills, and the state it leaves."""
    async with stage.fresh() as settings:
        ending = await crashes.run(CRAWL, settings=settings, **RUN)
        assert ending.outcome == "succeeded"
        return ending, await held(settings, *QUERIES)
