from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.usage.figures import DayFigures, Use, added, by
from core.usage.thresholds import budget_thresholds, error_thresholds

DAY = date(2026, 2, 20)
counts = st.integers(0, 10**6)
uses = st.builds(
    Use,
    calls=counts,
    succeeded=counts,
    failed=counts,
    timed=st.integers(1, 1000),
    mean_ms=st.floats(0, 1e5),
    p95_ms=st.floats(0, 1e5),
    tokens_in=counts,
    tokens_cached=counts,
    tokens_out=counts,
    cost_usd=st.decimals(0, 1000, places=6),
)


def make_figures(model: str = "m") -> DayFigures:
    use = Use(calls=1, cost_usd=Decimal(1))
    return DayFigures(day=DAY, provider="openai", endpoint="e", model=model, error_code="", use=use)


@given(st.lists(uses, max_size=6), st.lists(uses, max_size=6))
def test_adding_in_any_grouping_gives_the_same_sums(first: list[Use], second: list[Use]) -> None:
    whole, parts = added(first + second), added([added(first), added(second)])
    for name in ("calls", "succeeded", "failed", "timed", "tokens_in", "tokens_cached", "tokens_out", "cost_usd"):
        assert getattr(whole, name) == getattr(parts, name)
    if whole.mean_ms is not None and parts.mean_ms is not None:
        assert abs(whole.mean_ms - parts.mean_ms) < 1e-6 * max(whole.mean_ms, 1)


@given(st.lists(uses, min_size=1, max_size=6))
def test_a_mean_lies_between_what_it_is_made_of(listed: list[Use]) -> None:
    found = added(listed).mean_ms
    means = [use.mean_ms or 0.0 for use in listed]
    assert found is not None
    assert min(means) - 1e-6 <= found <= max(means) + 1e-6


def test_nothing_added_has_no_mean_and_no_rate() -> None:
    assert added([]) == Use()
    assert Use().success_rate is None


def test_lines_come_dearest_first_and_calls_without_a_name_are_left_out() -> None:
    dear = DayFigures(
        day=DAY, provider="p", endpoint="e", model="dear", error_code="", use=Use(calls=1, cost_usd=Decimal(3))
    )
    assert list(by([make_figures("a"), dear, make_figures("")], lambda each: each.model or None)) == ["dear", "a"]


def test_a_budget_is_reached_exactly_at_its_percent() -> None:
    def reached(used: str, limit: str) -> list[int]:
        found = budget_thresholds("day", "2026-02-20", Decimal(used), Decimal(limit))
        return [each.level for each in found if each.reached]

    assert reached("3.9999", "5") == []
    assert reached("4", "5") == [80]
    assert reached("4.9999", "5") == [80]
    assert reached("5", "5") == [80, 100]
    assert reached("0", "0") == []
    assert reached("0.0001", "0") == [80, 100]


def test_errors_are_told_from_twenty_calls_and_twenty_percent_on() -> None:
    def reached(succeeded: int, failed: int) -> bool:
        use = Use(calls=succeeded + failed, succeeded=succeeded, failed=failed)
        (found,) = error_thresholds(DAY, {"openai": use})
        return found.reached

    assert not reached(0, 19)
    assert reached(16, 4)
    assert not reached(17, 4)
    assert not reached(0, 0)
