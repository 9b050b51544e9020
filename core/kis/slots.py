"""Which stocks hold the few registrations a stream of trades has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

MOST: Final = 41
"""Registrations one app key may hold, over all that it registers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What to end and what to register, in this order and each in the order given."""

    leave: tuple[str, ...]
    take: tuple[str, ...]


def changes(wanted: Mapping[str, int], held: Collection[str], *, most: int = MOST) -> Changes:
    """What has to change so that the `most` stocks with the most watchers hold the places.

    `wanted` maps a code to how many watch it. Of equals those stay that hold a place, for a server that is asked to and
    fro blocks who asks; then the smaller code.
    """
    ranked = sorted(wanted, key=lambda code: (-wanted[code], code not in held, code))
    chosen = ranked[: max(most, 0)]
    return Changes(
        leave=tuple(sorted(set(held) - set(chosen))),
        take=tuple(code for code in chosen if code not in held),
    )
