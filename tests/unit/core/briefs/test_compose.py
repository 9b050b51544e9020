"""What each brief says of what is known, and what it does not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.briefs.brief import (
    MOST_LINKS,
    MOST_STOCKS,
    TIMES,
    WRITTEN,
    Brief,
    Known,
    Price,
    Slot,
    compose,
    due_since,
    slot_at,
    slot_of,
)
from core.clock import kst
from core.disclosures.filing import Weight
from core.prediction.forecast import Direction
from tests.unit.core.briefs.builders import (
    ALL,
    CALENDAR,
    FRIDAY,
    SATURDAY,
    filed,
    known,
    price,
    scored,
    story,
    today,
    whole,
)


def composed(of: Known, chosen: frozenset[Slot] = ALL) -> Brief:
    brief = compose(of, list(of.names), chosen)
    assert brief is not None
    return brief


def names(prices: tuple[Price, ...]) -> list[str]:
    return [each.name for each in prices]


# When


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (kst(FRIDAY, time(8)), (FRIDAY, Slot.MORNING)),
        (kst(FRIDAY, time(11, 59, 59)), (FRIDAY, Slot.MORNING)),
        (kst(FRIDAY, time(12)), (FRIDAY, Slot.NOON)),
        (kst(FRIDAY, time(23, 59)), (FRIDAY, Slot.CLOSE)),
        (kst(SATURDAY, time(7, 59)), (FRIDAY, Slot.CLOSE)),
    ],
)
def test_a_moment_belongs_to_the_brief_before_it(at: datetime, expected: tuple[date, Slot]) -> None:
    assert slot_at(at) == expected


@pytest.mark.parametrize(
    ("slot", "chosen", "since"),
    [
        (Slot.MORNING, ALL, kst(FRIDAY - timedelta(days=1), time(16))),
        (Slot.NOON, ALL, kst(FRIDAY, time(8))),
        (Slot.CLOSE, ALL, kst(FRIDAY, time(12))),
        (Slot.CLOSE, {Slot.MORNING, Slot.CLOSE}, kst(FRIDAY, time(8))),
        (Slot.MORNING, {Slot.MORNING}, kst(FRIDAY - timedelta(days=1), time(8))),
        (Slot.NOON, {Slot.NOON, Slot.CLOSE}, kst(FRIDAY - timedelta(days=1), time(16))),
    ],
)
def test_what_is_new_is_new_since_the_last_brief_somebody_chose(
    slot: Slot, chosen: frozenset[Slot], since: datetime
) -> None:
    assert due_since(slot, FRIDAY, chosen) == since


@given(slot=st.sampled_from(Slot), others=st.sets(st.sampled_from(Slot)))
def test_the_windows_of_somebody_s_briefs_follow_each_other_without_a_gap(slot: Slot, others: set[Slot]) -> None:
    chosen = {slot, *others}
    since = due_since(slot, FRIDAY, chosen)
    day, before = slot_at(since)
    assert before in chosen
    assert timedelta() < kst(FRIDAY, TIMES[slot]) - since <= timedelta(days=1)
    assert day in (FRIDAY, FRIDAY - timedelta(days=1))


@pytest.mark.parametrize("text", ["8", "08", "08:00", "8:00", " 8시 "])
def test_a_brief_is_named_by_its_time_as_people_write_it(text: str) -> None:
    assert slot_of(text) is Slot.MORNING


@pytest.mark.parametrize("text", ["", "9", "08:30", "morning", "008", "-8", "٨", "8" * 500])
def test_other_times_name_no_brief(text: str) -> None:
    assert slot_of(text) is None


# Prices


def test_the_best_and_the_worst_are_written_out_and_all_are_counted() -> None:
    brief = composed(whole(Slot.CLOSE))
    assert names(brief.prices) == ["Corp1", "Corp2", "Corp3", "Corp8", "Corp9", "Corp10"]
    assert (brief.rising, brief.unmoved, brief.falling) == (4, 1, 5)
    assert (brief.watched, brief.priced, brief.unpriced, brief.older) == (10, 10, 0, 0)


def test_prices_of_an_earlier_day_are_counted_apart() -> None:
    halted = price(3, 29.9, CALENDAR.closes(date(2026, 2, 12)))
    brief = composed(known(today(), [price(1, 1.0), price(2, -1.0), halted]))
    assert names(brief.prices) == ["Corp1", "Corp2"]
    assert (brief.rising, brief.falling, brief.older) == (1, 1, 1)


def test_stocks_without_a_price_are_said_to_have_none() -> None:
    of = known(today(), [price(1, 1.0)])
    brief = composed(replace(of, names={**of.names, "000002": "Corp2"}))
    assert (brief.watched, brief.priced, brief.unpriced) == (2, 1, 1)


def test_codes_nobody_knows_are_left_out() -> None:
    brief = compose(known(today(), [price(1, 1.0)]), ["999999", "000001"], ALL)
    assert brief is not None
    assert brief.watched == 1


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=100))
def test_however_many_stocks_few_are_written_out_and_none_is_lost(moves: list[float]) -> None:
    prices = [price(number, move) for number, move in enumerate(moves)]
    brief = composed(known(today(), prices))
    shown = [each.change_percent for each in brief.prices]
    assert len(shown) == min(len(moves), MOST_STOCKS)
    assert shown == sorted(shown, reverse=True)
    assert (max(moves), min(moves)) == (shown[0], shown[-1])
    assert brief.rising + brief.unmoved + brief.falling == len(moves) == brief.watched


# Filings and stories


def test_filings_stand_by_weight_and_then_by_time() -> None:
    late = kst(FRIDAY, time(15, 30))
    found = [filed(1, Weight.ROUTINE, seen_at=late), filed(2), filed(3, seen_at=late), filed(4, Weight.NOTABLE)]
    brief = composed(known(today(), [price(1, 0)], filings={"000001": found}))
    assert [filing.id for filing in brief.filings] == [3, 2, 4]
    assert brief.filed == 4


def test_stories_that_more_presses_told_come_first() -> None:
    found = [story(1), story(2, presses=9), story(3, presses=2), story(4, presses=3, relevance=0.1)]
    brief = composed(known(today(), [price(1, 0)], stories={"000001": found}))
    assert [each.id for each in brief.stories] == [2, 3, 1]
    assert brief.told == 4


def test_one_story_about_two_watched_stocks_is_told_once_under_the_nearer_one() -> None:
    both = {"000001": [story(1, relevance=0.4)], "000002": [story(1, stock="Corp2", relevance=0.9)]}
    brief = composed(known(today(), [price(1, 0), price(2, 0)], stories=both))
    assert [(each.id, each.stock) for each in brief.stories] == [(1, "Corp2")]
    assert brief.told == 1


def test_only_what_came_since_the_last_brief_is_new() -> None:
    at_noon, after = kst(FRIDAY, time(12)), kst(FRIDAY, time(12, 0, 1))
    found = {"000001": [filed(1, seen_at=at_noon), filed(2, seen_at=after)]}
    of = known(today(Slot.CLOSE), [price(1, 0)], filings=found)
    assert [filing.id for filing in composed(of).filings] == [2]
    assert len(composed(of, frozenset({Slot.CLOSE})).filings) == 2


@given(st.lists(st.sampled_from(Weight), max_size=30), st.integers(0, 30))
def test_few_are_linked_and_all_are_counted(weights: list[Weight], stories: int) -> None:
    filings = {"000001": [filed(number, weight) for number, weight in enumerate(weights)]}
    told = {"000001": [story(number) for number in range(stories)]}
    brief = composed(known(today(), [price(1, 0)], filings=filings, stories=told))
    assert (brief.filed, brief.told) == (len(weights), stories)
    assert len(brief.filings) == min(len(weights), MOST_LINKS)
    order = list(Weight)
    assert [filing.weight for filing in brief.filings] == sorted(weights, key=order.index)[:MOST_LINKS]


# The close


def test_results_are_told_at_the_close_alone() -> None:
    for slot in (Slot.MORNING, Slot.NOON):
        brief = composed(whole(slot))
        assert (brief.flows, brief.reports, brief.scored, brief.calls) == ((), (), (), 0)
    brief = composed(whole(Slot.CLOSE))
    assert [flow.name for flow in brief.flows] == ["Corp1", "Corp2"]
    assert (len(brief.reports), brief.reported) == (3, 7)


def test_calls_are_counted_with_their_hits_and_the_largest_moves_shown_once_a_stock() -> None:
    brief = composed(whole(Slot.CLOSE))
    assert (brief.calls, brief.hits) == (3, 1)
    assert [(call.name, call.return_percent) for call in brief.scored] == [("Corp2", -3.0), ("Corp1", 2.1)]


def test_reports_with_a_direction_and_the_surest_come_first() -> None:
    brief = composed(whole(Slot.CLOSE))
    assert {report.verdict for report in brief.reports} == {Direction.UP}


# Days without a session, and nothing to tell


def test_on_a_closed_day_only_filings_and_stories_are_told() -> None:
    seen = kst(SATURDAY, time(9))
    of = known(today(Slot.NOON, SATURDAY), [price(1, 3.0)], stories={"000001": [story(1, seen_at=seen)]})
    brief = composed(of)
    assert brief.today.opens is None
    assert (brief.told, brief.prices, brief.indices) == (1, (), ())


@pytest.mark.parametrize("slot", list(Slot))
def test_on_a_closed_day_without_news_nothing_is_told(slot: Slot) -> None:
    assert compose(known(today(slot, SATURDAY), [price(1, 3.0)]), ["000001"], ALL) is None


@pytest.mark.parametrize("slot", list(Slot))
def test_where_nothing_is_known_yet_nothing_is_told(slot: Slot) -> None:
    empty = Known(today=today(slot), names={"000001": "Corp1"})
    assert compose(empty, ["000001"], ALL) is None


def test_without_a_price_what_happened_is_told_all_the_same() -> None:
    of = Known(
        today=today(),
        names={"000001": "Corp1"},
        scored={"000001": [scored(1, Direction.UP, Direction.UP, 1.0)]},
    )
    brief = composed(of)
    assert (brief.unpriced, brief.calls) == (1, 1)


@pytest.mark.parametrize("slot", list(Slot))
def test_a_brief_reads_back_as_it_was_written(slot: Slot) -> None:
    brief = composed(whole(slot))
    assert WRITTEN.validate_json(WRITTEN.dump_json(brief, exclude_defaults=True)) == brief


def test_what_was_found_long_after_it_was_published_is_no_news() -> None:
    seen, old = kst(FRIDAY, time(15)), FRIDAY - timedelta(days=2)
    filings = {"000001": [filed(1, seen_at=seen, filed_on=old), filed(2, seen_at=seen)]}
    stories = {"000001": [story(1, seen_at=seen, published_at=kst(old, time(9))), story(2, seen_at=seen)]}
    brief = composed(known(today(), [price(1, 0)], filings=filings, stories=stories))
    assert [filing.id for filing in brief.filings] == [2]
    assert [each.id for each in brief.stories] == [2]
