"""Replies as they must not break anything: damaged at random, and nested beyond reason."""

from __future__ import annotations

from random import Random
from typing import Final

_INSERTED: Final = (b"<", b">", b'"', b"&amp;", b"\x00", b"<!ENTITY", b"{", b"[", b"null", b"\xb0", b"-", b"9" * 40)
DEEP: Final = (b"[" * 300 + b"]" * 300, b"[" * 1_000 + b"]" * 1_000, b'{"a":' * 990 + b"1" + b"}" * 990)
"""JSON that can be read and neither written nor shown."""


def damaged(body: bytes, seed: int) -> bytes:
    """The bytes with some replaced, left out, doubled, or the end cut off."""
    chance, found = Random(seed), bytearray(body)
    for _ in range(chance.randrange(1, 8)):
        place = chance.randrange(len(found))
        match chance.randrange(4):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : place + chance.randrange(1, 40)]
            case 2:
                found[place:place] = found[place : place + 30]
            case _:
                found[place:place] = chance.choice(_INSERTED)
        if not found:
            return b""
    return bytes(found[: chance.randrange(1, len(found) + 1)] if chance.random() < 0.2 else found)
