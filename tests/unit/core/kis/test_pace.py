"""The pace of calls, on a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.kis.pace import Lane, Pace
from core.kis.spacing import MARGIN, OwnSpacing
from tests.virtual_time import VirtualClock, run_virtually

START = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)


async def leave(pace: Pace, clock: ManualClock, count: int) -> list[datetime]:
    moments: list[datetime] = []

    async def call() -> None:
        await pace.turn()
        moments.append(clock.now())

    await asyncio.gather(*(call() for _ in range(count)))
    return moments


def most_in_a_second(moments: list[datetime]) -> int:
    second = timedelta(seconds=1)
    return max(sum(first <= moment < first + second for moment in moments) for first in moments)


@pytest.mark.parametrize("rate", [18.0, 1.0, 3.0])
async def test_no_sliding_second_holds_more_calls_than_the_rate(rate: float) -> None:
    clock = ManualClock(START)
    moments = await leave(Pace(OwnSpacing(rate), clock), clock, 60)
    assert most_in_a_second(moments) <= rate
    assert (moments[-1] - moments[0]).total_seconds() == pytest.approx(59 * MARGIN / rate, rel=0.01)


async def test_calls_are_spaced_evenly_and_never_in_a_burst_after_a_rest() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    await leave(pace, clock, 5)
    clock.move(timedelta(minutes=5))
    moments = await leave(pace, clock, 18)
    gaps = {later - earlier for earlier, later in pairwise(moments)}
    assert gaps == {pace.between}


async def test_a_refusal_pauses_everybody_and_slows_down_for_a_while() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    await pace.turn()
    usual = pace.between
    await pace.refused()
    await pace.refused()  # another one of those under way at the same moment
    assert pace.between == usual * 2
    await pace.turn()
    assert clock.now() - START >= timedelta(seconds=1)
    for _ in range(40):
        pace.accepted()
    assert pace.between == usual


async def test_refusals_again_and_again_slow_down_to_a_sixteenth_and_no_further() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(16), clock)
    usual = pace.between
    for _ in range(10):
        await pace.refused()
        clock.move(timedelta(seconds=2))
    assert pace.between == usual * 16


async def test_a_clock_set_back_does_not_stop_the_calls() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    await pace.turn()
    clock.move(timedelta(hours=-2))
    before = clock.now()
    await pace.turn()
    assert clock.now() - before <= timedelta(seconds=1)


@given(st.lists(st.floats(0, 3), min_size=2, max_size=40), st.integers(0, 5))
async def test_the_rate_holds_whenever_the_calls_come(rests: list[float], refuse_every: int) -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    moments = []
    for number, rest in enumerate(rests, 1):
        clock.move(timedelta(seconds=rest))
        await pace.turn()
        moments.append(clock.now())
        if refuse_every and number % refuse_every == 0:
            await pace.refused()
    assert most_in_a_second(moments) <= 18


async def test_questions_go_before_collection_which_keeps_a_tenth() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    order: list[Lane] = []
    under_way = asyncio.Event()

    async def call(lane: Lane) -> None:
        await pace.turn(lane)
        order.append(lane)
        if len(order) == 3:
            under_way.set()

    collecting = [asyncio.create_task(call(Lane.COLLECTING)) for _ in range(40)]
    await under_way.wait()
    asked = [asyncio.create_task(call(Lane.ASKED)) for _ in range(20)]
    await asyncio.gather(*collecting, *asked)
    first = order.index(Lane.ASKED)
    assert first <= 4
    assert order[first : first + 22].count(Lane.COLLECTING) == 2
    assert order[first + 22 :] == [Lane.COLLECTING] * (len(order) - first - 22)


async def test_a_caller_who_gives_up_takes_no_turn() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    await pace.turn()
    waiting = [asyncio.create_task(pace.turn()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.wait(waiting)
    assert clock.now() - START <= pace.between * 2


async def test_waking_late_does_not_add_up() -> None:
    class LateClock(ManualClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.002)

    clock = LateClock(START)
    pace = Pace(OwnSpacing(18), clock)
    moments = await leave(pace, clock, 181)
    assert 180 / (moments[-1] - moments[0]).total_seconds() >= 18 * 0.95
    assert most_in_a_second(moments) <= 18


async def test_a_call_that_leaves_late_puts_off_those_after_it() -> None:
    clock = ManualClock(START)
    pace = Pace(OwnSpacing(18), clock)
    late = await pace.turn()
    clock.move(timedelta(milliseconds=50))
    left_at = clock.now()
    await pace.left(late)
    following = await pace.turn()
    assert following.at - left_at >= pace.between * 7 / 8
    await pace.left(following)
    assert (await pace.turn()).at - following.at == pace.between, "the next one was in time, so nothing is put off"


@given(st.lists(st.floats(0, 0.28), min_size=19, max_size=60))
@settings(max_examples=40, deadline=None)
def test_however_late_connections_make_them_no_sliding_second_holds_more_calls_than_the_rate(
    lates: list[float],
) -> None:
    async def main() -> list[datetime]:
        clock = VirtualClock(START)
        pace, left = Pace(OwnSpacing(18), clock), []

        async def call(late: float) -> None:
            turn = await pace.turn()
            await clock.sleep(late)
            left.append(clock.now())
            await pace.left(turn)

        await asyncio.gather(*map(call, lates))
        return left

    assert most_in_a_second(run_virtually(main)) <= 18


def test_calls_that_leave_late_together_put_the_others_off_once() -> None:
    """A burst after a rest makes a connection for each of its first calls."""

    async def main() -> timedelta:
        clock = VirtualClock(START)
        pace, left = Pace(OwnSpacing(18), clock), []

        async def call(number: int) -> None:
            turn = await pace.turn()
            await clock.sleep(0.15 if number < 4 else 0)
            await pace.left(turn)
            left.append(clock.now())

        await asyncio.gather(*map(call, range(90)))
        return max(left) - START

    assert run_virtually(main) <= timedelta(seconds=89 * MARGIN / 18 + 0.15)
