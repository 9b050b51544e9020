"""The vector store: collections of unit vectors with two times and stock codes, in Milvus or Milvus Lite."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from core.errors import Malformed, Unavailable
from core.vectors import lite

if TYPE_CHECKING:
    from pymilvus import MilvusClient

P = ParamSpec("P")
T = TypeVar("T")

_BATCH = 1_000
_SECONDS = 30.0
_CODES_LENGTH = 65_535
_STRONG: dict[str, Any] = {"consistency_level": "Strong"}  # a search sees every write that came before it


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorRow:
    """A text's vector (any length but zero), its aware times, and the codes of the stocks it is about."""

    key: int
    vector: Sequence[float]
    published_at: datetime
    first_seen_at: datetime
    codes: Collection[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A found key and the cosine similarity of its vector, from -1 to 1."""

    key: int
    score: float


_LITE_OPTIONS = {
    "grpc.enable_http_proxy": 0,
    # The local server takes pymilvus's own keep-alive (ten seconds) for a flood and closes the connection.
    "grpc.keepalive_time_ms": 2**31 - 1,
}


class VectorStore:
    """Collections of vectors. Every call runs in one thread of its own, so writers never meet.

    `uri` is a Milvus address, or a folder that Milvus Lite keeps. Nothing is connected before the first call.
    Every method raises `Unavailable` when Milvus does not answer or refuses, `Malformed` when what it was
    given cannot be stored or searched, and `BadSettings` when the folder cannot be opened.
    """

    def __init__(self, uri: str, *, token: str | None = None) -> None:
        self._uri = uri
        self._token = token or ""
        self._folder = None if "://" in uri else Path(uri).absolute()
        self._client: MilvusClient | None = None
        self._dims: dict[str, int] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vectors")

    async def open(self, collection: str, dim: int) -> None:
        """Make `collection` if it is missing and load it; needed once before its other calls.

        Raises `Malformed` when it holds vectors of another dimension.
        """
        await self._run(self._open, collection, dim)

    async def upsert(self, collection: str, rows: Sequence[VectorRow]) -> None:
        """Write rows, replacing those of the same key; they can be found when this returns."""
        latest = {row.key: row for row in rows}.values()
        for batch in _batches(latest):
            await self._run(self._upsert, collection, batch)

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
        """The nearest rows, best first: at most `limit`, about `code`, without the keys in `exclude`.

        Nothing first seen after `seen_before` is returned; a row of that very second may be left out.
        """
        wanted = _filter(seen_before, code, exclude)
        return await self._run(self._search, collection, vector, limit, wanted)

    async def count(self, collection: str) -> int:
        """How many rows it holds."""
        return await self._run(_count, collection)

    async def delete(self, collection: str, keys: Collection[int]) -> None:
        """Remove rows; unknown keys are ignored."""
        for batch in _batches(keys):
            await self._run(_delete, collection, batch)

    async def keys(self, collection: str) -> set[int]:
        """Every key it holds, to be compared with PostgreSQL. Reads the whole collection."""
        return await self._run(_keys, collection)

    async def ping(self) -> None:
        """One round trip."""
        await self._run(_version)

    async def close(self) -> None:
        """Close the connection, and free the folder of Milvus Lite."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[Concatenate[MilvusClient, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(self._call, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _call(self, work: Callable[Concatenate[MilvusClient, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        from grpc import RpcError  # type: ignore[import-untyped]
        from pymilvus.exceptions import DataNotMatchException, MilvusException, ParamError

        try:
            return work(self._connected(), *args, **kwargs)
        except (ParamError, DataNotMatchException) as error:
            raise Malformed(f"milvus: {error.message}") from error
        except MilvusException as error:
            kind = Malformed if error.is_input_error else Unavailable
            raise kind(f"milvus: {error.message}") from error
        except RpcError as error:
            raise Unavailable(f"milvus: {type(error).__name__}") from error

    def _connected(self) -> MilvusClient:
        if self._client is None:
            from pymilvus import MilvusClient

            logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs with a traceback what it also raises
            options = _LITE_OPTIONS if self._folder else {}
            address = lite.acquire(self._folder) if self._folder else self._uri
            self._client = MilvusClient(
                address, token=self._token, timeout=_SECONDS, dedicated=True, grpc_options=options
            )
        return self._client

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
            if self._folder:
                lite.release(self._folder)

    def _open(self, client: MilvusClient, collection: str, dim: int) -> None:
        if not client.has_collection(collection, timeout=_SECONDS):
            index = client.prepare_index_params()
            # Milvus Lite filters after an approximate search and so loses hits; a flat one is exact and as fast.
            index.add_index("vector", index_type="FLAT" if self._folder else "AUTOINDEX", metric_type="IP")
            client.create_collection(collection, schema=_schema(client, dim), index_params=index, timeout=_SECONDS)
        fields = client.describe_collection(collection, timeout=_SECONDS)["fields"]
        held = next(field["params"]["dim"] for field in fields if field["name"] == "vector")
        if int(held) != dim:
            raise Malformed(f"milvus: {collection} holds vectors of {held} dimensions, not {dim}")
        client.load_collection(collection, timeout=_SECONDS)
        self._dims[collection] = dim

    def _dim(self, collection: str) -> int:
        if (dim := self._dims.get(collection)) is None:
            raise Unavailable(f"milvus: {collection} was not opened")
        return dim

    def _upsert(self, client: MilvusClient, collection: str, rows: Sequence[VectorRow]) -> None:
        dim = self._dim(collection)
        client.upsert(collection, [_record(row, dim) for row in rows], timeout=_SECONDS)
        if self._folder:  # Milvus Lite searches rows that are not flushed 150 times slower; a server limits flushes
            client.flush(collection, timeout=_SECONDS)
            client.load_collection(collection, timeout=_SECONDS)

    def _search(
        self, client: MilvusClient, collection: str, vector: Sequence[float], limit: int, wanted: str
    ) -> list[Hit]:
        asked = _unit(vector, self._dim(collection))
        found = client.search(
            collection, data=[asked], anns_field="vector", filter=wanted, limit=limit, timeout=_SECONDS, **_STRONG
        )
        return [Hit(key=hit["key"], score=hit["distance"]) for hit in found[0]]


def _schema(client: MilvusClient, dim: int) -> Any:
    """Codes are text between bars, found by LIKE: Milvus Lite takes 70 times longer to look into an array."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field("published_at", DataType.INT64)
    schema.add_field("first_seen_at", DataType.INT64)
    schema.add_field("codes", DataType.VARCHAR, max_length=_CODES_LENGTH)
    return schema


def _record(row: VectorRow, dim: int) -> dict[str, Any]:
    return {
        "key": row.key,
        "vector": _unit(row.vector, dim),
        "published_at": math.floor(row.published_at.timestamp()),
        # Rounded up, while a search rounds its moment down: a fraction of a second never leaks.
        "first_seen_at": math.ceil(row.first_seen_at.timestamp()),
        "codes": "".join(f"|{_checked(code)}|" for code in sorted(set(row.codes))),
    }


def _filter(seen_before: datetime | None, code: str | None, exclude: Collection[int]) -> str:
    terms = []
    if seen_before is not None:
        terms.append(f"first_seen_at <= {math.floor(seen_before.timestamp())}")
    if code is not None:
        terms.append(f'codes like "%|{_checked(code)}|%"')
    if exclude:
        terms.append(f"key not in {sorted(exclude)}")
    return " and ".join(terms)


def _checked(code: str) -> str:
    if not re.fullmatch("[0-9A-Z]{6}", code):
        raise Malformed(f"not a stock code: {code!r}")
    return code


def _count(client: MilvusClient, collection: str) -> int:
    found = client.query(collection, output_fields=["count(*)"], timeout=_SECONDS, **_STRONG)
    return int(found[0]["count(*)"])


def _delete(client: MilvusClient, collection: str, keys: list[int]) -> None:
    client.delete(collection, ids=keys, timeout=_SECONDS)


def _version(client: MilvusClient) -> None:
    client.get_server_version(timeout=5)


def _keys(client: MilvusClient, collection: str) -> set[int]:
    pages = client.query_iterator(collection, batch_size=5_000, output_fields=["key"], timeout=_SECONDS, **_STRONG)
    try:
        return {row["key"] for page in iter(pages.next, []) for row in page}
    finally:
        pages.close()


def _unit(vector: Sequence[float], dim: int) -> Any:
    """The vector at length one, so that the inner product is the cosine; raises `Malformed` if it has none."""
    import numpy as np

    values = np.asarray(vector, dtype=np.float32)
    if values.shape != (dim,):
        raise Malformed(f"a vector of {values.size} dimensions where {dim} are held")
    length = float(np.linalg.norm(values))
    if not math.isfinite(length) or length == 0:
        raise Malformed("a vector without a length")
    return values / length


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
