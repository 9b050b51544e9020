"""The pace keeps every limit, whatever is told where, and is no slower than it has to be."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.delivery.letter import Delivered, Destination, HookName, NotSent, TooFast, Unknown
from core.delivery.pace import A_SECOND, CATCH_UP, CHAT_GAP, GAP, GROUP_COUNT, GROUP_TIME, REST, Pace
from tests.conftest import NOW

SECOND = timedelta(seconds=1)


def at(chat: int) -> Destination:
    return Destination(HookName.TELEGRAM, chat)


def tell_all(chats: list[int], latencies: list[timedelta]) -> list[tuple[datetime, int]]:
    """One telling after the other by the rules of the sender; when each began, and where."""
    pace, now, told, left = Pace(), NOW, [], list(chats)
    while left:
        now += pace.wait(now)
        busy = pace.busy(now)
        if (chat := next((chat for chat in left if chat not in busy), None)) is None:
            now += pace.next_change(now) or GAP
            continue
        left.remove(chat)
        pace.begins(now)
        told.append((now, chat))
        now += latencies[len(told) % len(latencies)]
        pace.ended(at(chat), Delivered(), now)
    return told


def most_in(times: list[datetime], span: timedelta) -> int:
    return max(sum(start <= time < start + span for time in times) for start in times)


@given(
    st.lists(st.integers(-2, 60).filter(bool), min_size=1, max_size=150),
    st.lists(st.integers(0, 300).map(lambda ms: timedelta(milliseconds=ms)), min_size=1, max_size=5),
)
def test_no_limit_is_ever_broken(chats: list[int], latencies: list[timedelta]) -> None:
    told = tell_all(chats, latencies)
    assert Counter(chat for _, chat in told) == Counter(chats)
    assert most_in([time for time, _ in told], SECOND) <= A_SECOND
    for chat in set(chats):
        times = [time for time, where in told if where == chat]
        assert all(later - earlier >= CHAT_GAP for earlier, later in pairwise(times))
        if chat < 0:
            assert most_in(times, GROUP_TIME) <= GROUP_COUNT


def test_many_chats_are_told_28_a_second() -> None:
    told = tell_all(list(range(1, 281)), [timedelta()])
    assert told[-1][0] - told[0][0] <= 10 * SECOND


def test_late_ones_are_caught_up_with_a_few_at_once() -> None:
    pace, now = Pace(), NOW
    pace.begins(now)
    now += timedelta(minutes=1)
    at_once = 0
    while not pace.wait(now):
        pace.begins(now)
        at_once += 1
    assert at_once == 1 + CATCH_UP // GAP
    assert pace.wait(now) == GAP


def test_a_sender_that_stumbles_still_tells_28_a_second() -> None:
    pace, now, told = Pace(), NOW, []
    while now < NOW + 10 * SECOND:
        now += pace.wait(now)
        pace.begins(now)
        told.append(now)
        now += timedelta(milliseconds=200) if len(told) % 14 == 0 else timedelta()
    assert most_in(told, SECOND) <= A_SECOND
    assert len(told) >= 10 * A_SECOND - 2


def test_a_group_waits_after_twenty_in_a_minute() -> None:
    pace = Pace()
    for number in range(GROUP_COUNT):
        pace.ended(at(-5), Delivered(), NOW + number * SECOND)
    now = NOW + GROUP_COUNT * SECOND
    assert pace.busy(now) == [-5]
    assert pace.busy(NOW + GROUP_TIME) == []


def test_too_fast_in_one_chat_holds_back_that_chat_alone() -> None:
    pace = Pace()
    pace.ended(at(1), TooFast(9 * SECOND), NOW)
    assert pace.busy(NOW + 8 * SECOND) == [1]
    assert pace.resting(NOW) == set()
    assert pace.busy(NOW + 9 * SECOND) == []


def test_too_fast_in_two_chats_at_a_time_holds_back_all() -> None:
    pace = Pace()
    pace.ended(at(1), TooFast(9 * SECOND), NOW)
    pace.ended(at(2), TooFast(3 * SECOND), NOW + SECOND)
    assert pace.resting(NOW + 8 * SECOND) == {HookName.TELEGRAM}
    assert pace.resting(NOW + 9 * SECOND) == set()


def test_a_hook_out_of_reach_rests_and_the_others_do_not() -> None:
    pace = Pace()
    pace.ended(Destination(HookName.WEBHOOK), NotSent("down"), NOW)
    pace.ended(at(1), Unknown("timeout"), NOW)
    assert pace.resting(NOW) == {HookName.WEBHOOK}
    assert pace.next_change(NOW) == CHAT_GAP
    assert pace.resting(NOW + REST) == set()


def test_a_clock_that_goes_back_does_not_stop_the_sender() -> None:
    pace = Pace()
    pace.begins(NOW)
    pace.ended(at(1), TooFast(timedelta(minutes=1)), NOW)
    before = NOW - timedelta(hours=1)
    assert (pace.wait(before), pace.busy(before)) == (timedelta(), [])
