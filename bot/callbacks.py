"""What an inline button carries: a version, an action and its arguments, in at most 64 bytes of ASCII.

Buttons are stateless, so they work after a restart; a button of an older version is answered, not obeyed.
"""

from __future__ import annotations

from core.errors import UserError

VERSION = "1"
MAX_BYTES = 64
OLD = "오래된 버튼입니다. 명령을 다시 보내 주세요."
"""What is said to a button nothing stands behind any more."""


def pack(action: str, *args: object) -> str:
    """The callback data for `action`."""
    data = ":".join((VERSION, action, *map(str, args)))
    assert len(data.encode()) <= MAX_BYTES, data
    return data


def unpack(data: str) -> tuple[str, str]:
    """The action of callback data and the rest, in which colons part the arguments.

    Raises `UserError` for data of another version.
    """
    version, _, rest = data.partition(":")
    if version != VERSION:
        raise UserError(OLD)
    action, _, arguments = rest.partition(":")
    return action, arguments
