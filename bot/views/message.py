"""What a view makes: a message as it will be sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button: `data` comes back when it is pressed, or `url` opens."""

    text: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG that `draw` makes when it has to, or None where there is nothing to draw.

    Equal keys mean equal pictures, so that each is drawn and uploaded once.
    """

    key: str
    draw: Callable[[], Awaitable[bytes | None]]


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """HTML text, a keyboard under its last part, and at most one picture or document.

    With a picture, the text is its caption when it fits and follows it otherwise.
    """

    text: str
    keyboard: Keyboard = ()
    photo: Picture | None = None
    document: bytes | None = None
    filename: str = ""


def rows(buttons: list[Button], *, width: int) -> Keyboard:
    """The buttons laid out `width` to a row."""
    return tuple(tuple(buttons[start : start + width]) for start in range(0, len(buttons), width))
