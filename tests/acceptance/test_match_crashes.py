"""`kill -9` in the middle of a search by stock and of the matching, then a start: what an undisturbed one leaves.

A search that was killed has counted its calls: more are counted than were needed, and never fewer than were made. Those
who waited longest come first when it goes on, so that another repeat of a story may be the first that was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.embedded import Addresses
from core.market.service import get_bars
from core.services import open_services
from core.settings import Settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from tests.acceptance.crash import crasher
from tests.acceptance.test_crawl_crashes import QUERIES
from tests.acceptance.world import Stage, difference, held, staged
from tests.conftest import NOW

SEARCH, MATCH = JOBS["search_stock_news"], JOBS["match_news"]
RUN: Any = {"slot": NOW, "at": NOW}
PLACES, MATCHES, QUARANTINED = QUERIES[1:4]
ARTICLES = "SELECT canonical_id, url, title, summary, press, published_at, fingerprint FROM article ORDER BY 1"
CALLS = "SELECT calls FROM news_search_day"
TURNS = "SELECT code, asked_at FROM news_search ORDER BY code"
MOVES = (
    "SELECT canonical_id, code, relevance, reasons::text, move_day, move_percent FROM match m"
    " JOIN article a ON a.id = m.article_id ORDER BY canonical_id, code"
)
MATCHED = "SELECT canonical_id, matched_as FROM article ORDER BY canonical_id"
LEASES = "SELECT job FROM job_lease"


def ended(job: str) -> str:
    """The run of the job, as it ended."""
    return f"SELECT state, failed, error FROM job_run WHERE job = '{job}'"


@pytest.mark.timeout(300)
async def test_a_killed_search_ends_as_an_undisturbed_one_and_every_call_was_counted(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    states = (ARTICLES, PLACES, MATCHES, QUARANTINED, TURNS, ended("search_stock_news"), LEASES)
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        async with stage.fresh() as settings:
            whole = await crashes.run(SEARCH, settings=settings, **RUN)
            assert whole.outcome == "succeeded"
            undisturbed, ((needed,),) = await held(settings, *states), *await held(settings, CALLS)
        assert len(undisturbed[0]) > 20
        assert needed > 60
        counted = 1 + whole.trail.index("COMMIT", whole.after("INSERT INTO news_search_day"))
        kills: list[float] = [counted, whole.after("INSERT INTO article")]
        killed = 0
        for kill in kills:
            stage.world.search.requests.clear()
            async with stage.fresh() as settings:
                killed += await crashes.run_through(SEARCH, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *states), undisturbed)
                (((calls,),),) = await held(settings, CALLS)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
            assert needed <= calls <= 2 * needed
            assert len(stage.world.search.requests) <= calls
        assert killed == 2


@pytest.mark.timeout(300)
async def test_killed_matching_ends_as_an_undisturbed_one(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    states = (MOVES, MATCHED, ended("match_news"), LEASES)
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        await leave_unmatched(stage)
        async with stage.fresh() as settings:
            assert (await held(settings, MOVES)) == [[]]
            whole = await crashes.run(MATCH, settings=settings, **RUN)
            assert whole.outcome == "succeeded"
            undisturbed = await held(settings, *states)
        assert len(undisturbed[0]) > 10
        assert any(row[-1] is not None for row in undisturbed[0])
        killed = 0
        kills = {whole.after("INSERT INTO match"), whole.after("UPDATE match m"), whole.moments}
        for kill in sorted(kills):
            async with stage.fresh() as settings:
                killed += await crashes.run_through(MATCH, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *states), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed == len(kills)


async def leave_unmatched(stage: Stage) -> None:
    """Articles whose stocks were not known when they came, and the bars of those stocks."""
    async with open_services(stage.settings(stage.database_url), clock=ManualClock(NOW)) as services:
        await run_due(services, specs=[JOBS["crawl_news"]])
        async with services.db.begin() as conn:
            codes = (await conn.execute(text("SELECT DISTINCT code FROM match"))).scalars().all()
            await conn.execute(text("DELETE FROM match"))
            await conn.execute(text("UPDATE article SET matched_as = NULL"))
        for code in codes[:12]:
            await get_bars(services, code, as_of=NOW)
