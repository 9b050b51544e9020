"""`kill -9` in the middle of the scheduled reports, then a start: the reports of an undisturbed run, none twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.embedded import Addresses
from core.settings import Settings
from jobs.registry import JOBS
from tests.acceptance.crash import Crasher, Ending, crasher, spread
from tests.acceptance.world import WATCHED, Rows, Stage, difference, held, staged
from tests.conftest import NOW

REPORTS = JOBS["generate_reports"]
RUN: Any = {"slot": NOW - timedelta(minutes=5), "at": NOW}
QUERIES = (
    "SELECT code, last_update_reason, last_market_phase, base_price, short_term_target, long_term_target, verdict,"
    " confidence, lead_model, wording, input_hash, body ->> 'reasons', body ->> 'opinions' FROM stock_analysis"
    " ORDER BY code, id",
    "SELECT code, reason, phase, succeeded, failure, predictions FROM report_update ORDER BY code, id",
    "SELECT p.code, model_key, outcome, failure, p.phase, live, base_price, p.confidence, short_target, long_target,"
    " prompt_version, input_hash, narrative::text, sessions, closes_on, p_up, p_flat, p_down, band FROM prediction p"
    " JOIN prediction_horizon h ON h.prediction_id = p.id ORDER BY p.code, model_key, p.id, sessions",
    "SELECT code, day, open, high, low, close, volume, value, split_ratio FROM daily_price ORDER BY code, day",
    "SELECT code, since, until FROM daily_coverage ORDER BY code",
    "SELECT job, slot, state, done, failed, total, warnings::text, checkpoint::text, error FROM job_run",
    "SELECT job FROM job_lease",
)
BY_MOMENT, BY_TIME = 6, 3


@pytest.mark.timeout(300)
async def test_killed_report_run_ends_as_an_undisturbed_one(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        whole, undisturbed = await left_alone(stage, crashes)
        assert [row[0] for row in undisturbed[0]] == list(WATCHED)
        chance = random.Random(20)
        stored = whole.after("INSERT INTO report_update")  # the commit of the first report; its checkpoint follows
        kills: list[float] = [*range(stored, stored + 4), *spread(whole.moments, BY_MOMENT)]
        kills += [chance.uniform(0.05, 1.2) for _ in range(BY_TIME)]
        killed = 0
        for kill in kills:
            async with stage.fresh() as settings:
                killed += await crashes.run_through(REPORTS, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *QUERIES), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed >= BY_MOMENT + 4


async def test_killed_three_times_it_still_ends_so(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        _, undisturbed = await left_alone(stage, crashes)
        async with stage.fresh() as settings:
            assert await crashes.run_through(REPORTS, settings=settings, kills=[40, 90, 140], **RUN) == 3
            assert not difference(await held(settings, *QUERIES), undisturbed)


async def left_alone(stage: Stage, crashes: Crasher) -> tuple[Ending, list[Rows]]:
    """How a run ends that nobody kills, and the state it leaves."""
    async with stage.fresh() as settings:
        ending = await crashes.run(REPORTS, settings=settings, **RUN)
        assert ending.outcome == "succeeded"
        return ending, await held(settings, *QUERIES)
