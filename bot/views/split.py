"""Splitting HTML into messages Telegram accepts: at block borders, with tags closed and opened again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_MARKUP = 9000
"""Telegram refuses text whose markup is far longer than what is shown."""
MAX_ENTITIES = 100
"""Telegram leaves out the formatting of a message beyond so many pieces."""

_TOKEN = re.compile(r"<[^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|\w+);|\n|[^<&\n]+|[<&]")
_OPENING = re.compile(r"<[a-z]")
_TAG_NAME = re.compile(r"</?([a-z-]+)")


def visible_length(html: str) -> int:
    """How many UTF-16 units a reader sees, which is never less than what Telegram counts."""
    return _units(unescape(re.sub(r"<[^>]*>", "", html)))


def split(html: str, *, limit: int = MAX_TEXT) -> list[str]:
    """The text in parts of at most `limit` visible units, each with balanced tags.

    It breaks at a blank line where it can, else at a line, else between words, else anywhere but inside
    an entity. Nothing but the white space at a break is dropped.
    """
    if visible_length(html) <= limit and len(html) <= MAX_MARKUP and len(_OPENING.findall(html)) <= MAX_ENTITIES:
        return [html] if html.strip() else []
    parts, piece = [], _Piece()
    for token in _tokens(html, limit):
        if not piece.fits(token, limit):
            parts.append(piece)
            piece = piece.cut()
            if not piece.fits(token, limit):
                parts.append(piece)
                piece = piece.cut(whole=True)
        piece.add(token)
    parts.append(piece)
    return [text for text in (part.closed() for part in parts) if visible_length(text.strip())]


class _Piece:
    """One part under way: its tokens and the tags that are open."""

    def __init__(self, opened: tuple[str, ...] = ()) -> None:
        self.tokens: list[str] = list(opened)
        self.open = list(opened)
        self.length = 0
        self.markup = sum(map(len, opened))
        self.entities = len(opened)

    def fits(self, token: str, limit: int) -> bool:
        closing = sum(len(tag) + 1 for tag in self.open)
        return (
            self.length + _shown(token) <= limit
            and self.markup + len(token) + closing <= MAX_MARKUP
            and self.entities + _opens(token) <= MAX_ENTITIES
        )

    def add(self, token: str) -> None:
        self.tokens.append(token)
        self.length += _shown(token)
        self.markup += len(token)
        self.entities += _opens(token)
        _track(self.open, token)

    def cut(self, *, whole: bool = False) -> _Piece:
        """End this part at its best border; what lies behind the border begins the part returned."""
        at = len(self.tokens) if whole else self._border()
        behind, self.tokens = self.tokens[at:], self.tokens[:at]
        opened: list[str] = []
        for token in self.tokens:
            _track(opened, token)
        self.open = opened
        following = _Piece(tuple(opened))
        for token in _without_leading_space(behind):
            following.add(token)
        return following

    def _border(self) -> int:
        half = len(self.tokens) // 3
        for wanted in ("\n\n", "\n", " "):
            for at in range(len(self.tokens) - 1, max(half, 1), -1):
                before = self.tokens[at - 1] + self.tokens[at] if wanted == "\n\n" else self.tokens[at]
                if before == wanted:
                    return at
        return len(self.tokens)

    def closed(self) -> str:
        ends = "".join(f"</{_name(tag)}>" for tag in reversed(self.open))
        return "".join(self.tokens).rstrip() + ends


def _tokens(html: str, limit: int) -> Iterator[str]:
    for token in _TOKEN.findall(html):
        if token[0] == "<" and len(token) > 1:
            yield token
            continue
        for word in re.findall(r" |[^ ]+", token) if token not in {"\n"} else [token]:
            yield from (word[start : start + limit // 4] for start in range(0, len(word), limit // 4))


def _without_leading_space(tokens: list[str]) -> list[str]:
    start = 0
    while start < len(tokens) and tokens[start] in {"\n", " "}:
        start += 1
    return tokens[start:]


def _track(opened: list[str], token: str) -> None:
    if token.startswith("</"):
        if opened:
            opened.pop()
    elif token[0] == "<" and len(token) > 1:
        opened.append(token)


def _name(tag: str) -> str:
    found = _TAG_NAME.match(tag)
    return found[1] if found else ""


def _shown(token: str) -> int:
    return 0 if token[0] == "<" and len(token) > 1 else _units(unescape(token))


def _opens(token: str) -> bool:
    return _OPENING.match(token) is not None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
