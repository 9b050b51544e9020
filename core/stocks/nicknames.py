"""What people call issues beside their listed names: nicknames, former names, full legal names, English names.

The table `nicknames.csv` (name, code, kind) is made by hand. A nickname for a pair of issues (삼전닉스) has a row for
each.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def nickname_pairs() -> tuple[tuple[str, str], ...]:
    """Every (name, code) row of the table; a name that stands for two issues comes twice."""
    text = files(__package__).joinpath("nicknames.csv").read_text("utf-8")
    return tuple((row["name"], row["code"]) for row in csv.DictReader(text.splitlines()))


@cache
def default_nicknames() -> Mapping[str, str]:
    """Name → code, for the names that stand for one issue only. Read-only."""
    codes: dict[str, set[str]] = {}
    for name, code in nickname_pairs():
        codes.setdefault(name, set()).add(code)
    return MappingProxyType({name: min(found) for name, found in codes.items() if len(found) == 1})
