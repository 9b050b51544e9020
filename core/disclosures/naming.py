"""The grammar of report names: `([prefix])* name [(qualifier)]* [ (YYYY.MM)] [  (free text)]`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

_DOTS: Final = str.maketrans("ㆍ・∙•‧ᆞ⋅", "·······")
_PREFIX: Final = re.compile(r"\s*\[([^\[\]]{1,20})\]")
_PREFIXES: Final = frozenset(
    ("기재정정", "첨부정정", "첨부추가", "변경등록", "연장결정", "발행조건확정", "정정명령부과", "정정제출요구")
)
_FREE_TEXT: Final = re.compile(r"(?P<name>.*\S)\s{2,}\((?P<text>.*)\)\s*", re.DOTALL)
_PERIOD: Final = re.compile(r"\d{4}\.\d{2}")
_SPACES: Final = re.compile(r"\s+")
_OF_SUBSIDIARY: Final = re.compile("(?:자|종속)회사의주요경영사항")
CORRECTING: Final = frozenset(("기재정정", "첨부정정", "정정명령부과", "정정제출요구"))
"""Prefixes that say that an earlier filing is or must be corrected. Added attachments and final terms do not."""


@dataclass(frozen=True)
class ReportName:
    """A report name taken apart.

    `prefixes` are those in brackets before it, in order; `title` is the name proper; `qualifiers` the groups in
    brackets behind it; `period` the month a periodic report is about (`2025.12`); `remark` the filer's free text.
    """

    title: str
    prefixes: tuple[str, ...] = ()
    qualifiers: tuple[str, ...] = ()
    period: str | None = None
    remark: str | None = None

    @property
    def correction(self) -> bool:
        """Whether it corrects an earlier filing."""
        return any(prefix in CORRECTING for prefix in self.prefixes)

    @property
    def subsidiary(self) -> bool:
        """Whether it tells of an event of a subsidiary."""
        return any(_OF_SUBSIDIARY.fullmatch(compact(each)) for each in self.qualifiers)

    @cached_property
    def event(self) -> str:
        """What kinds are found by: the name and its qualifiers without any space."""
        return compact("".join((self.title, *(f"({each})" for each in self.qualifiers))))

    @cached_property
    def subject(self) -> str:
        """What a filing shares with its corrections: the event and its period."""
        return f"{self.event}({self.period})" if self.period else self.event


@lru_cache(maxsize=4_096)
def parse_name(written: str) -> ReportName:
    """A report name taken apart. Whatever is written has one; what fits no rule stays in `title`."""
    text = unicodedata.normalize("NFC", written).translate(_DOTS).strip()
    prefixes, text = _prefixes(text)
    remark = None
    if found := _FREE_TEXT.fullmatch(text):
        text, remark = found["name"], " ".join(found["text"].split()) or None
    text = " ".join(text.split())
    groups: list[str] = []
    while (group := _last_group(text)) is not None:
        rest = text[: -len(group) - 2].rstrip()
        if not rest:
            break
        text = rest
        groups.insert(0, " ".join(group.split()))
    periods = [each for each in groups if _PERIOD.fullmatch(each)]
    return ReportName(
        title=text,
        prefixes=prefixes,
        qualifiers=tuple(each for each in groups if each not in periods),
        period=periods[-1] if periods else None,
        remark=remark,
    )


def compact(text: str) -> str:
    """The text without white space and with one kind of middle dot, for comparing."""
    return _SPACES.sub("", text.translate(_DOTS))


def _prefixes(text: str) -> tuple[tuple[str, ...], str]:
    """The known prefixes, and any others of the same build, while a name is left behind them."""
    found: list[str] = []
    while match := _PREFIX.match(text):
        rest, prefix = text[match.end() :], compact(match[1])
        if not rest.strip() or (prefix not in _PREFIXES and not prefix.startswith("정정")):
            break
        found.append(prefix)
        text = rest
    return tuple(found), text.strip()


def _last_group(text: str) -> str | None:
    """What stands in the brackets that end the text, inner brackets and all; None where it ends otherwise."""
    depth = 0
    if not text.endswith(")"):
        return None
    for place in range(len(text) - 1, -1, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if depth == 0:
            return text[place + 1 : -1]
    return None
