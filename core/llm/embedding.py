"""Embeddings: the result, batches within the provider's limits, and the local one that needs no key."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from core.errors import Malformed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DIM = 1536
LOCAL_KEY = "local:ngram-1"
"""Names the local method; a change that moves vectors gets a new name, for old and new do not compare."""

MAX_INPUTS, MAX_TOKENS, MAX_INPUT_TOKENS = 2048, 300_000, 8192
_TOKENS_PER_CHAR = 1.25
"""Korean takes about one token a character; a quarter is kept in reserve so that no tokenizer is needed."""
_MAX_CHARS = int(MAX_INPUT_TOKENS / _TOKENS_PER_CHAR)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Embedded:
    """Vectors in the order of the texts, one row each, of length one. Only vectors of one `key` compare."""

    key: str
    dim: int
    vectors: Vectors


def tokens_in(text: str) -> int:
    """A cautious estimate of the tokens of `text`."""
    return int(len(text) * _TOKENS_PER_CHAR) + 1


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, each cut to what one input may hold, in requests the provider accepts."""
    batch: list[str] = []
    tokens = 0
    for text in texts:
        cut = text[:_MAX_CHARS] or " "
        if batch and (len(batch) == MAX_INPUTS or tokens + tokens_in(cut) > MAX_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(cut)
        tokens += tokens_in(cut)
    if batch:
        yield batch


class _Item(BaseModel):
    index: int
    embedding: str | list[float]


class _Reply(BaseModel):
    data: list[_Item]


def vectors_in(reply: Any, *, count: int) -> Vectors:
    """The vectors of an embeddings reply in the order asked; raises `Malformed` unless there are `count` of them."""
    import numpy as np

    try:
        items = sorted(_Reply.model_validate(reply).data, key=lambda item: item.index)
        rows = [_row(item.embedding) for item in items]
    except (ValidationError, binascii.Error, ValueError):
        raise Malformed("the embeddings reply is not one") from None
    if [item.index for item in items] != list(range(count)) or any(row.shape != (DIM,) for row in rows):
        raise Malformed("the embeddings do not fit the texts")
    vectors = np.stack(rows)
    if not np.isfinite(vectors).all():
        raise Malformed("an embedding is not a number")
    return vectors


def _row(embedding: str | list[float]) -> NDArray[np.float32]:
    import numpy as np

    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4").astype(np.float32)
    return np.asarray(embedding, dtype=np.float32)


def embed_locally(texts: Sequence[str]) -> Vectors:
    """Hashed counts of character 2-, 3- and 4-grams, damped and of length one: the same on every machine.

    Texts that share words and phrases come out near each other; meaning beyond the letters is not seen.
    A text without two letters gives the zero vector. Blocks for about a millisecond a text.
    """
    import numpy as np

    vectors = np.zeros((len(texts), DIM), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        row[:] = _ngram_vector(text)
    return vectors


def _ngram_vector(text: str) -> NDArray[np.float32]:
    import numpy as np

    letters = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    points = np.frombuffer(letters.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    hashes = np.concatenate([_ngram_hashes(points, length) for length in (2, 3, 4)])
    grams, counts = np.unique(hashes, return_counts=True)
    # The sign, from another bit than the slot, lets collisions cancel out instead of adding up.
    signed = np.where(grams >> np.uint64(63), -1.0, 1.0) * np.sqrt(counts)
    vector = np.bincount((grams % np.uint64(DIM)).astype(np.int64), weights=signed, minlength=DIM)
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


def _ngram_hashes(points: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """A 64-bit hash of every run of `length` code points: a polynomial, then the splitmix64 finalizer."""
    import numpy as np

    runs = max(len(points) - length + 1, 0)
    hashed = np.full(runs, length, dtype=np.uint64)
    for offset in range(length):
        hashed = hashed * np.uint64(0x100000001B3) + points[offset : offset + runs]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashed = (hashed ^ (hashed >> np.uint64(shift))) * np.uint64(factor)
    return hashed ^ (hashed >> np.uint64(31))
