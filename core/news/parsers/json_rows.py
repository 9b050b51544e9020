"""Lists of rows in JSON, as every API sends them."""

from __future__ import annotations

from typing import Any, Final

import orjson

from core.errors import Malformed

_LONGEST_RAW: Final = 8_000


def loaded(body: bytes) -> Any:
    """The JSON of a reply; raises `Malformed` for an empty one, a web page, or what is no JSON."""
    if not body.strip():
        raise Malformed("an empty reply")
    if body.lstrip()[:1] == b"<":
        raise Malformed("a web page in place of a list")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg}") from None


def listed(reply: Any, key: str) -> list[Any]:
    """The list under `key`, in any case of letters; a single object stands for a list of one."""
    rows = lower(reply).get(key) if isinstance(reply, dict) else None
    if isinstance(rows, dict):
        return [rows]
    if not isinstance(rows, list):
        raise Malformed(f"no list of {key}")
    return rows


def lower(row: dict[str, Any]) -> dict[str, Any]:
    """The row under lower-case keys."""
    return {key.lower(): value for key, value in row.items()}


def cut_raw(row: Any) -> str:
    """The beginning of a row, for a person to read."""
    try:
        return orjson.dumps(row)[:_LONGEST_RAW].decode(errors="replace")
    except orjson.JSONEncodeError:  # nested deeper than it writes, though it has read it
        return "a deeply nested row"
