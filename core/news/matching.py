"""Which stocks an article names: one automaton over names, nicknames and codes, and rules that keep chance hits out.

A hit counts when no letter or digit stands before it and the rest of its word is empty, a particle or a known suffix;
names that are short, ordinary words or a group's need a second signal (`core.news.signals`). Of names that overlap the
longest counts, so a name inside a longer one never does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from core.news.ambiguity import Trust, names_not_stocks, trust_in
from core.news.josa import ENDINGS
from core.news.signals import Surroundings, vetoed
from core.stocks.stock import CODE

TITLE, LEAD, BODY = "title", "first lines", "body"
OPENS = "opens the headline"
WRITTEN_CODE = "code in brackets"
TAGGED = "the feed's own tag"
LISTED = "beside a named stock"
REPEATED = "named three times"
CROWD = "one of many"

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        TITLE: 0.7,
        LEAD: 0.5,
        BODY: 0.3,
        OPENS: 0.1,
        WRITTEN_CODE: 0.1,
        TAGGED: 0.1,
        REPEATED: 0.1,
        LISTED: 0.0,
        CROWD: -0.2,
    }
)
"""What each reason adds to the relevance of a match; the place (title, first lines, body) is the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A stock an article names. `relevance` runs from 0 to 1 and is the sum of what its `reasons` weigh."""

    code: str
    relevance: float
    reasons: tuple[str, ...]


_Hit = tuple[int, int, int]
"""The number of a name, and where it stands in the folded text: [start, end) in bytes."""

_PAD = "\n\n\n"
_LEAD = 600
_CROWD, _REPEATED = 4, 3
_TRIES = 5
"""How often a doubtful name is weighed in one text: bounds the time a hostile text can take."""
_BEFORE, _AFTER = 90, 240
_TITLE_LIMIT = 500
_WORD = re.compile(rb"(?:[\xe4-\xed][\x80-\xbf]{2})+")
_ENDINGS = frozenset(ending.encode() for ending in ENDINGS)
_ALNUM = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")
_JOINT = "(?:·|/|, ?|(?:와|과) )"
_LIST_BEFORE = re.compile(f"{_JOINT}\\Z".encode())
_LIST_AFTER = re.compile(_JOINT.encode())
_MONTH = re.compile(rb"20[0-9]{2}(?:0[1-9]|1[0-2])")
_by_relevance = attrgetter("relevance")


def _folded(text: str) -> bytes:
    """Lower-case UTF-8; NFKC where the text holds full-width forms or loose jamo."""
    # Their lead bytes are \xef and \xe1, which precomposed Korean never holds.
    data = text.encode("utf-8", "replace")
    if b"\xef" in data or b"\xe1" in data:
        data = unicodedata.normalize("NFKC", text).encode("utf-8", "replace")
    return data.lower()


@dataclass(slots=True)
class _Scan:
    """One text under way, folded: three line breaks, the title, a line break, the body, three line breaks."""

    data: bytes
    title_end: int
    tagged: str | None
    hits: list[_Hit]
    counts: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    waiting: list[_Hit] = field(default_factory=list)
    listed: set[int] = field(default_factory=set)

    def accept(self, name: int, start: int) -> None:
        self.counts[name] = 1
        self.first.setdefault(name, start)

    def doubt(self, hit: _Hit) -> None:
        """Remember a doubtful hit: a list may settle it, and if a later one counts the name was first said here."""
        self.waiting.append(hit)
        self.first.setdefault(hit[0], hit[1])

    def around(self, start: int, end: int) -> Surroundings:
        data, title_end = self.data, self.title_end
        if start < title_end:
            before, after = data[len(_PAD) : start], data[end:title_end]
        else:
            before = data[max(0, start - _BEFORE) : start].rpartition(b"\n")[2]
            after = data[end : end + _AFTER].partition(b"\n")[0]
        return Surroundings(before.decode("utf-8", "ignore"), after.decode("utf-8", "ignore"), start < title_end)

    def opens(self, start: int) -> bool:
        return start == len(_PAD) or self.around(start, start).opens


def _ends_name(data: bytes, end: int) -> bool:
    """Whether the Korean or Hanja letters after a name are an ending that leaves it whole."""
    word = _WORD.match(data, end)
    # A letter or digit after the ending makes it another word.
    return word is None or (word.group() in _ENDINGS and data[word.end()] not in _ALNUM)


class Matcher:
    """Finds the listed issues a text names. Build once (tens of milliseconds), use from any thread."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """`names` are (name, code) pairs: current names, former ones, nicknames. Codes become patterns by themselves.

        A name given for two codes stands for both. Raises ValueError on a code that is not six of 0-9A-Z.
        """
        codes: dict[bytes, dict[str, None]] = {}
        trust: dict[bytes, Trust] = {}
        for name, code in names:
            if not CODE.fullmatch(code):
                raise ValueError(f"not a stock code: {code!r}")
            for text, kind in ((name.strip(), trust_in(name.strip())), (code, Trust.CODE)):
                if key := _folded(text):
                    codes.setdefault(key, {})[code] = None
                    trust.setdefault(key, kind)
        for text in names_not_stocks():
            trust.setdefault(_folded(text), Trust.NOTHING)
        self._trust = list(trust.values())
        self._written = {number for number, kind in enumerate(self._trust) if kind is Trust.CODE}
        self._codes = [tuple(codes.get(key, ())) for key in trust]
        automaton = BytesAhoCorasick(
            list(trust), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA
        )
        self._find = automaton.find_matches_as_indexes

    def match(self, title: str, body: str = "", *, tagged: str | None = None) -> list[Match]:
        """The stocks that `title` and `body` name, most relevant first; ties in the order of the text.

        `tagged` is the code of the per-stock feed the article came from: it settles a doubtful name and adds to the
        relevance of a sure one, but is no match by itself. Of a title the first 500 characters are read. Never raises
        on any text.
        """
        title = title[:_TITLE_LIMIT].replace("\n", " ")
        data = _folded(f"{_PAD}{title}\n{body}{_PAD}")
        scan = _Scan(data, data.index(b"\n", len(_PAD)), tagged, self._find(data))
        self._sweep(scan)
        if scan.waiting and scan.counts:
            self._join_lists(scan)
        return self._ranked(scan)

    def _sweep(self, scan: _Scan) -> None:
        # Runs for every hit of every article, so the tests of its word stand here and not in functions.
        data, counts, first = scan.data, scan.counts, scan.first
        trust, title_end, alnum = self._trust, scan.title_end, _ALNUM
        for hit in scan.hits:
            name, start, end = hit
            if name in counts:
                counts[name] += 1
                continue
            previous, following = data[start - 1], data[end]
            # No letter or digit before; a Hanja there is a word of its own (美삼성전자).
            if previous in alnum or (previous >= 0x80 and 0xEA <= data[start - 3] <= 0xED):
                continue
            if following in alnum or (following >= 0xE4 and not _ends_name(data, end)):
                continue
            if trust[name] or start < title_end:
                self._weigh(scan, hit)
            else:
                counts[name] = 1
                first[name] = start

    def _weigh(self, scan: _Scan, hit: _Hit) -> None:
        name, start, end = hit
        trust = self._trust[name]
        if vetoed(scan.data, start, end, scan.title_end):
            return
        if trust is Trust.PLAIN:
            scan.accept(name, start)
        elif trust is Trust.CODE:
            if _is_written_code(scan.data, start, end):
                scan.accept(name, start)
        elif trust is not Trust.NOTHING:
            tries = scan.tries[name] = scan.tries.get(name, 0) + 1
            if tries > _TRIES:
                return
            if scan.around(start, end).settles(trust) or scan.tagged in self._codes[name]:
                scan.accept(name, start)
            elif trust is Trust.SHORT or trust is Trust.WORD:
                scan.doubt(hit)

    def _join_lists(self, scan: _Scan) -> None:
        """Doubtful names beside a sure one ('현대차·기아') are sure; two passes carry it along a list either way."""
        starts = {start for name, start, _ in scan.hits if name in scan.counts}
        ends = {end for name, _, end in scan.hits if name in scan.counts}
        for name, start, end in (*scan.waiting, *reversed(scan.waiting)):
            before = _LIST_BEFORE.search(scan.data, start - 4, start)
            after = _LIST_AFTER.match(scan.data, end)
            if (before and before.start() in ends) or (after and after.end() in starts):
                ends.add(end)
                starts.add(start)
                if name not in scan.counts:
                    scan.accept(name, start)
                    scan.listed.add(name)

    def _ranked(self, scan: _Scan) -> list[Match]:
        names: dict[str, list[int]] = {}
        for name in scan.counts:
            for code in self._codes[name]:
                names.setdefault(code, []).append(name)
        crowded = len(names) > _CROWD
        matches = []
        for code, said in names.items():
            reasons = self._reasons(scan, code, said, crowded)
            matches.append(_match(code, reasons))
        if len(matches) > 1:
            matches.sort(key=_by_relevance, reverse=True)
        return matches

    def _reasons(self, scan: _Scan, code: str, names: list[int], crowded: bool) -> tuple[str, ...]:
        first = scan.first[names[0]]
        mentions = scan.counts[names[0]]
        for name in names[1:]:
            first = min(first, scan.first[name])
            mentions += scan.counts[name]
        if first < scan.title_end:
            reasons = [TITLE, OPENS] if scan.opens(first) else [TITLE]
        else:
            reasons = [LEAD if first - scan.title_end < _LEAD else BODY]
        if not self._written.isdisjoint(names):
            reasons.append(WRITTEN_CODE)
        if scan.tagged == code:
            reasons.append(TAGGED)
        if mentions >= _REPEATED:
            reasons.append(REPEATED)
        if scan.listed and not scan.listed.isdisjoint(names):
            reasons.append(LISTED)
        if crowded:
            reasons.append(CROWD)
        return tuple(reasons)


@lru_cache(maxsize=16_384)
def _match(code: str, reasons: tuple[str, ...]) -> Match:
    relevance = round(min(1.0, sum(WEIGHTS[reason] for reason in reasons)), 2)
    return Match(code=code, relevance=relevance, reasons=reasons)


def _is_written_code(data: bytes, start: int, end: int) -> bool:
    """`(005930)`, `[005930, …]`, `005930.KS`; a bracket that could be a year and month needs a name before it."""
    if data[end : end + 3] in (b".ks", b".kq"):
        return True
    if data[start - 1] not in b"([<" or data[end] not in b")]>,. ":
        return False
    after_word = data[start - 2] >= 0x80 or data[start - 2] in _ALNUM
    return after_word or _MONTH.fullmatch(data, start, end) is None
