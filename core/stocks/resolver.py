"""Finding a stock by what people type: code, name, nickname, initial consonants, a part, a slip of the finger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from core.stocks.hangul import has_hangul, initials, is_initials, normalise, read_aloud, strokes
from core.stocks.stock import Kind, Stock

MOST_CHOICES: Final = 6
"""How many stocks are offered as buttons."""

LONGEST_QUERY: Final = 60
"""Characters; a longer text is no name of a stock."""

_CODE: Final = re.compile(r"(?:KRX:)?A?([0-9A-Z]{6})(?:\.K[SQN])?")
_ISIN: Final = re.compile(r"KR7([0-9A-Z]{6})[0-9A-Z]{3}")
_PREFERRED_ISIN: Final = {"1": "5", "2": "7", "3": "9"}
"""The last character of a preferred share's code by the one in its ISIN: 005935 is KR7005931001."""

_SHARES_OF_A_COMPANY: Final = frozenset({Kind.COMMON, Kind.REIT})
_GROUP_SIZE: Final = 3
_GROUP_LEAD: Final = 2
_CONTAINED_STROKES: Final = 6
_LONGEST_BEGINNING: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly this stock is meant."""

    stock: Stock


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """One of these is meant: two to six, the likeliest first."""

    candidates: tuple[Stock, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No stock is meant. `query` is the text, cut to LONGEST_QUERY; `closest` are none to six stocks to offer."""

    query: str
    closest: tuple[Stock, ...]


Resolution = Found | Ambiguous | Unknown


@dataclass(frozen=True, slots=True)
class _Term:
    """One text a stock goes by: `key` is its compared spelling, `strokes` its key presses."""

    text: str
    key: str
    strokes: str
    stock: Stock


