"""What is usual of a source, and what is far from it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.clock import Calendar
from core.sources.usual import ENOUGH, KEPT, Amount, DayKind, day_kind, hour_of, judged, learnt, usual_of

SAMPLES = st.lists(st.integers(0, 5_000), max_size=2 * KEPT)


def test_an_hour_seen_too_seldom_is_not_known() -> None:
    assert usual_of([20] * (ENOUGH - 1)) is None
    assert usual_of([20] * ENOUGH) is not None


def test_one_wild_day_moves_nothing() -> None:
    calm = usual_of([20, 21, 19, 20, 22, 20, 18, 21, 20])
    wild = usual_of([20, 21, 19, 20, 22, 20, 18, 21, 9_000])
    assert calm is not None
    assert wild is not None
    assert abs(calm.items - wild.items) <= 1


def test_none_where_there_are_normally_some_is_none_and_far_fewer_is_few() -> None:
    usual = usual_of([18, 20, 22, 20, 19, 21, 20, 20, 20, 20])
    assert judged(0, usual, last_items=20, steady=True) is Amount.NONE
    assert judged(2, usual, last_items=20, steady=True) is Amount.FEW
    assert judged(15, usual, last_items=20, steady=True) is Amount.USUAL


def test_an_hour_that_is_often_empty_may_be_empty() -> None:
    quiet = usual_of([0, 0, 3, 0, 1, 0, 2, 0, 0, 4])
    assert judged(0, quiet, last_items=4, steady=True) is Amount.USUAL


def test_before_an_hour_is_known_only_a_steady_source_fails_by_having_none() -> None:
    assert judged(0, None, last_items=20, steady=True) is Amount.NONE
    assert judged(0, None, last_items=20, steady=False) is Amount.USUAL
    assert judged(0, None, last_items=None, steady=True) is Amount.USUAL
    assert judged(1, None, last_items=2_000, steady=True) is Amount.USUAL


@given(SAMPLES, st.integers(1, 5_000))
def test_at_least_the_low_of_it_is_never_few_and_some_are_never_none(samples: list[int], items: int) -> None:
    usual = usual_of(samples)
    amount = judged(items, usual, last_items=None, steady=True)
    assert amount is not Amount.NONE
    if usual is None or items >= usual.low:
        assert amount is Amount.USUAL


@given(SAMPLES)
def test_what_is_usual_lies_among_what_was_seen_and_in_any_order(samples: list[int]) -> None:
    usual = usual_of(samples)
    assert usual == usual_of(samples[::-1])
    if usual:
        assert min(samples) <= usual.low <= max(samples)
        assert min(samples) <= usual.items <= max(samples)


@given(SAMPLES, st.integers(0, 5_000))
def test_the_newest_samples_are_kept_and_no_more(samples: list[int], items: int) -> None:
    kept = learnt(samples, items)
    assert kept[-1] == items
    assert len(kept) <= KEPT


def test_days_of_the_exchange_are_told_from_others_by_its_calendar() -> None:
    holiday = datetime(2026, 2, 17, 3, 0, tzinfo=UTC)  # Seollal, a Tuesday
    assert day_kind(holiday, Calendar()) is DayKind.CLOSED
    assert day_kind(holiday, None) is DayKind.SESSION
    assert day_kind(datetime(2026, 2, 20, 15, 30, tzinfo=UTC), None) is DayKind.CLOSED, "Saturday in Seoul already"
    assert hour_of(datetime(2026, 2, 20, 15, 30, tzinfo=UTC)) == 0
