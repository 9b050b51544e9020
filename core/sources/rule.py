"""How patient we are with each source. Data, with a rule for those that are not named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

ENOUGH: Final[Mapping[str, int]] = MappingProxyType({"blocked": 1, "malformed": 2, "empty": 2})
"""Failures in a row, by the kind of the newest, from which a source has failed for good. A refusal is one at once; a
reply in another shape or without anything in it may be an accident once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The rule of one source.

    From `failures` failures in a row its circuit opens for `first`, doubling with every failed probe up to `longest`;
    a refusal opens it at once for `blocked`, doubling up to a day. `enough` says when it has failed for good (by kind;
    `failures` for the others). Kinds in `probed` are not told to the admins, because a live probe of health sees and
    tells the same. `counted` sources have items whose number is compared with the usual one, and `steady` ones always
    have some, so that none is a failure even before the usual number is known.
    """

    failures: int = 3
    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=2)
    blocked: timedelta = timedelta(hours=1)
    enough: Mapping[str, int] = field(default_factory=lambda: ENOUGH)
    probed: frozenset[str] = frozenset()
    counted: bool = True
    steady: bool = True

    def is_enough(self, kind: str, failures: int) -> bool:
        """Whether so many failures in a row, the last of this kind, are a failure for good."""
        return failures >= self.enough.get(kind, self.failures)


_ASKED_LIVE: Final = Rule(
    first=timedelta(minutes=1),
    longest=timedelta(minutes=10),
    enough=MappingProxyType({}),
    probed=frozenset({"unavailable", "blocked", "quota"}),
    counted=False,
    steady=False,
)
"""Asked one stock at a time, by people who wait: an open circuit costs them, and one odd answer says little of it."""

_PAGES: Final = Rule(counted=False, steady=False)
"""Pages are read when lists name them: how many says nothing."""

_BY_STOCK: Final = Rule(counted=False, steady=False)
"""Every call is about other stocks, of which nothing may be new."""

_BY_DAY: Final = Rule(steady=False)
"""Nights and holidays bring nothing."""

_DEFAULT: Final = Rule()
_NAMED: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "kis_master": _DEFAULT,
        "dart_company_feed": _BY_STOCK,
    }
)


def rule_of(source: str) -> Rule:
    """The rule of a source."""
    if source in _NAMED:
        return _NAMED[source]
    if source.startswith("kis_"):
        return _ASKED_LIVE
    if source.startswith("dart"):
        return _BY_DAY
    return _PAGES if source.endswith("_page") else _DEFAULT
