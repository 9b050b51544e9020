"""What the kept runs say together: rates and durations of each job, and failures that are alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.clock import KST

LONGEST_PATTERN = 160
_VARYING = (
    (re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "URL"),
    (re.compile(r"(?<!\w)(?:'[^']*'|\"[^\"]*\")"), "TEXT"),
    (re.compile(r"\b(?!(?:[45]\d\d|[A-Z]{2,}\w*)\b)(?=\w*\d)\w+(?:[.:-]\d\w*)*"), "#"),
    (re.compile(r"\s+"), " "),
)
"""What differs between two failures of one kind, and what stands in for it; codes of errors (`EGW00201`, 503) stay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStats:
    """A job over its kept runs. Seconds are wall time, memory is bytes of the process; None where no run tells.

    `runs` are those that have ended; `throughput` is items done a second.
    """

    job: str
    runs: int
    succeeded: int
    since: datetime
    p50: float | None
    p95: float | None
    done: int
    failed: int
    throughput: float | None
    peak_memory: int | None
    cpu_seconds: float | None

    @property
    def success_rate(self) -> float | None:
        """The share of ended runs that succeeded."""
        return self.succeeded / self.runs if self.runs else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One run that ended without success: what it says of it, and when."""

    job: str
    error: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """Failures of a job that are alike. `hour` is the hour in Seoul most of them fell in, with its share of them."""

    job: str
    error: str
    count: int
    first: datetime
    last: datetime
    hour: int
    share: float


def normalised(error: str) -> str:
    """The error without what differs from one to the next: numbers, names in quotes, addresses. One line, capped."""
    for varying, stand_in in _VARYING:
        error = varying.sub(stand_in, error)
    return error.strip()[:LONGEST_PATTERN]


def patterns(failures: Iterable[Failure]) -> list[Pattern]:
    """The failures grouped by job and normalised error, the most frequent first, of equals the latest."""
    groups: dict[tuple[str, str], list[datetime]] = {}
    for failure in failures:
        groups.setdefault((failure.job, normalised(failure.error)), []).append(failure.at)
    found = [_pattern(job, error, times) for (job, error), times in groups.items()]
    return sorted(found, key=lambda pattern: (pattern.count, pattern.last), reverse=True)


def _pattern(job: str, error: str, times: list[datetime]) -> Pattern:
    hours = Counter(at.astimezone(KST).hour for at in times)
    hour, most = min(hours.items(), key=lambda each: (-each[1], each[0]))
    return Pattern(
        job=job,
        error=error,
        count=len(times),
        first=min(times),
        last=max(times),
        hour=hour,
        share=most / len(times),
    )
