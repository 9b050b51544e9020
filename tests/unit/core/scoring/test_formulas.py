from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scoring.formulas import effective_n, wilson


def test_the_wilson_interval_is_the_published_one() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


@given(st.floats(0, 1), st.floats(1, 10_000))
def test_an_interval_holds_its_rate_and_stays_in_zero_to_one(rate: float, n: float) -> None:
    low, high = wilson(rate, n)
    assert 0 <= low <= rate + 1e-9
    assert rate - 1e-9 <= high <= 1


def test_days_that_move_as_one_are_worth_a_case_each() -> None:
    assert effective_n([(100, 100), (0, 100)] * 10) == pytest.approx(20)


def test_days_that_agree_are_worth_every_case() -> None:
    assert effective_n([(50, 100)] * 20) == 2000


@pytest.mark.parametrize("days", [[], [(60, 100)], [(100, 100)] * 3, [(0, 100)] * 3])
def test_without_spread_a_day_is_one_case(days: list[tuple[int, int]]) -> None:
    assert effective_n(days) == len(days)


@given(st.lists(st.integers(1, 50).flatmap(lambda cases: st.tuples(st.integers(0, cases), st.just(cases)))))
def test_cases_are_never_worth_more_than_they_are(days: list[tuple[int, int]]) -> None:
    assert 0 <= effective_n(days) <= sum(cases for _, cases in days)
