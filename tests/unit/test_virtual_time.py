"""Virtual time: jumps over waiting, stands still for work, and has one order for everybody."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kis.pace import Pace
from core.kis.spacing import MARGIN, OwnSpacing
from tests.virtual_time import VirtualClock, run_virtually

BEGIN = datetime(2026, 2, 19, 23, 0, tzinfo=UTC)


def test_twelve_hours_of_sleep_take_no_time() -> None:
    async def main() -> datetime:
        clock = VirtualClock(BEGIN)
        await clock.sleep(12 * 3600)
        await clock.until(BEGIN)  # has passed
        return clock.now()

    began = time.perf_counter()
    assert run_virtually(main) == BEGIN + timedelta(hours=12)
    assert time.perf_counter() - began < 5


@given(waits=st.lists(st.floats(min_value=0, max_value=1e5), max_size=30))
def test_sleepers_wake_in_the_order_of_their_times_and_never_early(waits: list[float]) -> None:
    async def main() -> list[tuple[float, float]]:
        woken = []

        async def sleeper(wait: float) -> None:
            await asyncio.sleep(wait)
            woken.append((wait, asyncio.get_running_loop().time()))

        await asyncio.gather(*map(sleeper, waits))
        return woken

    woken = run_virtually(main)
    assert [wait for wait, _ in woken] == sorted(waits)
    assert all(at == pytest.approx(wait) for wait, at in woken)


def test_timeouts_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtually(main) == pytest.approx(3600)


def test_time_stands_while_a_thread_works() -> None:
    async def main() -> float:
        sleeper = asyncio.create_task(asyncio.sleep(60))
        await asyncio.to_thread(sum, range(1_000_000))
        at = asyncio.get_running_loop().time()
        await sleeper
        return at

    assert run_virtually(main) == 0


@pytest.mark.parametrize("pause", [0.0, 30.0])
def test_time_stands_while_an_answer_is_under_way_and_passes_while_a_server_sleeps(pause: float) -> None:
    async def main() -> float:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            await asyncio.sleep(pause)
            writer.write(b"x" * 500_000 + b"\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**20)
        hurry = asyncio.create_task(asyncio.sleep(600))
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=2**20)
        writer.write(b"ask\n")
        await reader.readline()
        at = asyncio.get_running_loop().time()
        writer.close()
        hurry.cancel()
        server.close()
        return at

    assert run_virtually(main) == pytest.approx(pause)


def test_a_crowd_waiting_for_its_turns_leaves_evenly_in_virtual_time() -> None:
    async def main() -> list[datetime]:
        clock = VirtualClock(BEGIN)
        pace, left = Pace(OwnSpacing(18), clock), []

        async def caller() -> None:
            await pace.turn()
            left.append(clock.now())

        await asyncio.gather(*(caller() for _ in range(1_000)))
        return left

    left = run_virtually(main)
    assert left[-1] - left[0] == pytest.approx(timedelta(seconds=999 * MARGIN / 18), abs=timedelta(seconds=0.1))
    assert all(later - earlier > timedelta(seconds=0.05) for earlier, later in pairwise(left))
