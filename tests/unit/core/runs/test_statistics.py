"""Failures that are alike are told together, and figures of the kept runs are those of the runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.db import Database
from core.runs.queries import failures, job_stats
from core.runs.statistics import LONGEST_PATTERN, Failure, normalised, patterns
from tests.conftest import NOW

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("000660: Unavailable: no answer", "0126Z0: Unavailable: no answer"),
        ("not done within 0:08:00.050000", "not done within 1:00:00"),
        ("Malformed: 'page 3' is no list", "Malformed: 'page 71' is no list"),
        ("cannot read https://a.example/x?page=1", "cannot read https://b.example/y"),
        ("slot 2026-02-20T06:50:00 is lost", "slot 2026-02-21T16:10:00 is lost"),
    ],
)
def test_failures_that_differ_in_figures_and_names_are_alike(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kis: HTTP 500", "kis: HTTP 404"),
        ("kis: EGW00201", "kis: EGW00123"),
        ("Unavailable: no answer", "Malformed: no answer"),
    ],
)
def test_failures_of_another_kind_are_told_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text(max_size=600))
def test_any_error_has_a_short_form_of_one_line_that_stays_as_it_is(error: str) -> None:
    short = normalised(error)
    assert len(short) <= LONGEST_PATTERN
    assert not set(short) & set("\n\t\r")


def test_the_most_frequent_pattern_comes_first_with_its_times_and_its_hour_in_seoul() -> None:
    often = [Failure(job="a", error=f"page {n} is gone", at=NOW + n * timedelta(days=1)) for n in range(3)]
    late = [Failure(job="a", error="page 9 is gone", at=NOW + 5 * HOUR)]
    other = [Failure(job="b", error="page 1 is gone", at=NOW)]
    first, second = patterns([*late, *other, *often])
    assert (first.job, first.error, first.count, first.hour, first.share) == ("a", "page # is gone", 4, 15, 0.75)
    assert (first.first, first.last) == (NOW, NOW + timedelta(days=2))
    assert (second.job, second.count, second.share) == ("b", 1, 1.0)


async def test_figures_are_of_the_runs_that_have_ended(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO job_run (job, slot, epoch, state, started_at, seconds, done, failed, peak_memory,"
                " cpu_seconds, error) SELECT 'tidy', CAST(:now AS timestamptz) + n * INTERVAL '1 h', n, state, :now,"
                " seconds, done, 1, memory, 0.5, error FROM (VALUES"
                " (1, 'succeeded', 2.0, 10, 5, NULL), (2, 'succeeded', 4.0, 20, 9, NULL),"
                " (3, 'failed', 6.0, 0, 7, 'down'), (4, 'fenced', NULL, 3, NULL, NULL),"
                " (5, 'running', NULL, 0, NULL, NULL)) AS run(n, state, seconds, done, memory, error)"
            ),
            {"now": NOW},
        )
        (found,) = await job_stats(conn, job="tidy")
        told = await failures(conn, job="tidy")
        assert await job_stats(conn, job="never ran") == []
        assert await job_stats(conn) == [found]
    assert (found.runs, found.succeeded, found.success_rate, found.since) == (4, 2, 0.5, NOW)
    assert found.p50 == pytest.approx(4.0)
    assert found.p95 == pytest.approx(5.8)
    assert (found.done, found.failed, found.peak_memory) == (33, 4, 9)
    assert found.cpu_seconds == pytest.approx(0.5)
    assert found.throughput == pytest.approx(30 / 12)
    assert sorted(failure.error for failure in told) == ["down", "fenced"]
