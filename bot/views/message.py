"""What a view makes: a message as it will be sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button: `data` comes back when it is pressed, or `url` opens."""

    text: str
    data: str = ""
    url: str = ""


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """HTML text, a keyboard under its last part, and at most one picture (PNG) or document.

    With a picture, the text is its caption when it fits and follows it otherwise.
    """

    text: str
    keyboard: Keyboard = ()
    photo: bytes | None = None
    document: bytes | None = None
    filename: str = ""


def rows(buttons: list[Button], *, width: int) -> Keyboard:
    """The buttons laid out `width` to a row."""
    return tuple(tuple(buttons[start : start + width]) for start in range(0, len(buttons), width))
