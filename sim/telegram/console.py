"""A message as a person would read it, in plain text for a terminal."""

from __future__ import annotations

from sim.telegram.chats import Click, Message
from sim.telegram.files import Media
from sim.telegram.text import placed


def render(message: Message) -> str:
    """Text without formatting, links as `text (url)`, pictures and files named, buttons as rows of `[버튼]`."""
    lines = [_file(message.media)] if message.media else []
    if message.text:
        lines.append(_with_links(message))
    lines += [" ".join(f"[{button['text']}]" for button in row) for row in message.buttons]
    lines += [" ".join(f"[{_label(key)}]" for key in row) for row in (message.keyboard or {}).get("keyboard", [])]
    return "\n".join(lines)


def render_click(click: Click) -> str:
    """What the bot answered to a pressed button; empty when it only took notice."""
    return " ".join(part for part in (click.text, click.url) if part)


def _file(media: Media) -> str:
    if media.kind == "photo":
        return f"[사진: {media.saved or f'{media.width}x{media.height}'}]"
    return f"[문서: {media.saved or media.name}]"


def _with_links(message: Message) -> str:
    text = message.text
    links = [place for place in placed(text, message.entities) if place[2]["type"] == "text_link"]
    for begin, end, entity in sorted(links, key=lambda place: place[1], reverse=True):
        if text[begin:end] != entity["url"]:
            text = f"{text[:end]} ({entity['url']}){text[end:]}"
    return text


def _label(key: object) -> object:
    return key["text"] if isinstance(key, dict) else key
