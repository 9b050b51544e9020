"""`kill -9` in the middle of a reading of DART, then a start: the filings of an undisturbed one, none twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from core.embedded import Addresses
from core.settings import Settings
from jobs.registry import JOBS
from tests.acceptance.crash import crasher, spread
from tests.acceptance.world import difference, held, staged
from tests.conftest import NOW

CRAWL = JOBS["crawl_disclosures"]
RUN: Any = {"slot": NOW, "at": NOW}
QUERIES = (
    "SELECT receipt, corp_code, company, code, linked_at, division, name, subject, correction, filer, remarks,"
    " filed_on, filed_at, first_seen_at, kind, weight, rules FROM disclosure ORDER BY receipt",
    "SELECT * FROM corp_code ORDER BY corp_code",
    "SELECT * FROM disclosure_sweep ORDER BY division",
    "SELECT source, last_success_at, last_items, failures_in_row FROM source_status WHERE source LIKE 'dart%'"
    " ORDER BY source",
    "SELECT job, slot, state, failed, total, error FROM job_run WHERE job = 'crawl_disclosures'",
    "SELECT job FROM job_lease",
)
BY_MOMENT, BY_TIME = 6, 2


@pytest.mark.timeout(300)
async def test_a_killed_reading_ends_as_an_undisturbed_one(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        async with stage.fresh() as settings:
            whole = await crashes.run(CRAWL, settings=settings, **RUN)
            assert whole.outcome == "succeeded"
            undisturbed = await held(settings, *QUERIES)
        assert len(undisturbed[0]) > 400
        assert len(undisturbed[2]) == 3
        chance = random.Random(20)
        stored = whole.after("INSERT INTO disclosure")
        kills: list[float] = [stored, *spread(whole.moments, BY_MOMENT)]
        kills += [chance.uniform(0.02, 0.6) for _ in range(BY_TIME)]
        killed = 0
        for kill in kills:
            async with stage.fresh() as settings:
                killed += await crashes.run_through(CRAWL, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *QUERIES), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed >= BY_MOMENT
