"""One behaviour for the real vector store, on Milvus Lite, and for its in-memory stand-in."""

from __future__ import annotations

import asyncio
import fcntl
import math
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from core.errors import BadSettings, Malformed, StockPilotError, Unavailable
from core.vectors import VectorRow, VectorStore
from tests.fakes_vectors import MemoryVectors

Store = VectorStore | MemoryVectors
AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
_names = count()


@pytest.fixture(scope="module")
async def milvus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VectorStore]:
    store = VectorStore(str(tmp_path_factory.mktemp("vectors") / "milvus.db"))
    yield store
    await store.close()


@pytest.fixture(params=["milvus", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    chosen: Store = request.getfixturevalue("milvus") if request.param == "milvus" else MemoryVectors()
    return chosen


@pytest.fixture
async def name(store: Store) -> str:
    """A fresh collection of three dimensions."""
    name = f"articles_{next(_names)}"
    await store.open(name, 3)
    return name


def row(
    key: int, vector: Sequence[float] = (1, 0, 0), *, seen: datetime = AT, codes: Sequence[str] = ("005930",)
) -> VectorRow:
    return VectorRow(key=key, vector=vector, published_at=AT, first_seen_at=seen, codes=codes)


async def found(store: Store, name: str, **wanted: object) -> list[int]:
    return [hit.key for hit in await store.search(name, (1, 0, 0), limit=10, **wanted)]  # type: ignore[arg-type]


async def test_hits_come_nearest_first_with_their_cosine(store: Store, name: str) -> None:
    await store.upsert(name, [row(1, (0, 5, 0)), row(2, (3, 3, 0)), row(3, (9, 0, 0)), row(4, (-2, 0, 0))])
    hits = await store.search(name, (7, 0, 0), limit=3)
    assert [hit.key for hit in hits] == [3, 2, 1]
    assert [hit.score for hit in hits] == pytest.approx([1, math.sqrt(0.5), 0], abs=1e-6)


async def test_an_empty_collection_has_no_hits(store: Store, name: str) -> None:
    assert await found(store, name) == []
    assert await store.count(name) == 0
    assert await store.keys(name) == set()


async def test_nothing_first_seen_after_the_moment_asked_is_found(store: Store, name: str) -> None:
    moments = {1: -60.0, 2: -0.001, 3: 0.0, 4: 0.001, 5: 0.9, 6: 60.0}
    await store.upsert(name, [row(key, seen=AT + timedelta(seconds=shift)) for key, shift in moments.items()])
    assert sorted(await found(store, name, seen_before=AT)) == [1, 2, 3]
    for shift in (0.0005, 0.5, 0.95):
        before = await found(store, name, seen_before=AT + timedelta(seconds=shift))
        assert all(moments[key] <= shift for key in before)
    assert len(await found(store, name)) == 6


async def test_a_code_finds_the_rows_about_it_and_no_other(store: Store, name: str) -> None:
    await store.upsert(
        name,
        [
            row(1, codes=["005930"]),
            row(2, codes=["000660", "0126Z0"]),
            row(3, codes=["0126Z0", "005930"]),
            row(4, codes=[]),
        ],
    )
    assert sorted(await found(store, name, code="005930")) == [1, 3]
    assert sorted(await found(store, name, code="0126Z0")) == [2, 3]
    assert await found(store, name, code="593000") == []


async def test_conditions_hold_together(store: Store, name: str) -> None:
    late = AT + timedelta(hours=1)
    await store.upsert(name, [row(1), row(2), row(3, codes=["000660"]), row(4, seen=late)])
    assert await found(store, name, seen_before=AT, code="005930", exclude=[1]) == [2]


async def test_a_rare_code_among_many_rows_loses_no_hit(store: Store) -> None:
    rng = random.Random(7)
    rows = [
        row(key, [rng.gauss(0, 1) for _ in range(64)], codes=["000660" if key % 100 else "005930"])
        for key in range(3_000)
    ]
    await store.open("many", 64)
    await store.upsert("many", rows)
    hits = await store.search("many", [1.0] * 64, limit=40, code="005930")
    assert {hit.key for hit in hits} == set(range(0, 3_000, 100))


async def test_writing_a_key_again_replaces_it(store: Store, name: str) -> None:
    await store.upsert(name, [row(1, (0, 1, 0)), row(1, (0, 0, 1)), row(2)])
    await store.upsert(name, [row(1, (1, 0, 0), codes=["000660"])])
    assert await store.count(name) == 2
    hits = await store.search(name, (1, 0, 0), limit=5, code="000660")
    assert [(hit.key, round(hit.score, 5)) for hit in hits] == [(1, 1.0)]


async def test_deleted_rows_are_gone_and_unknown_keys_ignored(store: Store, name: str) -> None:
    await store.upsert(name, [row(key) for key in range(5)])
    await store.delete(name, {1, 3, 99})
    await store.delete(name, ())
    assert await store.keys(name) == {0, 2, 4}
    assert await store.count(name) == 3
    assert sorted(await found(store, name)) == [0, 2, 4]


async def test_keys_are_whole_64_bit_numbers(store: Store, name: str) -> None:
    keys = {-(2**63), -1, 0, 2**53 + 1, 2**63 - 1}
    await store.upsert(name, [row(key) for key in keys])
    assert await store.keys(name) == keys
    assert set(await found(store, name)) == keys


async def test_concurrent_writers_lose_no_row(store: Store, name: str) -> None:
    await asyncio.gather(*(store.upsert(name, [row(n * 10 + i) for i in range(10)]) for n in range(8)))
    assert await store.keys(name) == set(range(80))


async def test_opening_again_keeps_the_rows(store: Store, name: str) -> None:
    await store.upsert(name, [row(1)])
    await store.open(name, 3)
    assert await store.keys(name) == {1}


async def test_another_dimension_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Malformed, match="holds vectors of 3 dimensions, not 4"):
        await store.open(name, 4)


@pytest.mark.parametrize("vector", [(0, 0, 0), (math.nan, 0, 0), (math.inf, 0, 0), (1, 0), (1, 0, 0, 0), ()])
async def test_a_vector_that_has_no_cosine_here_is_refused(store: Store, name: str, vector: Sequence[float]) -> None:
    with pytest.raises(Malformed):
        await store.upsert(name, [row(1, vector)])
    with pytest.raises(Malformed):
        await store.search(name, vector, limit=1)
    assert await store.count(name) == 0


@pytest.mark.parametrize("code", ["", "5930", '005930%" or key > 0 or codes like "%', "00593_", "005930\n"])
async def test_a_code_that_is_none_is_refused(store: Store, name: str, code: str) -> None:
    with pytest.raises(Malformed):
        await store.upsert(name, [row(1, codes=[code])])
    with pytest.raises(Malformed):
        await found(store, name, code=code)


async def test_a_collection_that_was_never_opened_is_unavailable(store: Store) -> None:
    with pytest.raises(Unavailable):
        await store.upsert("unknown", [row(1)])
    for call in (store.count("unknown"), store.keys("unknown"), store.search("unknown", (1, 0, 0), limit=1)):
        with pytest.raises(StockPilotError):
            await call


async def test_ping_answers(store: Store) -> None:
    await store.ping()


async def test_rows_outlive_a_close_and_a_second_store_shares_the_folder(tmp_path: Path) -> None:
    folder = str(tmp_path / "milvus.db")
    first, second = VectorStore(folder), VectorStore(folder)
    await first.open("articles", 3)
    await first.upsert("articles", [row(1)])
    await second.ping()
    await first.close()
    assert await second.count("articles") == 1
    await second.close()
    with (tmp_path / "milvus.db" / "LOCK").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free for another process
    third = VectorStore(folder)
    await third.open("articles", 3)
    assert await found(third, "articles") == [1]
    await third.close()


async def test_a_kill_of_the_process_loses_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "milvus.db"
    await asyncio.to_thread(in_another_process, folder, "os.kill(os.getpid(), signal.SIGKILL)")
    store = VectorStore(str(folder))
    await store.open("articles", 3)
    assert await found(store, "articles") == [1]
    await store.close()


async def test_a_folder_open_in_another_process_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "milvus.db"
    store = VectorStore(str(folder))
    await store.ping()
    said = await asyncio.to_thread(in_another_process, folder, "pass")
    await store.close()
    assert said.splitlines()[-1] == f"core.errors.BadSettings: MILVUS_URI: {folder} is in use by another process"


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "milvus.db").write_bytes(b"an older format")
    store = VectorStore(str(tmp_path / "milvus.db"))
    with pytest.raises(BadSettings, match=r"MILVUS_URI: .*milvus.db: File exists"):
        await store.ping()
    await store.close()


async def test_an_address_nobody_answers_at_is_unavailable() -> None:
    store = VectorStore("http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await store.ping()
    await store.close()


def in_another_process(folder: Path, then: str) -> str:
    """Write row 1 in a process of its own, do `then`, and return what it complained about."""
    script = f"""
import asyncio, os, signal
from core.vectors import VectorStore
from tests.contract.test_vectors import row

async def main():
    store = VectorStore({str(folder)!r})
    await store.open("articles", 3)
    await store.upsert("articles", [row(1)])
    {then}
    await store.close()

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stderr
