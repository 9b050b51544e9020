"""Timing things side by side."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter


async def alternate(
    *calls: Callable[[], Awaitable[object]], rounds: int, warm_up: int = 5, pause: float = 0
) -> list[list[float]]:
    """Seconds of each call in each round, the calls taking turns so that noise falls on all alike.

    `pause` seconds pass before each call.
    """
    for _ in range(warm_up):
        for call in calls:
            await call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for seconds, call in zip(taken, calls, strict=True):
            await asyncio.sleep(pause)
            began = perf_counter()
            await call()
            seconds.append(perf_counter() - began)
    return taken


def p(seconds: Sequence[float], percent: int) -> float:
    """The percentile in milliseconds."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


def verdict(name: str, ratio: float, goal: float, *, at_most: bool = True) -> str:
    """A line that says whether a ratio meets its goal."""
    met = ratio <= goal if at_most else ratio >= goal
    return f"{name}: {ratio:.2f}x (goal {'at most' if at_most else 'at least'} {goal:g}x) {'met' if met else 'MISSED'}"
