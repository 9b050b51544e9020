"""Price steps and daily limits of the Korean exchange.

Steps are those in force since 2023-01-25; limits are 30 % of the base price (15 % on KONEX).
"""

from __future__ import annotations

from core.stocks.stock import Kind, Market

STEPS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))


def tick(price: int, kind: Kind = Kind.COMMON) -> int:
    """The price step in won at `price`."""
    if kind in (Kind.ETF, Kind.ETN):
        return 1 if price < 2_000 else 5
    for below, step in STEPS:
        if price < below:
            return step
    return 1_000


def on_tick(price: float, kind: Kind = Kind.COMMON) -> int:
    """The nearest valid price, at least one won."""
    step = tick(int(price), kind)
    return max(1, round(price / step) * step)


def limits(base: int, market: Market = Market.KOSPI, kind: Kind = Kind.COMMON) -> tuple[int, int]:
    """The lowest and highest price of a day whose base price is `base`, in won."""
    percent = 15 if market is Market.KONEX else 30
    step = tick(base, kind)
    width = base * percent // 100 // step * step
    lower, upper = max(1, base - width), base + width
    return -(-lower // tick(lower, kind)) * tick(lower, kind), upper // tick(upper, kind) * tick(upper, kind)
