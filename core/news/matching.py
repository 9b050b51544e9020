"""Which stocks an article names: one automaton over names, nicknames and codes, and rules that keep chance hits out.

A hit counts when no letter or digit stands before it and the rest of its word is empty, a particle or a known suffix;
names that are short, ordinary words or a group's need a second signal (`core.news.signals`). Of names that overlap the
longest counts, so a name inside a longer one never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType

from core.news.ambiguity import Trust, names_not_stocks, trust_in
from core.news.automaton import Hit, NameAutomaton, begins_word, fold
from core.news.josa import ENDINGS
from core.news.signals import RULES, Surroundings, vetoed
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


_LEAD = 200
_CROWD, _REPEATED = 4, 3
_TRIES = 5
"""How often a doubtful name is weighed in one text: bounds the time a hostile text can take."""
_BEFORE, _AFTER = 30, 80
_TITLE_LIMIT = 500
_WORD = re.compile("[가-힣一-鿿]+")
_LIST_BEFORE = re.compile(r"(?:·|/|, ?|[와과] )\Z")
_LIST_AFTER = re.compile("·|/|, ?|[와과] ")
_MONTH = re.compile("20[0-9]{2}(?:0[1-9]|1[0-2])")
_BITS = {reason: 1 << place for place, reason in enumerate(WEIGHTS)}
_TITLE = _BITS[TITLE]
_TITLE_AND_OPENS = _TITLE | _BITS[OPENS]
_by_relevance = attrgetter("relevance")


@dataclass(slots=True)
class _Scan:
    """One text under way: a line break, the title, a line break, the body, a line break."""

    text: str
    title_end: int
    tagged: str | None
    hits: list[Hit]
    counts: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    waiting: list[Hit] = field(default_factory=list)
    listed: set[int] = field(default_factory=set)

    def accept(self, name: int, start: int) -> None:
        self.counts[name] = 1
        self.first.setdefault(name, start)

    def doubt(self, hit: Hit) -> None:
        """Remember a doubtful hit: a list may settle it, and if a later one counts the name was first said here."""
        self.waiting.append(hit)
        self.first.setdefault(hit[0], hit[1])

    def around(self, start: int, end: int) -> Surroundings:
        text, title_end = self.text, self.title_end
        if start < title_end:
            return Surroundings(text[1:start].lower(), text[end:title_end].lower(), True)
        before = text[max(0, start - _BEFORE) : start].rpartition("\n")[2]
        after = text[end : end + _AFTER].partition("\n")[0]
        return Surroundings(before.lower(), after.lower(), False)

    def opens(self, start: int) -> bool:
        return start == 1 or self.around(start, start).opens


def _ending_follows(text: str, end: int) -> bool:
    """Whether the rest of the word after a name is an ending that leaves the name whole."""
    word = _WORD.match(text, end)
    # A letter or digit after the ending makes it another word.
    return word is not None and word.group() in ENDINGS and not text[word.end()].isalnum()


class Matcher:
    """Finds the listed issues a text names. Build once (tens of milliseconds), use from any thread."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """`names` are (name, code) pairs: current names, former ones, nicknames. Codes become patterns by themselves.

        A name given for two codes stands for both. Raises ValueError on an empty name or a code that is not six of
        0-9A-Z.
        """
        spelled: dict[str, str] = {}
        codes: dict[str, dict[str, None]] = {}
        trust: dict[str, Trust] = {}

        def add(text: str, kind: Trust, code: str | None) -> None:
            text = fold(text.strip())
            key = text.lower()
            spelled.setdefault(key, text)
            trust.setdefault(key, kind)
            if code is not None:
                codes.setdefault(key, {})[code] = None

        for name, code in names:
            if not CODE.fullmatch(code) or not name.strip():
                raise ValueError(f"not a name and a stock code: {name!r}, {code!r}")
            add(name, trust_in(name.strip()), code)
            add(code, Trust.CODE, code)
        for text in names_not_stocks():
            add(text, Trust.NOTHING, None)
        self._codes = [tuple(codes.get(key, ())) for key in trust]
        self._rules = [RULES.get(kind) for kind in trust.values()]
        self._sure = [kind is Trust.PLAIN for kind in trust.values()]
        self._written = {number for number, kind in enumerate(trust.values()) if kind is Trust.CODE}
        self._listable = {number for number, kind in enumerate(trust.values()) if kind in (Trust.SHORT, Trust.WORD)}
        self._names = NameAutomaton(list(spelled.values()))

    def match(self, title: str, body: str = "", *, tagged: str | None = None) -> list[Match]:
        """The stocks that `title` and `body` name, most relevant first; ties in the order of the text.

        `tagged` is the code of the per-stock feed the article came from: it settles a doubtful name and adds to the
        relevance of a sure one, but is no match by itself. Of a title the first 500 characters are read. Never raises
        on any text.
        """
        title = title[:_TITLE_LIMIT].replace("\n", " ")
        text = f"\n{title}\n{body}\n"
        hits = self._names.find(text)
        if hits is None:
            title = fold(title)
            text = f"\n{title}\n{fold(body)}\n"
            hits = self._names.find(text, folded=True) or []
        scan = _Scan(text, len(title) + 1, tagged, hits)
        self._sweep(scan)
        if scan.waiting and scan.counts:
            self._join_lists(scan)
        return self._ranked(scan)

    def _sweep(self, scan: _Scan) -> None:
        text, counts, names = scan.text, scan.counts, self._names
        for hit in scan.hits:
            name = hit[0]
            if name in counts:
                counts[name] += 1
            elif not names.is_spelled(text, hit):
                for spelled in names.respelled(text, hit[1], hit[2]):
                    self._consider(scan, spelled)
            elif begins_word(text, hit[1]):
                self._consider(scan, hit)

    def _consider(self, scan: _Scan, hit: Hit) -> None:
        name, start, end = hit
        if scan.text[end].isalnum() and not _ending_follows(scan.text, end):
            return
        if start >= scan.title_end and self._sure[name]:
            scan.accept(name, start)
        elif self._codes[name] and not vetoed(scan.text, start, end, scan.title_end):
            self._weigh(scan, hit)

    def _weigh(self, scan: _Scan, hit: Hit) -> None:
        name, start, end = hit
        if name in self._written:
            if _is_written_code(scan.text, start, end):
                scan.accept(name, start)
            return
        rule = self._rules[name]
        if rule is None:
            scan.accept(name, start)
            return
        tries = scan.tries[name] = scan.tries.get(name, 0) + 1
        if tries > _TRIES:
            return
        if scan.tagged in self._codes[name] or rule(scan.around(start, end)):
            scan.accept(name, start)
        elif name in self._listable:
            scan.doubt(hit)

    def _join_lists(self, scan: _Scan) -> None:
        """Doubtful names beside a sure one ('현대차·기아') are sure; two passes carry it along a list either way."""
        starts = {start for name, start, _ in scan.hits if name in scan.counts}
        ends = {end for name, _, end in scan.hits if name in scan.counts}
        for name, start, end in (*scan.waiting, *reversed(scan.waiting)):
            before = _LIST_BEFORE.search(scan.text, max(0, start - 2), start)
            after = _LIST_AFTER.match(scan.text, end)
            if (before and before.start() in ends) or (after and after.end() in starts):
                ends.add(end)
                starts.add(start)
                if name not in scan.counts:
                    scan.accept(name, start)
                    scan.listed.add(name)

    def _ranked(self, scan: _Scan) -> list[Match]:
        found: dict[str, tuple[int, int, int]] = {}
        for name, mentions in scan.counts.items():
            start, marks = scan.first[name], 0
            if name in self._written:
                marks = _BITS[WRITTEN_CODE]
            elif name in scan.listed:
                marks = _BITS[LISTED]
            for code in self._codes[name]:
                if code in found:
                    earlier, more, others = found[code]
                    found[code] = min(start, earlier), mentions + more, marks | others
                else:
                    found[code] = start, mentions, marks
        shared = _BITS[CROWD] if len(found) > _CROWD else 0
        matches = [_match(code, shared | _marks(scan, code, *said)) for code, said in found.items()]
        if len(matches) > 1:
            matches.sort(key=_by_relevance, reverse=True)
        return matches


def _marks(scan: _Scan, code: str, start: int, mentions: int, marks: int) -> int:
    """The reasons for a code first named at `start`, as bits."""
    beyond_title = start - scan.title_end
    if beyond_title < 0:
        marks |= _TITLE_AND_OPENS if scan.opens(start) else _TITLE
    else:
        marks |= _BITS[LEAD if beyond_title < _LEAD else BODY]
    if mentions >= _REPEATED:
        marks |= _BITS[REPEATED]
    if code == scan.tagged:
        marks |= _BITS[TAGGED]
    return marks


@lru_cache(maxsize=16_384)
def _match(code: str, marks: int) -> Match:
    reasons = tuple(reason for reason, bit in _BITS.items() if marks & bit)
    relevance = round(min(1.0, sum(WEIGHTS[reason] for reason in reasons)), 2)
    return Match(code=code, relevance=relevance, reasons=reasons)


def _is_written_code(text: str, start: int, end: int) -> bool:
    """`(005930)`, `[005930, …]`, `005930.KS`; a bracket that could be a year and month needs a name before it."""
    if text[end : end + 3].lower() in (".ks", ".kq"):
        return True
    if text[start - 1] not in "([<" or text[end] not in ")]>,. ":
        return False
    return text[start - 2].isalnum() or _MONTH.fullmatch(text, start, end) is None
