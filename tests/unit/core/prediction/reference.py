"""Indicators written out plainly, to hold the library's against."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def rsi_by_hand(closes: Sequence[int], length: int) -> float:
    """Wilder's RSI: averages start as means and then move by one part in `length`."""
    moves = [after - before for before, after in pairwise(closes)]
    gain = sum(max(move, 0) for move in moves[:length]) / length
    loss = sum(max(-move, 0) for move in moves[:length]) / length
    for move in moves[length:]:
        gain = (gain * (length - 1) + max(move, 0)) / length
        loss = (loss * (length - 1) + max(-move, 0)) / length
    return 100 * gain / (gain + loss)
