"""An in-memory stand-in for the vector store; `tests/contract/test_vectors.py` holds both to one behaviour."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from core.errors import Malformed, Unavailable
from core.vectors import Hit, VectorRow

Unit = NDArray[np.float32]


@dataclass
class _Collection:
    dim: int
    rows: dict[int, tuple[VectorRow, Unit]] = field(default_factory=dict)


class MemoryVectors:
    """`VectorStore` in a dictionary, by brute force."""

    def __init__(self) -> None:
        self._collections: dict[str, _Collection] = {}

    async def open(self, collection: str, dim: int) -> None:
        held = self._collections.setdefault(collection, _Collection(dim)).dim
        if held != dim:
            raise Malformed(f"{collection} holds vectors of {held} dimensions, not {dim}")

    async def upsert(self, collection: str, rows: Sequence[VectorRow]) -> None:
        held = self._held(collection)
        for row in rows:
            for code in row.codes:
                _check(code)
        held.rows.update({row.key: (row, _unit(row.vector, held.dim)) for row in rows})

    async def search(
        self,
        collection: str,
        vector: Sequence[float],
        *,
        limit: int,
        seen_before: datetime | None = None,
        code: str | None = None,
        exclude: Collection[int] = (),
    ) -> list[Hit]:
        held = self._held(collection)
        asked = _unit(vector, held.dim)
        if code is not None:
            _check(code)
        hits = [
            Hit(key=row.key, score=float(unit @ asked))
            for row, unit in held.rows.values()
            if (seen_before is None or math.ceil(row.first_seen_at.timestamp()) <= seen_before.timestamp())
            and (code is None or code in row.codes)
            and row.key not in exclude
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    async def count(self, collection: str) -> int:
        return len(self._held(collection).rows)

    async def delete(self, collection: str, keys: Collection[int]) -> None:
        for key in keys:
            self._held(collection).rows.pop(key, None)

    async def keys(self, collection: str) -> set[int]:
        return set(self._held(collection).rows)

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

    def _held(self, collection: str) -> _Collection:
        try:
            return self._collections[collection]
        except KeyError:
            raise Unavailable(f"{collection} is not open") from None


def _unit(vector: Sequence[float], dim: int) -> Unit:
    values = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(values))
    if values.shape != (dim,) or not math.isfinite(length) or length == 0:
        raise Malformed("not a vector of this collection")
    return values / np.float32(length)


def _check(code: str) -> None:
    if not re.fullmatch("[0-9A-Z]{6}", code):
        raise Malformed(f"not a stock code: {code!r}")
