"""Two sources that tell the same kind of data of the same day: where they differ. Nothing of it is stored twice.

What one of them brought is stored as data; of the other only the differences are kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.sources.models import SourceComparisonRow

MOST_KEPT: Final = 100
"""Differences kept of one comparison; all of them are counted."""

Value = int | float | str | None
Rows = Mapping[Any, Mapping[str, Value]]
"""Rows by their key (a code, or a tuple of them), each as its fields by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far two numbers may be apart to be the same: by this much, or by this share of the larger one."""

    by: float = 0.0
    share: float = 0.0

    def holds(self, one: float, other: float) -> bool:
        """Whether they are the same."""
        if not (isfinite(one) and isfinite(other)):
            return repr(one) == repr(other)
        return abs(one - other) <= max(self.by, self.share * max(abs(one), abs(other)))


EXACT: Final = Tolerance()


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field in which a row differs, or a whole row (`field` empty) that only one of them has."""

    key: str
    field: str = ""
    first: Value = None
    second: Value = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """What a comparison found. `compared` counts rows both have, `differing` those of them that differ."""

    compared: int
    only_first: int
    only_second: int
    differing: int
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether they tell the same."""
        return not (self.only_first or self.only_second or self.differing)


def compare(first: Rows, second: Rows, *, tolerances: Mapping[str, Tolerance]) -> Compared:
    """Where two sets of rows differ, in the fields that `tolerances` names; a field one of them leaves out (None) in a
    row is not compared in it. Differences come in the order of their keys."""
    found: list[Difference] = []
    differing = 0
    both = first.keys() & second.keys()
    for key in sorted(first.keys() | second.keys(), key=_name):
        if key not in both:
            found.append(
                Difference(key=_name(key), first="✓" if key in first else None, second="✓" if key in second else None)
            )
            continue
        apart = [
            Difference(key=_name(key), field=field, first=first[key].get(field), second=second[key].get(field))
            for field, tolerance in tolerances.items()
            if not _equal(first[key].get(field), second[key].get(field), tolerance)
        ]
        differing += bool(apart)
        found += apart
    return Compared(
        compared=len(both),
        only_first=len(first.keys() - both),
        only_second=len(second.keys() - both),
        differing=differing,
        differences=tuple(found),
    )


async def store_comparison(
    conn: AsyncConnection, kind: str, day: date, first: str, second: str, compared: Compared, *, at: datetime
) -> None:
    """Keep what the comparison of a day found; the same one made again replaces it."""
    values: dict[str, Any] = {
        "at": at,
        "compared": compared.compared,
        "only_first": compared.only_first,
        "only_second": compared.only_second,
        "differing": compared.differing,
        "differences": [asdict(each) for each in compared.differences[:MOST_KEPT]],
    }
    key = {"kind": kind, "day": day, "first": first, "second": second}
    statement = upsert(SourceComparisonRow).values(**key, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A stored comparison. `differences` holds at most a hundred."""

    kind: str
    day: date
    first: str
    second: str
    at: datetime
    compared: int
    only_first: int
    only_second: int
    differing: int
    differences: Sequence[Mapping[str, Any]]


async def comparisons(conn: AsyncConnection, *, limit: int = 10, of: str | None = None) -> list[Comparison]:
    """The newest stored comparisons, newest first; `of` one source."""
    query = select(SourceComparisonRow.__table__).order_by(SourceComparisonRow.day.desc(), SourceComparisonRow.kind)
    if of is not None:
        query = query.where((SourceComparisonRow.first == of) | (SourceComparisonRow.second == of))
    return [Comparison(**row._mapping) for row in await conn.execute(query.limit(limit))]


def _equal(one: Value, other: Value, tolerance: Tolerance) -> bool:
    if one is None or other is None:
        return True
    if isinstance(one, str) or isinstance(other, str):
        return str(one) == str(other)
    return tolerance.holds(one, other)


def _name(key: Hashable) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
