"""Greeting and help."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message
from core.chats.member import Language, Member


class Listed(Protocol):
    """What help needs to know of a command."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def example(self) -> str: ...
    @property
    def group(self) -> str: ...


def greeting(member: Member, texts: Texts) -> Message:
    """Who this is, three things to try, and the languages."""
    other = (("한국어", Language.KO), ("English", Language.EN))
    languages = tuple(Button(name, pack("l", code)) for name, code in other if code is not texts.language)
    first = (Button("삼성전자", pack("r", "005930")), Button("SK하이닉스", pack("p", "000660")))
    return Message(text=texts.render("greeting", name=member.name), keyboard=(first, languages))


def help_(commands: Sequence[Listed], texts: Texts) -> Message:
    """The commands under their headings."""
    groups = [(group, list(listed)) for group, listed in groupby(commands, key=lambda command: command.group)]
    return Message(text=texts.render("help", groups=groups))
