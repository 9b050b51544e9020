"""`parse_mode=HTML`: text with tags → visible text and entities, refusing exactly what the server refuses.

Follows `parse_html` of tdlib's MessageEntity.cpp: the same tags, the same leniency (a stray `&` stays, `</>` closes
anything) and the same messages. Offsets in messages count UTF-8 bytes of the source, those of entities UTF-16 units of
the visible text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Entity = dict[str, Any]
"""A MessageEntity as it travels: type, offset, length and what the type adds."""

TAG_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}

_SPECIAL = re.compile(r"[<&]")
_REFERENCE = re.compile(
    r"&(?:#(?P<dec>[0-9]{1,9})(?![0-9])|#[xX](?P<hex>[0-9a-fA-F]{1,8})(?![0-9a-fA-F])"
    r"|(?P<name>lt|gt|amp|quot)(?![a-zA-Z]));?"
)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE_NAME = re.compile(r"[^\s=>/\"']*")
_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")
_SPACE = re.compile(r"\s*")
_USER_LINK = re.compile(r"tg://user/?\?id=(\d{1,18})")
_LINK = re.compile(r"(?:https?|tg|ton|tonsite)://\S+|(?:mailto|tel):\S+|[\w.-]+\.[a-z]{2,}(?:[/?#]\S*)?", re.IGNORECASE)


class HtmlRefused(ValueError):
    """The markup cannot be parsed; the words are the server's."""


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    begin: int


@dataclass(slots=True)
class _Reader:
    """One pass over the source; `out` is the visible text so far and `units` its length in UTF-16 units."""

    source: str
    pos: int = 0
    out: list[str] = field(default_factory=list)
    units: int = 0
    open: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.out.append(text)
        self.units += utf16_length(text)

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.pos)
        text = found.group() if found else ""
        self.pos += len(text)
        return text

    def here(self) -> str:
        return self.source[self.pos] if self.pos < len(self.source) else ""


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts entity offsets."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Visible text and entities sorted by place, outer before inner. Raises `HtmlRefused`."""
    reader = _Reader(source)
    while reader.pos < len(source):
        special = _SPECIAL.search(source, reader.pos)
        stop = special.start() if special else len(source)
        if stop > reader.pos:
            reader.write(source[reader.pos : stop])
            reader.pos = stop
        elif source[stop] == "&":
            _read_reference(reader)
        elif source.startswith("</", stop):
            _read_end_tag(reader)
        else:
            _read_start_tag(reader)
    if reader.open:
        raise HtmlRefused(f'Can\'t find end tag corresponding to start tag "{reader.open[-1].tag}"')
    reader.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return "".join(reader.out), reader.entities


def _read_reference(reader: _Reader) -> None:
    found = _REFERENCE.match(reader.source, reader.pos)
    char = _character(found) if found else None
    if found is None or char is None:
        reader.write("&")
        reader.pos += 1
    else:
        reader.write(char)
        reader.pos = found.end()


def _character(found: re.Match[str]) -> str | None:
    if found["name"]:
        return _NAMED[found["name"]]
    code = int(found["dec"]) if found["dec"] else int(found["hex"], 16)
    return None if code == 0 or code >= 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)


def _byte_offset(reader: _Reader, begin: int) -> int:
    return len(reader.source[:begin].encode("utf-8", "surrogatepass"))


def _read_start_tag(reader: _Reader) -> None:
    begin = reader.pos
    reader.pos += 1
    tag = reader.skip(_TAG_NAME).lower()
    if not reader.here():
        raise HtmlRefused(f"Unclosed start tag at byte offset {_byte_offset(reader, begin)}")
    if tag not in TAG_TYPES:
        raise HtmlRefused(f'Unsupported start tag "{tag}" at byte offset {_byte_offset(reader, begin)}')
    argument = _read_attributes(reader, tag, begin)
    reader.pos += 1
    if tag == "span" and argument != "spoiler":
        raise HtmlRefused(f'Tag "span" must have class "tg-spoiler" at byte offset {_byte_offset(reader, begin)}')
    reader.open.append(_Open(tag, argument, reader.units, len(reader.out)))


