"""An ordered chain of sources for one kind of data: the first that can answer does, and says who it was.

A link fails in one of three typed ways, and the next is asked: it does not offer this (`Unsupported`, `NotConfigured`),
it cannot answer now (`Unavailable`, `Malformed`), or what it has is too old (`Stale`). Anything else is raised on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import structlog

from core.errors import Malformed, NotConfigured, StockPilotError, Unavailable, Unsupported

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Stale(Unavailable):
    """What a source has is older than is asked for."""


class Failure(StrEnum):
    """How a link failed."""

    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    STALE = "stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link(Generic[T]):
    """One source of a chain, by the name that is stored with its rows.

    `as_of` tells the instant its answer stood at; without it an answer is taken for fresh.
    """

    source: str
    ask: Callable[[], Awaitable[T]]
    as_of: Callable[[T], datetime] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A link that was passed over, how it failed, and its error."""

    source: str
    failure: Failure
    error: StockPilotError


@dataclass(frozen=True, kw_only=True, slots=True)
class Found(Generic[T]):
    """The answer, the source to store with it, when it stood (None: unknown), and the links before it that failed.

    `stale` says that no link had a fresh answer and the freshest old one was taken.
    """

    value: T
    source: str
    as_of: datetime | None
    passed: tuple[Passed, ...] = ()
    stale: bool = False


async def first_of(
    links: Sequence[Link[T]], *, at: datetime, fresh_for: timedelta | None = None, stale_allowed: bool = False
) -> Found[T]:
    """The answer of the first link that has one no older than `fresh_for` at `at`.

    With `stale_allowed`, where nobody has a fresh one, the newest of the old ones. Raises the error of the first link
    that was at fault, so that it names the source preferred most: one that merely does not offer this says little.
    Raises `Unsupported` for an empty chain.
    """
    passed: list[Passed] = []
    old: list[Found[T]] = []
    for link in links:
        try:
            found = await _asked(link, at, fresh_for)
        except (Unsupported, NotConfigured, Unavailable, Malformed) as error:
            passed.append(Passed(source=link.source, failure=failure_of(error), error=error))
            continue
        if isinstance(found, Found):
            _tell(found.source, passed)
            return Found(value=found.value, source=found.source, as_of=found.as_of, passed=tuple(passed))
        value, as_of = found
        too_old = Stale(f"{link.source}: stood at {as_of.isoformat()}")
        passed.append(Passed(source=link.source, failure=Failure.STALE, error=too_old))
        old.append(Found(value=value, source=link.source, as_of=as_of, stale=True))
    if stale_allowed and old:
        newest = max(old, key=lambda each: each.as_of or at)
        others = tuple(each for each in passed if each.source != newest.source)
        _tell(newest.source, others)
        return Found(value=newest.value, source=newest.source, as_of=newest.as_of, passed=others, stale=True)
    if not passed:
        raise Unsupported("no source offers this")
    at_fault = [each for each in passed if each.failure is not Failure.UNSUPPORTED]
    raise (at_fault or passed)[0].error


def failure_of(error: StockPilotError) -> Failure:
    """How a link failed by its error."""
    match error:
        case Stale():
            return Failure.STALE
        case Unsupported() | NotConfigured():
            return Failure.UNSUPPORTED
    return Failure.UNAVAILABLE


async def _asked(link: Link[T], at: datetime, fresh_for: timedelta | None) -> Found[T] | tuple[T, datetime]:
    """A fresh answer, or an old one with when it stood."""
    value = await link.ask()
    as_of = link.as_of(value) if link.as_of else None
    if as_of is not None and fresh_for is not None and at - as_of > fresh_for:
        return value, as_of
    return Found(value=value, source=link.source, as_of=as_of)


def _tell(source: str, passed: Sequence[Passed]) -> None:
    if passed:
        log.info("source_passed_over", used=source, passed={each.source: str(each.failure) for each in passed})
