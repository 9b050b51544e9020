"""Who holds the few registrations of a stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.kis.slots import MOST, Changes, changes

codes = st.integers(0, 60).map(lambda number: f"{number:06d}")


def test_the_most_watched_hold_the_places() -> None:
    wanted = {f"{number:06d}": number for number in range(50)}
    found = changes(wanted, [])
    assert found.leave == ()
    assert found.take == tuple(f"{number:06d}" for number in range(49, 8, -1))
    assert len(found.take) == MOST == 41


def test_a_stock_that_more_people_watch_takes_the_place_of_the_least_watched() -> None:
    held = {"000001": 5, "000002": 3}
    assert changes(held | {"000003": 4}, held, most=2) == Changes(leave=("000002",), take=("000003",))


def test_of_equals_those_stay_that_hold_a_place() -> None:
    assert changes({"000001": 1, "000009": 1}, ["000009"], most=1) == Changes(leave=(), take=())


def test_what_nobody_watches_any_more_is_left() -> None:
    assert changes({}, ["000001"]) == Changes(leave=("000001",), take=())


@given(wanted=st.dictionaries(codes, st.integers(0, 5)), held=st.sets(codes, max_size=41), most=st.integers(0, 41))
def test_after_a_change_nothing_is_left_to_change_and_no_place_is_missing_or_too_many(
    wanted: dict[str, int], held: set[str], most: int
) -> None:
    found = changes(wanted, held, most=most)
    after = (held - set(found.leave)) | set(found.take)
    assert changes(wanted, after, most=most) == Changes(leave=(), take=())
    assert len(after) == min(most, len(wanted))
    others = set(wanted) - after
    assert not others or not after or max(wanted[code] for code in others) <= min(wanted[code] for code in after)