class Resolver:
    """An index over the stock list; built once per list, then read by anyone.

    A delisted stock (`active` False) answers to its code and its exact name or alias only, and only where no
    listed one has that name. Companies come before preferred shares, SPAC, ETF and the like, then large before small.
    """

    def __init__(self, stocks: Iterable[Stock], aliases: Iterable[tuple[str, str]] = ()) -> None:
        """`aliases` are (text, code): nicknames, legal names, former names; one for a code not listed is ignored."""
        ranked = sorted(stocks, key=_rank)
        self._by_code = {stock.code: stock for stock in ranked}
        names = [term for stock in ranked if (term := _term(stock.name, stock))]
        called = [
            term
            for text, code in _with_preferred(aliases)
            if (stock := self.get(code)) and (term := _term(text, stock))
        ]
        spelled = [term for name in names for term in _spellings(name)]
        self._names = _by_key(names)
        self._others = _by_key(called + spelled)
        self._initials: dict[str, list[Stock]] = {}
        for name in names:
            if name.stock.active:
                self._initials.setdefault(initials(name.key), []).append(name.stock)
        self._companies = [name for name in names if name.stock.active and _is_company(name.stock)]
        self._terms = sorted(
            (term for term in names + called + spelled if term.stock.active), key=lambda t: _rank(t.stock)
        )
        self._strokes = [term.strokes for term in self._terms]

    def __len__(self) -> int:
        """How many stocks are known, delisted ones included."""
        return len(self._by_code)

    def get(self, code: str) -> Stock | None:
        """The stock of a code, in any case, listed or not."""
        return self._by_code.get(code.upper())

    def resolve(self, text: str) -> Resolution:
        """What a person means by `text`. Never raises, whatever the text.

        Tried in this order, the first that finds anything decides: a code (`005930`, `A005930`, `005930.KS`,
        `KR7005930003`), a name, another name, initial consonants, a part of a name, the nearest misspelling.
        One company found is taken even where its preferred shares or funds were found too, except by misspelling;
        several are offered.
        """
        query = text.strip()
        if len(query) > LONGEST_QUERY:
            return Unknown(query[:LONGEST_QUERY], ())
        if stock := self._with_code(query):
            return Found(stock)
        key = normalise(query)
        if key.endswith("우선주"):
            key = key.removesuffix("선주")
        for look in (self._exactly, self._by_initials, self._containing):
            if hits := look(key):
                return _answer(hits, [stock for stock in hits if _is_company(stock)] or hits)
        if hits := self._misspelt(key):
            return _answer(hits, hits)
        return Unknown(query, tuple(self._closest(key)))

    def search(self, text: str, limit: int) -> list[Stock]:
        """At most `limit` stocks for a text still being typed, the likeliest first; near misses where nothing fits."""
        query = text.strip()
        key = normalise(query)
        if not key or len(query) > LONGEST_QUERY:
            return []
        exact = [stock] if (stock := self._with_code(query)) else self._exactly(key)
        hits = _distinct([*exact, *self._by_initials(key), *self._code_starts(query), *self._containing(key)])
        return (hits or self._misspelt(key) or self._closest(key))[: max(limit, 0)]

    def _with_code(self, query: str) -> Stock | None:
        text = query.upper()
        if match := _CODE.fullmatch(text):
            return self.get(match[1])
        if match := _ISIN.fullmatch(text):
            return self.get(match[1]) or self.get(match[1][:5] + _PREFERRED_ISIN.get(match[1][5], ""))
        return None

    def _code_starts(self, query: str) -> list[Stock]:
        if len(query) < 2 or not query[0].isdigit():
            return []
        return [stock for code, stock in self._by_code.items() if code.startswith(query.upper()) and stock.active]

    def _exactly(self, key: str) -> list[Stock]:
        """The stocks of this very name (else alias); for the name of a group, its large members after them.

        A group's name is one that at least three other companies' names begin with, the largest of them worth at
        least twice the namesake: who types 한화, SK or 두산 may well mean 한화에어로스페이스, SK하이닉스 or
        두산에너빌리티, so a choice is offered with the namesake first. Where the namesake is the heavyweight, or
        near it (카카오, 에코프로, 신세계, KT), the name means the company.
        """
        named, called = self._names.get(key, []), self._others.get(key, [])
        terms = next((same for same in (named, called) if same and same[0].stock.active), named or called)
        exact = _distinct(term.stock for term in terms)
        if len(exact) != 1 or not _is_company(exact[0]):
            return exact
        members = [name.stock for name in self._companies if _begins_with(name.text, terms[0].text)]
        members = [stock for stock in members if stock is not exact[0]]
        if len(members) < _GROUP_SIZE or _cap(members[0]) < _GROUP_LEAD * _cap(exact[0]):
            return exact
        return exact + members

    def _by_initials(self, key: str) -> list[Stock]:
        """Stocks whose initial consonants are these, else those that begin with them, else those that hold them."""
        if not is_initials(key):
            return []
        wanted = initials(key)
        if exact := self._initials.get(wanted):
            return exact
        held = [(text.startswith(wanted), found) for text, found in self._initials.items() if wanted in text]
        begun = [stock for begins, found in held if begins for stock in found]
        return sorted(begun or [stock for _, found in held for stock in found], key=_rank)

    def _containing(self, key: str) -> list[Stock]:
        """Stocks with a name that begins with the text or holds it, companies first; listed names before other ones,
        so that 삼성 offers no company for what it was called once.

        Held must be two syllables or three Latin letters: two letters stand in any English name. The last syllable
        may be unfinished: 삼성저 begins 삼성전자.
        """
        if not key:
            return []
        pressed = strokes(key)
        unfinished = has_hangul(key)
        inside = len(key) > 1 and len(pressed) > 2
        hits: list[tuple[bool, int, bool, Stock]] = []
        for term in self._terms:
            if term.key.startswith(key):
                place = 0
            elif unfinished and term.strokes.startswith(pressed):
                place = 1
            elif inside and key in term.key:
                place = 2
            else:
                continue
            hits.append((not _is_company(term.stock), place, term.text != term.stock.name, term.stock))
        return _distinct(stock for *_, stock in sorted(hits, key=lambda hit: hit[:3]))

    def _misspelt(self, key: str) -> list[Stock]:
        """The stocks fewest slips away: one is allowed, two from eight keys. Companies first.

        None away is text typed with the keyboard in the wrong language. Where only a preferred share or a fund is
        nearest, what lies a slip further is offered too: 삼성전자주 is nearer to 삼성전자우 than to what it means.
        """
        pressed = strokes(key)
        near = list(self._near(pressed, allowed=min(1 + (len(pressed) >= 8), len(pressed) // 3)))
        nearest = [stock for slips, stock in near if slips == near[0][0]]
        if not any(map(_is_company, nearest)):
            nearest = [stock for _, stock in near]
        return sorted(_distinct(nearest), key=_is_company, reverse=True)

    def _closest(self, key: str) -> list[Stock]:
        """What to offer for a text that is no stock: names said in it, longest first, then the least unlike."""
        said = [term for term in self._terms if len(term.strokes) >= _CONTAINED_STROKES and term.key in key]
        said.sort(key=lambda term: -len(term.key))
        pressed = strokes(key)
        near = (stock for _, stock in self._near(pressed, allowed=len(pressed) * 2 // 5))
        return _distinct([*(term.stock for term in said), *near, *self._beginning_alike(key)])[:MOST_CHOICES]

    def _beginning_alike(self, key: str) -> list[Stock]:
        """Stocks sharing the longest Korean beginning of two characters or more: 현대자동 offers 현대차."""
        for size in range(min(len(key) - 1, _LONGEST_BEGINNING), 1, -1):
            if has_hangul(key[:size]) and (alike := [t.stock for t in self._terms if t.key.startswith(key[:size])]):
                return alike
        return []

    def _near(self, pressed: str, *, allowed: int) -> Iterator[tuple[int, Stock]]:
        """(slips, stock) within `allowed` inserted, dropped, wrong or swapped keys, fewest first."""
        found = process.extract(pressed, self._strokes, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        for _, slips, index in sorted(found, key=lambda hit: (hit[1], hit[2])):
            yield int(slips), self._terms[index].stock


def _answer(hits: list[Stock], likely: list[Stock]) -> Found | Ambiguous:
    return Found(likely[0]) if len(likely) == 1 else Ambiguous(tuple(hits[:MOST_CHOICES]))


def _term(text: str, stock: Stock) -> _Term | None:
    key = normalise(text)
    return _Term(text, key, strokes(key), stock) if key else None


def _with_preferred(aliases: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The aliases, and each with 우 for the first preferred share of the company: 삼전우 is 005935."""
    for text, code in aliases:
        yield text, code
        if code.endswith("0"):
            yield f"{text}우", f"{code[:-1]}5"


def _spellings(name: _Term) -> list[_Term]:
    """The name as it is read aloud, and without its &: 케이티앤지 and KTG for KT&G."""
    keys = {read_aloud(name.key), name.key.replace("&", "")} - {name.key}
    return [_Term(name.text, key, strokes(key), name.stock) for key in sorted(keys)]


def _by_key(terms: list[_Term]) -> dict[str, list[_Term]]:
    """Terms by spelling; a listed stock hides delisted ones of the same name."""
    found: dict[str, list[_Term]] = {}
    for term in terms:
        found.setdefault(term.key, []).append(term)
    return {key: [term for term in same if term.stock.active] or same for key, same in found.items()}


def _begins_with(name: str, head: str) -> bool:
    """Whether the name is the head and more. A Latin head ends where Latin ends: neither SKC nor KT&G begins so."""
    rest = name[len(head) :]
    if not rest or not name.casefold().startswith(head.casefold()):
        return False
    return not (head[-1].isascii() and rest[0].isascii() and (rest[0].isalpha() or rest[0] == "&"))


def _is_company(stock: Stock) -> bool:
    return stock.kind in _SHARES_OF_A_COMPANY


def _cap(stock: Stock) -> int:
    return stock.market_cap or 0


def _rank(stock: Stock) -> tuple[bool, int, str]:
    return not _is_company(stock), -_cap(stock), stock.code


def _distinct(stocks: Iterable[Stock]) -> list[Stock]:
    return list({stock.code: stock for stock in stocks}.values())
