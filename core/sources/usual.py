"""How many items a source usually brings at this hour of such a day, and whether what it brought is far from it. Pure.

A sample is kept per source, hour in Seoul and kind of day. Medians and shares are used, not means, so that a day with
ten times the news moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Final

from core.clock import KST, Calendar, kst_date

KEPT: Final = 48
"""Samples kept of an hour, newest last: eight days of the same kind at six readings an hour."""
ENOUGH: Final = 8
"""Samples from which an hour is known."""
FEW: Final = 0.25
"""The share of the median below which a reading may be called far too small."""
SELDOM_NONE: Final = 0.1
"""The largest share of empty readings with which a source normally has some."""


class DayKind(StrEnum):
    """Days of the exchange, and the others."""

    SESSION = "session"
    CLOSED = "closed"


class Amount(StrEnum):
    """What a reading is beside the usual one."""

    USUAL = "usual"
    FEW = "few"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """The usual number of items: the median, what nine of ten readings reach, and the share of empty ones."""

    items: int
    low: int
    empty: float


def usual_of(samples: Sequence[int]) -> Usual | None:
    """What samples say, None for too few of them."""
    if len(samples) < ENOUGH:
        return None
    ordered = sorted(samples)
    return Usual(
        items=round(median(ordered)),
        low=ordered[len(ordered) // 10],
        empty=sum(count == 0 for count in ordered) / len(ordered),
    )


def learnt(samples: Sequence[int], items: int) -> list[int]:
    """The samples with one more, the oldest forgotten."""
    return [*samples, items][-KEPT:]


def judged(items: int, usual: Usual | None, *, last_items: int | None, steady: bool) -> Amount:
    """What a reading of `items` is.

    Where the hour is not known yet, none after some is a failure of a `steady` source, and nothing is few.
    """
    if not items:
        normally_some = usual.empty <= SELDOM_NONE if usual else steady and bool(last_items)
        return Amount.NONE if normally_some else Amount.USUAL
    if usual and items < usual.low and items < FEW * usual.items:
        return Amount.FEW
    return Amount.USUAL


def hour_of(at: datetime) -> int:
    """The hour in Seoul."""
    return at.astimezone(KST).hour


def day_kind(at: datetime, calendar: Calendar | None) -> DayKind:
    """The kind of the day in Seoul; without a calendar working days count as sessions."""
    day = kst_date(at)
    trades = calendar.is_session(day) if calendar is not None else day.weekday() < 5
    return DayKind.SESSION if trades else DayKind.CLOSED
