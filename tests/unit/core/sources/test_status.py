"""The state of a source over any sequence of outcomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Blocked, Malformed, QuotaExceeded, Unavailable
from core.sources.rule import Rule, rule_of
from core.sources.status import (
    FAILURES_KEPT,
    Circuit,
    NoItems,
    Notice,
    SourceStatus,
    failed,
    failure_kind,
    notice,
    succeeded,
)

AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
RULE = Rule()
DAY = timedelta(hours=24)

ERRORS = st.sampled_from(
    [
        Blocked("403"),
        QuotaExceeded("429"),
        QuotaExceeded("spent", retry_at=AT + timedelta(hours=9)),
        QuotaExceeded("past", retry_at=AT - timedelta(hours=9)),
        Unavailable("503"),
        Malformed("odd"),
        NoItems("none"),
        ValueError("?"),
    ]
)
STEPS = st.lists(st.tuples(st.integers(0, 3_000), st.one_of(ERRORS, st.integers(0, 100))), max_size=40)
RULES = st.sampled_from([RULE, rule_of("kis_quote"), rule_of("dart"), rule_of("naver_page")])


def told(status: SourceStatus, rule: Rule) -> tuple[SourceStatus, Notice | None]:
    """The state once what is due was told."""
    due = notice(status, rule)
    return (replace(status, told=due is Notice.FAILED) if due else status), due


@given(STEPS, RULES)
def test_any_sequence_of_outcomes_keeps_the_promises(steps: list[tuple[int, Exception | int]], rule: Rule) -> None:
    status, at, notices = SourceStatus(source="s"), AT, []
    for minutes, outcome in steps:
        at += timedelta(minutes=minutes)
        before = status
        if isinstance(outcome, int):
            status = succeeded(status, items=outcome, at=at, usual=None, few=False)
            assert status.circuit(at) is Circuit.CLOSED
            assert (status.failures_in_row, status.failed, status.failing_since) == (0, False, None)
        else:
            status = failed(status, outcome, message=str(outcome), at=at, rule=rule)
            assert status.failures_in_row == before.failures_in_row + 1
            assert status.failed >= before.failed, "only a success makes it recover"
            assert status.episode - before.episode == (status.failed and not before.failed)
            assert len(status.failures) <= FAILURES_KEPT
            assert status.failures[0]["kind"] == status.failure_kind == failure_kind(outcome)
            assert status.open_until is None or at <= status.open_until <= at + DAY
            if isinstance(outcome, Blocked):
                assert status.circuit(at) is Circuit.OPEN, "a refusal is never asked again at once"
        status, due = told(status, rule)
        notices += [due] if due else []
    assert notices == [Notice.FAILED, Notice.RECOVERED] * (len(notices) // 2) + [Notice.FAILED] * (len(notices) % 2)
    assert status.told == (bool(notices) and notices[-1] is Notice.FAILED)


@given(st.lists(st.sampled_from([Unavailable("x"), Malformed("y")]), min_size=3, max_size=30), RULES)
def test_a_circuit_that_does_not_close_opens_for_longer_each_time(errors: list[Exception], rule: Rule) -> None:
    status, spans = SourceStatus(source="s"), []
    for error in errors:
        status = failed(status, error, message="", at=AT, rule=rule)
        spans += [status.open_until - AT] if status.open_until else []
    assert all(later == min(2 * sooner, rule.longest) for sooner, later in pairwise(spans))
    assert spans[0] == rule.first
    assert max(spans) <= rule.longest
    assert len(spans) == len(errors) - rule.failures + 1


@pytest.mark.parametrize(
    ("error", "needed"), [(Blocked("403"), 1), (Malformed("x"), 2), (NoItems("x"), 2), (Unavailable("x"), 3)]
)
def test_a_source_has_failed_for_good_by_what_is_wrong_with_it(error: Exception, needed: int) -> None:
    status = SourceStatus(source="s")
    for count in range(1, needed + 1):
        status = failed(status, error, message="", at=AT, rule=RULE)
        assert status.failed == (count == needed)


def test_what_a_live_probe_of_health_tells_is_not_told_twice() -> None:
    rule, status = rule_of("kis_quote"), SourceStatus(source="kis_quote")
    for _ in range(5):
        status = failed(status, Unavailable("down"), message="", at=AT, rule=rule)
    assert status.failed
    assert notice(status, rule) is None
    assert notice(succeeded(status, items=1, at=AT, usual=None, few=False), rule) is None
    for _ in range(3):
        status = failed(status, Malformed("another shape"), message="", at=AT, rule=rule)
    assert notice(status, rule) is Notice.FAILED, "that no probe of health sees"
