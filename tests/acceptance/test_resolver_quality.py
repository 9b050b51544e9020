"""How well stocks are found, on every issue of one real day (2,879 of them)."""

from __future__ import annotations

import csv
import gzip
import random
import time
from collections.abc import Callable, Iterator

import pytest

from core.stocks.hangul import initials, normalise
from core.stocks.nicknames import nickname_pairs
from core.stocks.resolver import MOST_CHOICES, Ambiguous, Found, Resolution, Resolver
from core.stocks.stock import Kind, Market, Stock
from tests.samples import sample

LISTING = "krx/fdr_krx_listing_daily/krx_2026-03-20.csv.gz"
TYPOS = 500
GROUPS = {
    *("SK", "LG", "LS", "DB", "HD현대", "한화", "두산", "효성", "코오롱", "원익", "동양", "대원", "성우"),
    *("삼진", "삼일", "케이씨", "아이엠", "와이엠", "나노", "레이"),
}
"""Names that are a small company's and begin three or more others', one of them far larger."""


def kind_of(code: str, name: str) -> Kind:
    if not code.endswith("0"):
        return Kind.PREFERRED
    if "스팩" in name:
        return Kind.SPAC
    return Kind.REIT if name.endswith("리츠") else Kind.COMMON


@pytest.fixture(scope="module")
def stocks() -> list[Stock]:
    with gzip.open(sample(LISTING), "rt", encoding="utf-8-sig") as file:
        return [
            Stock(
                code=row["Code"],
                name=row["Name"],
                market=Market(row["Market"].split()[0]),
                kind=kind_of(row["Code"], row["Name"]),
                market_cap=int(row["Marcap"]),
            )
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def resolver(stocks: list[Stock]) -> Resolver:
    return Resolver(stocks, nickname_pairs())


def answered(resolution: Resolution) -> tuple[Stock, ...]:
    """What the asker gets to see: the stock, or the buttons."""
    match resolution:
        case Found(stock):
            return (stock,)
        case Ambiguous(candidates):
            return candidates
        case _:
            return resolution.closest


def test_every_code_is_found(stocks: list[Stock], resolver: Resolver) -> None:
    assert len(stocks) == 2_879
    assert [stock.code for stock in stocks if resolver.resolve(stock.code) != Found(stock)] == []


def test_every_name_is_found_or_leads_the_choice_of_its_group(stocks: list[Stock], resolver: Resolver) -> None:
    resolutions = {stock: resolver.resolve(stock.name) for stock in stocks}
    groups = {stock.name for stock, resolution in resolutions.items() if isinstance(resolution, Ambiguous)}
    assert [stock.name for stock, resolution in resolutions.items() if answered(resolution)[0] != stock] == []
    assert groups == GROUPS
    assert not groups & {"삼성전자", "현대차", "카카오", "에코프로", "셀트리온", "신세계", "KT", "NAVER", "CJ", "GS"}


def test_every_preferred_share_is_found_by_its_name(stocks: list[Stock], resolver: Resolver) -> None:
    preferred = [stock for stock in stocks if stock.kind is Kind.PREFERRED]
    assert len(preferred) == 113
    assert [stock.name for stock in preferred if resolver.resolve(stock.name) != Found(stock)] == []


def test_initials_give_the_company_or_six_larger_ones(stocks: list[Stock], resolver: Resolver) -> None:
    companies = [s for s in stocks if s.kind is Kind.COMMON and initials(s.name) != normalise(s.name)]
    answers = [(stock, answered(resolver.resolve(initials(stock.name)))) for stock in companies]
    assert sum(got == (stock,) for stock, got in answers) > 0.8 * len(answers)
    for stock, got in answers:
        larger = [other for other in got if (other.market_cap or 0) >= (stock.market_cap or 0)]
        assert stock in got or len(larger) == MOST_CHOICES, stock.name


def test_every_nickname_is_found(resolver: Resolver) -> None:
    listed = [(text, code) for text, code in nickname_pairs() if resolver.get(code)]
    assert len(listed) > 300
    assert [
        text for text, code in listed if code not in {stock.code for stock in answered(resolver.resolve(text))}
    ] == []


LETTERS = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
FIRST = ord("가")


def misspelt(name: str, rng: random.Random) -> str:
    """The name with one letter of one syllable dropped or replaced, or one Latin letter or digit dropped."""
    place = rng.randrange(len(name))
    index = ord(name[place]) - FIRST
    if not 0 <= index < 11_172:
        return name[:place] + name[place + 1 :]
    lead, vowel, final = index // 588, index % 588 // 28, index % 28
    slips: list[Callable[[], str]] = [
        lambda: chr(FIRST + rng.choice([i for i in range(19) if i != lead]) * 588 + vowel * 28 + final),
        lambda: chr(FIRST + lead * 588 + rng.choice([i for i in range(21) if i != vowel]) * 28 + final),
        lambda: chr(FIRST + lead * 588 + vowel * 28 + rng.choice([i for i in (0, 1, 4, 8, 16, 21) if i != final])),
        lambda: "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"[lead],
    ]
    return name[:place] + rng.choice(slips)() + name[place + 1 :]


def typos(stocks: list[Stock], names: set[str]) -> Iterator[tuple[Stock, str]]:
    """Seeded misspellings, none of which happens to be another stock's name."""
    rng = random.Random(20260320)
    while True:
        stock = rng.choice(stocks)
        text = misspelt(stock.name, rng)
        if normalise(text) and normalise(text) not in names:
            yield stock, text


def test_one_slip_of_the_finger_still_finds_the_stock(stocks: list[Stock], resolver: Resolver) -> None:
    names = {normalise(stock.name) for stock in stocks}
    drawn = [pair for pair, _ in zip(typos(stocks, names), range(TYPOS), strict=False)]
    missed = [(stock.name, text) for stock, text in drawn if stock not in answered(resolver.resolve(text))]
    taken = sum(resolver.resolve(text) == Found(stock) for stock, text in drawn)
    wrong = [
        (stock.name, text, resolution.stock.name)
        for stock, text in drawn
        if isinstance(resolution := resolver.resolve(text), Found) and resolution.stock != stock
    ]
    assert len(missed) <= 0.05 * TYPOS, missed
    assert len(wrong) <= 0.02 * TYPOS, wrong
    assert taken >= 0.85 * TYPOS


def test_building_and_resolving_are_fast(stocks: list[Stock]) -> None:
    started = time.perf_counter()
    resolver = Resolver(stocks, nickname_pairs())
    built = time.perf_counter() - started
    queries = [query for stock in stocks[::12] for query in (stock.name, stock.name[:2], initials(stock.name))]
    spent = []
    for query in queries:
        started = time.perf_counter()
        resolver.resolve(query)
        spent.append(time.perf_counter() - started)
    median = sorted(spent)[len(spent) // 2]
    # Generous: the machine may be shared. Measured alone: 40 ms and 0.5 ms.
    assert built < 1.0
    assert median < 0.01
