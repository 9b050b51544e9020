"""The lag of the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.health.loop_lag import BLOCKED, EVERY, KEPT, SLOW, Lag, LoopLag, sampled


def test_nothing_is_known_before_the_first_sample() -> None:
    assert LoopLag().lag() is None


def test_last_p99_and_worst_are_of_the_samples_of_the_last_minute() -> None:
    lag = LoopLag()
    lag.note(9.0, at=0.0)
    for number in range(200):
        lag.note(number / 1000, at=61.0 + number * EVERY)
    assert lag.lag() == Lag(last=0.199, p99=0.197, most=0.199)


def test_a_timer_that_fires_early_is_no_lag() -> None:
    lag = LoopLag()
    lag.note(-0.001, at=1.0)
    assert lag.lag() == Lag(last=0.0, p99=0.0, most=0.0)


def test_no_more_than_a_minute_is_kept() -> None:
    lag = LoopLag()
    for number in range(10 * KEPT):
        lag.note(0.0 if number else 5.0, at=number / 1000)
    assert lag.lag() == Lag(last=0.0, p99=0.0, most=0.0)


@pytest.mark.parametrize(
    ("lag", "degraded"),
    [
        (Lag(last=0.0, p99=SLOW - 0.01, most=BLOCKED - 0.01), False),
        (Lag(last=0.0, p99=SLOW, most=SLOW), True),
        (Lag(last=0.0, p99=0.0, most=BLOCKED), True),
    ],
)
def test_often_late_or_blocked_for_long_is_degraded(lag: Lag, degraded: bool) -> None:
    assert lag.degraded is degraded


async def test_a_blocked_loop_is_measured() -> None:
    lag, blocked = LoopLag(), 2 * EVERY
    async with sampled(lag):
        await asyncio.sleep(0)
        time.sleep(blocked)  # noqa: ASYNC251 - what is measured
        for _ in range(5):
            await asyncio.sleep(0)
    found = lag.lag()
    assert found is not None
    assert found.most >= blocked - EVERY
