"""How far a name may be trusted by itself: the hand-made lists of `ambiguity.toml`."""

from __future__ import annotations

import re
import tomllib
from enum import IntEnum
from functools import cache
from importlib.resources import files


class Trust(IntEnum):
    """What a hit of a pattern needs before it counts."""

    PLAIN = 0
    """Nothing more."""
    BROKER = 1
    """A securities house: counts unless it is only the source of somebody's opinion."""
    SHORT = 2
    """A short name: a cue nearby, a place at the head of the headline, or a neighbour in a list."""
    WORD = 3
    """An ordinary word: as a short one, and it must not be the object of the words before it."""
    GROUP = 4
    """A group's name: the head of a headline that also speaks of the share, or a share word right after it."""
    CODED = 5
    """A name with a better-known bearer: nothing but a code or the feed's tag."""
    CODE = 6
    """A stock code: brackets around it, or an exchange suffix."""
    NOTHING = 7
    """A longer name that is no listed issue: it only keeps the shorter one inside from counting."""


_LISTS = {
    "distinct": Trust.PLAIN,
    "short": Trust.SHORT,
    "word": Trust.WORD,
    "group": Trust.GROUP,
    "coded": Trust.CODED,
}
_BROKER = re.compile(r"(?:증권|證|금투|證券)$")


@cache
def _lists() -> tuple[dict[str, Trust], tuple[str, ...]]:
    table = tomllib.loads(files(__package__).joinpath("ambiguity.toml").read_text("utf-8"))
    classes = {
        "distinct": Trust.PLAIN,
        "short": Trust.SHORT,
        "word": Trust.WORD,
        "group": Trust.GROUP,
        "coded": Trust.CODED,
    }
    trust = {name.lower(): kind for key, kind in classes.items() for name in table[key].split()}
    return trust, tuple(table["names_not_stocks"])


def names_not_stocks() -> tuple[str, ...]:
    """Longer names that hold a listed one and are none: sports teams, unlisted subsidiaries, products."""
    return _lists()[1]


def trust_in(name: str) -> Trust:
    """How far `name` may be trusted; names of one or two characters that are not on a list count as short."""
    listed = _lists()[0].get(name.lower())
    if listed is not None:
        return listed
    if _BROKER.search(name):
        return Trust.BROKER
    return Trust.SHORT if len(name) <= 2 else Trust.PLAIN
