"""A chain of sources: the first that can answer does, and says who it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Blocked, Malformed, NotConfigured, StockPilotError, Unavailable, Unsupported
from core.sources.chain import Failure, Link, Stale, first_of

AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
FRESH = timedelta(minutes=10)


def link(source: str, outcome: Exception | timedelta) -> Link[datetime]:
    """A source that fails, or answers with when its data stood: so long ago."""

    async def ask() -> datetime:
        if isinstance(outcome, Exception):
            raise outcome
        return AT - outcome

    return Link(source=source, ask=ask, as_of=lambda value: value)


def answering(value: int) -> Callable[[], Awaitable[int]]:
    async def ask() -> int:
        return value

    return ask


async def test_the_first_that_answers_is_used_and_the_later_ones_are_not_asked() -> None:
    found = await first_of(
        [link("kis", Unavailable("down")), link("store", timedelta()), link("last", ValueError("never asked"))], at=AT
    )
    assert (found.source, found.value, found.as_of, found.stale) == ("store", AT, AT, False)
    assert [(each.source, each.failure) for each in found.passed] == [("kis", Failure.UNAVAILABLE)]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Unsupported("x"), Failure.UNSUPPORTED),
        (NotConfigured("x"), Failure.UNSUPPORTED),
        (Unavailable("x"), Failure.UNAVAILABLE),
        (Blocked("x"), Failure.UNAVAILABLE),
        (Malformed("x"), Failure.UNAVAILABLE),
        (Stale("x"), Failure.STALE),
    ],
)
async def test_every_failure_has_its_type(error: StockPilotError, failure: Failure) -> None:
    found = await first_of([link("one", error), link("two", timedelta())], at=AT)
    assert [each.failure for each in found.passed] == [failure]


async def test_what_is_too_old_is_passed_over_and_taken_last_where_that_is_allowed() -> None:
    links = [link("older", timedelta(hours=3)), link("old", timedelta(hours=1)), link("dead", Unavailable("down"))]
    with pytest.raises(Stale, match="older: stood at"):
        await first_of(links, at=AT, fresh_for=FRESH)
    found = await first_of(links, at=AT, fresh_for=FRESH, stale_allowed=True)
    assert (found.source, found.stale) == ("old", True)
    assert {each.source: each.failure for each in found.passed} == {
        "older": Failure.STALE,
        "dead": Failure.UNAVAILABLE,
    }
    assert (await first_of([*links, link("fresh", FRESH)], at=AT, fresh_for=FRESH)).source == "fresh"


async def test_an_answer_without_a_time_counts_as_fresh() -> None:
    found = await first_of([Link(source="now", ask=answering(7))], at=AT, fresh_for=FRESH)
    assert (found.value, found.as_of) == (7, None)


async def test_the_error_names_the_source_at_fault_that_is_preferred_most() -> None:
    with pytest.raises(Unavailable, match="second"):
        await first_of([link("a", NotConfigured("first")), link("b", Unavailable("second"))], at=AT)
    with pytest.raises(NotConfigured, match="first"):
        await first_of([link("a", NotConfigured("first")), link("b", Unsupported("second"))], at=AT)
    with pytest.raises(Unsupported):
        await first_of([], at=AT)


async def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await first_of([link("a", ZeroDivisionError()), link("b", timedelta())], at=AT)


OUTCOMES = st.lists(
    st.one_of(
        st.sampled_from([Unavailable("u"), Unsupported("n"), NotConfigured("c"), Malformed("m"), Blocked("b")]),
        st.integers(0, 60).map(lambda minutes: timedelta(minutes=minutes)),
    ),
    max_size=6,
)


@given(OUTCOMES, st.booleans())
def test_any_chain_answers_with_the_first_fresh_one_else_the_newest_old_one(
    outcomes: list[Exception | timedelta], stale_allowed: bool
) -> None:
    links = [link(str(number), outcome) for number, outcome in enumerate(outcomes)]
    ages = [(number, outcome) for number, outcome in enumerate(outcomes) if isinstance(outcome, timedelta)]
    fresh = [number for number, age in ages if age <= FRESH]
    asked = first_of(links, at=AT, fresh_for=FRESH, stale_allowed=stale_allowed)
    if fresh:
        assert asyncio.run(asked).source == str(fresh[0])
    elif ages and stale_allowed:
        assert asyncio.run(asked).as_of == AT - min(age for _, age in ages)
    else:
        with pytest.raises(StockPilotError):
            asyncio.run(asked)