def _read_attributes(reader: _Reader, tag: str, begin: int) -> str:
    """The one attribute that means something for `tag`; leaves the position on the closing `>`."""
    argument = ""
    while True:
        reader.skip(_SPACE)
        if reader.here() == ">":
            return argument
        name = reader.skip(_ATTRIBUTE_NAME)
        where = f'the tag "{tag}" at byte offset {_byte_offset(reader, begin)}'
        if not name and reader.here():
            raise HtmlRefused(f"Empty attribute name in {where}")
        reader.skip(_SPACE)
        value = "" if reader.here() != "=" else _read_value(reader)
        if not reader.here():
            raise HtmlRefused(f"Unclosed start tag at byte offset {_byte_offset(reader, begin)}")
        argument = _argument(tag, name, value) or argument


def _read_value(reader: _Reader) -> str:
    reader.pos += 1
    reader.skip(_SPACE)
    quote = reader.here()
    if quote not in ("'", '"'):
        begin = reader.pos
        token = reader.skip(_TOKEN).lower()
        if reader.here() and not reader.here().isspace() and reader.here() != ">":
            raise HtmlRefused(f"Unexpected end of name token at byte offset {_byte_offset(reader, begin)}")
        return token
    end = reader.source.find(quote, reader.pos + 1)
    raw = reader.source[reader.pos + 1 : end if end >= 0 else len(reader.source)]
    reader.pos = end + 1 if end >= 0 else len(reader.source)
    return _REFERENCE.sub(lambda found: _character(found) or found.group(), raw)


def _argument(tag: str, name: str, value: str) -> str:
    match tag, name:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case "code", "class" if value.startswith("language-"):
            return value.removeprefix("language-")
        case "span", "class" if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case "blockquote", "expandable":
            return "expandable"
    return ""


def _read_end_tag(reader: _Reader) -> None:
    begin = reader.pos
    if not reader.open:
        raise HtmlRefused(f"Unexpected end tag at byte offset {_byte_offset(reader, begin)}")
    reader.pos += 2
    name = reader.skip(_TAG_NAME).lower()
    reader.skip(_SPACE)
    if reader.here() != ">":
        raise HtmlRefused(f"Unclosed end tag at byte offset {_byte_offset(reader, begin)}")
    reader.pos += 1
    opened = reader.open.pop()
    if name and name != opened.tag:
        raise HtmlRefused(
            f"Unmatched end tag at byte offset {_byte_offset(reader, begin)}, "
            f'expected "</{opened.tag}>", found "</{name}>"'
        )
    if reader.units > opened.offset:
        _close(reader, opened)


def _close(reader: _Reader, opened: _Open) -> None:
    """Add the entity of a finished tag; `<pre><code class=…>` becomes one `pre` with a language."""
    entity: Entity = {
        "type": TAG_TYPES[opened.tag],
        "offset": opened.offset,
        "length": reader.units - opened.offset,
    }
    last = reader.entities[-1] if reader.entities else None
    same_place = last is not None and (last["offset"], last["length"]) == (entity["offset"], entity["length"])
    if opened.tag == "pre" and last is not None and same_place and last["type"] == "code":
        reader.entities[-1] = entity | ({"language": last["language"]} if "language" in last else {})
        return
    if opened.tag == "code" and opened.argument:
        # Only `pre` shows a language; on its own the key is dropped when the text is sent.
        entity["language"] = opened.argument
    elif opened.tag == "blockquote" and opened.argument:
        entity["type"] = "expandable_blockquote"
    elif opened.tag == "tg-emoji":
        entity["custom_emoji_id"] = opened.argument
    elif opened.tag == "a" and not _link(entity, opened.argument or "".join(reader.out[opened.begin :])):
        return
    reader.entities.append(entity)


def _link(entity: Entity, url: str) -> bool:
    """Fill in a link entity; False for an address the server drops silently."""
    if user := _USER_LINK.fullmatch(url):
        entity.update(type="text_mention", user={"id": int(user[1]), "is_bot": False, "first_name": user[1]})
        return True
    if not _LINK.fullmatch(url):
        return False
    entity["url"] = url if ":" in url.split("/", 1)[0] else f"http://{url}"
    return True
