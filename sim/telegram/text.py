"""Formatted text: limits and trimming of what a bot sends, entities found in plain text, and safe rendering."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from sim.telegram.errors import bad_request
from sim.telegram.html import Entity, HtmlRefused, parse_html, utf16_length

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ENTITY_LIMIT = 100
"""Entities after the hundredth are ignored."""

_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]"
    r"|(?<![\w@.])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|kr|io|me)(?![\w.@])(?:/[^\s<>\"']*[^\s<>\"'.,;:!?)])?)"
    r"|(?<![\w/<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/<>])"
    r"|(?<!\w)(?P<mention>@[A-Za-z0-9_]{4,32})(?!\w)"
    r"|(?<!\w)(?P<hashtag>#(?=\d*[^\W\d])\w{1,256})"
    r"|(?<!\w)(?P<cashtag>\$[A-Z]{1,8})(?!\w)"
)
_QUICK = re.compile(r"[/@#$.]")
_OPAQUE = frozenset({"code", "pre", "text_link", "text_mention", "custom_emoji"})

_BLOCKS = frozenset({"pre", "blockquote", "expandable_blockquote"})

_TAGS = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "spoiler": ('<span class="spoiler">', "</span>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ('<blockquote class="expandable">', "</blockquote>"),
    "mention": ('<span class="tag">', "</span>"),
    "text_mention": ('<span class="tag">', "</span>"),
    "hashtag": ('<span class="tag">', "</span>"),
    "cashtag": ('<span class="tag">', "</span>"),
}


def compose(text: str, parse_mode: str | None, entities: Sequence[Entity] | None) -> tuple[str, list[Entity]]:
    """What a bot's text becomes: markup parsed, ends trimmed, plain entities found. Raises `ApiError` 400."""
    found = _given(entities or ())
    if parse_mode:
        if parse_mode.lower() != "html":
            raise bad_request("unsupported parse_mode")
        try:
            text, found = parse_html(text)
        except HtmlRefused as refusal:
            raise bad_request(f"can't parse entities: {refusal}") from refusal
    text, found = _trim(text, found)
    for entity in found:
        if entity["type"] != "pre":
            entity.pop("language", None)
    return text, with_plain_entities(text, found[:ENTITY_LIMIT])


def _given(entities: Sequence[Entity]) -> list[Entity]:
    for entity in entities:
        offset, length = entity.get("offset"), entity.get("length")
        if not isinstance(entity.get("type"), str) or not isinstance(offset, int) or not isinstance(length, int):
            raise bad_request("can't parse MessageEntity: type, offset and length are required")
        if entity["type"] == "text_link" and not isinstance(entity.get("url"), str):
            raise bad_request("can't parse MessageEntity: text_link must have url")
    return [entity for entity in entities if entity["offset"] >= 0 and entity["length"] > 0]


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    left = text.lstrip()
    cut = utf16_length(text) - utf16_length(left)
    text = left.rstrip()
    if not entities:
        return text, entities
    length = utf16_length(text)
    kept = []
    for entity in entities:
        begin = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] - cut + entity["length"], length)
        if end > begin:
            kept.append(entity | {"offset": begin, "length": end - begin})
    return text, kept


def with_plain_entities(text: str, entities: list[Entity]) -> list[Entity]:
    """`entities` plus the links, commands and tags found in `text` outside code and links."""
    if not _QUICK.search(text):
        return entities
    taken = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in _OPAQUE]
    added = []
    for match in _FOUND.finditer(text):
        offset, length = utf16_length(text[: match.start()]), utf16_length(match.group())
        if not any(offset < end and begin < offset + length for begin, end in taken):
            added.append({"type": match.lastgroup, "offset": offset, "length": length})
    if not added:
        return entities
    return sorted(entities + added, key=lambda entity: (entity["offset"], -entity["length"]))


def cut_at(text: str, units: int) -> int:
    """The index into `text` of a UTF-16 offset."""
    if text.isascii():
        return min(units, len(text))
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore"))


def placed(text: str, entities: Iterable[Entity]) -> list[tuple[int, int, Entity]]:
    """Entities with their begin and end as indexes into `text`."""
    return [(cut_at(text, e["offset"]), cut_at(text, e["offset"] + e["length"]), e) for e in entities]


def to_html(text: str, entities: Iterable[Entity]) -> str:
    """HTML safe to put in a page: everything escaped, only our own tags, only http(s) links."""
    return _nest(text, 0, len(text), placed(text, entities))


def _nest(text: str, begin: int, end: int, places: list[tuple[int, int, Entity]]) -> str:
    """Tags of one level with the inner ones inside; a place that crosses its elder's end is split there."""
    parts: list[str] = []
    while places:
        start, stop, entity = places[0]
        inner = [(a, min(b, stop), e) for a, b, e in places[1:] if a < stop]
        rest = [(stop, b, e) for a, b, e in places[1:] if a < stop < b]
        places = rest + [place for place in places[1:] if place[0] >= stop]
        parts.append(escape(text[begin:start]))
        opening, closing = _tags(text[start:stop], entity)
        parts += opening, _nest(text, start, stop, inner), closing
        # A block ends its own line; the line break after it would show as an empty one.
        begin = stop + 1 if entity["type"] in _BLOCKS and text[stop:end].startswith("\n") else stop
    parts.append(escape(text[begin:end]))
    return "".join(parts)


def _tags(covered: str, entity: Entity) -> tuple[str, str]:
    match entity["type"]:
        case "url" | "text_link":
            url = str(entity.get("url", covered))
            url = url if "://" in url else f"https://{url}"
            if not url.startswith(("http://", "https://")):
                return "", ""
            return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">', "</a>"
        case "bot_command":
            return f'<a class="command" data-send="{escape(covered)}">', "</a>"
        case kind:
            return _TAGS.get(kind, ("", ""))
