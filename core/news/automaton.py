"""Finding many names in a text at once.

An Aho-Corasick automaton over UTF-8 takes three steps for every Hangul syllable. Here it takes one: each character is
first mapped to one of 254 classes, exactly for letters, digits and signs, while the few hundred syllables that occur in
names share some two hundred classes. A hit is therefore a suspicion, to be compared with the spelling of its name;
chance hits are rare (two in a hundred), and where one hid a name, `respelled` finds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

Hit = tuple[int, int, int]
"""The number of a name, and the characters [start, end) of the text it stands at."""

_OTHER, _TO_FOLD = 0, 255
_FOLDED_BLOCKS = ((0x1100, 0x1200), (0xA960, 0xA980), (0xD7B0, 0xD800), (0xF900, 0xFB00), (0xFF00, 0xFFF0))
"""Loose jamo, compatibility Hanja, full-width and half-width forms: NFKC turns them into the usual characters."""
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def fold(text: str) -> str:
    """`text` in NFKC, with a space for every character beyond the Basic Multilingual Plane. Case is kept."""
    return _BEYOND_BMP.sub(" ", unicodedata.normalize("NFKC", text))


def begins_word(text: str, start: int) -> bool:
    """No letter or digit stands before `start`; a Hanja (美삼성전자) or a list number (②) is a word of its own."""
    previous = text[start - 1]
    return not previous.isalnum() or "一" <= previous <= "鿿" or "①" <= previous <= "⓿"


def _classes(names: Sequence[str]) -> bytearray:
    """The class of every UTF-16 unit. Syllables are spread so that the shortest names collide least."""
    short, all_names = Counter("".join(name for name in names if len(name) <= 2)), Counter("".join(names))
    exact = sorted(character for character in all_names if not "가" <= character <= "힣")
    syllables = sorted(all_names.keys() - set(exact), key=lambda c: (-20 * short[c] - all_names[c], c))
    table = bytearray(65_536)
    for first, last in _FOLDED_BLOCKS:
        table[first:last] = bytes([_TO_FOLD]) * (last - first)
    for number, character in enumerate(exact, start=1):
        # Past the room there is, rare Hanja share the last exact class.
        table[ord(character)] = table[ord(character.upper()[0])] = min(number, 200)
    free = range(min(len(exact), 200) + 1, _TO_FOLD)
    load = dict.fromkeys(free, 0)
    for syllable in syllables:
        lightest = min(free, key=load.__getitem__)
        load[lightest] += 20 * short[syllable] + all_names[syllable]
        table[ord(syllable)] = lightest
    return table


class NameAutomaton:
    """The names of one matcher, in any case of letters. Immutable, so any thread may use it."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are folded and distinct whatever their case; a hit gives a name's place in this sequence."""
        import numpy as np

        self._spelled = names
        names = [name.lower() for name in names]
        self._names = names
        self._numbers = {name: number for number, name in enumerate(names)}
        self._longest = max(map(len, names), default=0)
        self._table = np.frombuffer(bytes(_classes(names)), np.uint8)
        self._units, self._unit = np.frombuffer, np.dtype("<u2")
        automaton = BytesAhoCorasick(
            [self._key(name.encode("utf-16-le")) for name in names],
            matchkind=MatchKind.LeftmostLongest,
            implementation=Implementation.DFA,
        )
        self._find = automaton.find_matches_as_indexes

    def _key(self, units: bytes) -> bytes:
        key: bytes = self._table.take(self._units(units, self._unit)).tobytes()
        return key

    def find(self, text: str, *, folded: bool = False) -> list[Hit] | None:
        """Suspicions in order, none overlapping, the longest at each place; None where `text` must be folded first."""
        units = text.encode("utf-16-le", "surrogatepass")
        key = self._key(units)
        if not folded and (len(units) != 2 * len(text) or b"\xff" in key):
            return None
        return self._find(key)

    def is_spelled(self, text: str, hit: Hit) -> bool:
        """Whether the name of a suspicion really stands there."""
        name, start, end = hit
        written = text[start:end]
        return written == self._spelled[name] or written.lower() == self._names[name]

    def respelled(self, text: str, start: int, end: int) -> Iterator[Hit]:
        """The longest names really spelled at the words that begin in [start, end), which a chance hit covers."""
        place = start
        # A name at `start` itself is no longer than the hit: the automaton took the longest.
        reach = end
        while place < end:
            found = self._longest_at(text, place, reach) if begins_word(text, place) else None
            if found is not None:
                yield found
            place = found[2] if found is not None else place + 1
            reach = min(place + self._longest, len(text))

    def _longest_at(self, text: str, place: int, reach: int) -> Hit | None:
        for stop in range(reach, place, -1):
            number = self._numbers.get(text[place:stop].lower())
            if number is not None:
                return number, place, stop
        return None
