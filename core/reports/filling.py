"""References in a sentence become the figures they point to, and the particle after one agrees with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.prediction.fact import FactSheet

_ONE = r"\[\s*[fad]\d{1,9}(?:\s*,\s*[fad]\d{1,9})*\s*\]"
REFERENCES = re.compile(rf"{_ONE}(?:\s?{_ONE})*")
"""Ids in brackets, `[f3]`, `[f3, a12]` or `[f3][f5]`, as one match."""

_ID = re.compile(r"[fad]\d+")
_PLACE = re.compile(
    rf"(?P<ids>{REFERENCES.pattern})(?P<unit>%|퍼센트|원(?!인)|배(?!당)|건|주(?!가))?"
    r"(?P<particle>(?:은|는|이|가|을|를|과|와|으로|로)(?![가-힣])|(?:으로|로)(?=[는도서]|부터))?"
)

_AGREEING = {
    either: pair for pair in (("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"), ("으로", "로")) for either in pair
}
_NONE, _RIEUL = 0, 8
_FINALS = {"0": 21, "1": _RIEUL, "2": _NONE, "3": 16, "4": _NONE, "5": _NONE, "6": 1, "7": _RIEUL, "8": _RIEUL} | {
    "9": _NONE,
    "%": _NONE,
}
"""How what is no letter ends when read aloud, as the number of its final consonant in Unicode."""


def ids_in(text: str) -> Iterator[str]:
    """The ids a text refers to, in order."""
    return (each for match in REFERENCES.finditer(text) for each in _ID.findall(match[0]))


def filled(text: str, sheet: FactSheet) -> str:
    """The text with fact references as their figures and article references taken out.

    A figure that follows a word without a space stands in brackets behind it.
    """

    def figures(match: re.Match[str]) -> str:
        facts = [sheet.by_id[each] for each in _ID.findall(match["ids"]) if each in sheet.by_id]
        said = ", ".join(fact.text for fact in facts if fact.text)
        unit, particle = match["unit"] or "", match["particle"] or ""
        if not said:
            return unit + particle
        if unit and said.endswith(unit):
            unit = ""
        before = match.string[: match.start()]
        if before[-1:].isalnum():
            return f"({said}{unit}){agreeing(particle, before)}"
        gap = " " if before.endswith(")") else ""
        return f"{gap}{said}{unit}{agreeing(particle, said + unit)}"

    put = re.sub(r"\(\s*\)", "", _PLACE.sub(figures, text))
    return re.sub(r"\s+(?=[.,!?)])", "", " ".join(put.split()))


def agreeing(particle: str, before: str) -> str:
    """The particle as it must sound after `before`; as it is where that cannot be told."""
    final = _final(before[-1:])
    if final is None or particle not in _AGREEING:
        return particle
    after_consonant, after_vowel = _AGREEING[particle]
    open_end = final == _NONE or (final == _RIEUL and after_vowel == "로")
    return after_vowel if open_end else after_consonant


def _final(char: str) -> int | None:
    if "가" <= char <= "힣":
        return (ord(char) - ord("가")) % 28
    return _FINALS.get(char)
