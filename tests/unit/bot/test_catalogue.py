"""Every sentence a reader can meet exists in English too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from bot.texts import RULES, texts
from core.chats.member import Language
from core.kis.finance import Ratios
from core.kis.investors import NetTrading
from core.market.companies import Known
from core.prediction import rules
from core.prediction.disclosure_facts import filing_facts
from core.prediction.fact import Fact
from core.prediction.financial_facts import financial_facts
from core.prediction.flow_facts import flow_facts
from core.prediction.price_facts import price_facts, prices_of
from jobs.registry import JOBS
from tests.sheets import CALENDAR, LAST_DAY, make_bars, make_quote

ROOT = Path(__file__).resolve().parents[3]
HANGUL = re.compile(r"[가-힣]")
ALREADY_IN_BOTH = {"한국어", "삼성전자", "SK하이닉스"}
"""Names, and words that are the same in every language."""


def constants(path: Path) -> Iterator[str]:
    """Korean string constants of a module, docstrings and command examples left out."""
    tree = ast.parse(path.read_text())
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "example"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped | pieces:
            yield node.value


def sentences() -> set[str]:
    bot = [p for p in (ROOT / "bot").rglob("*.py") if p.name not in {"demo.py", "check.py", "console.py"}]
    sheet = [ROOT / "core" / "prediction" / name for name in ("facts.py", "price_facts.py")]
    found = {text for path in bot + sheet for text in constants(path) if HANGUL.search(text)}
    found |= set(labels()) | {spec.summary for spec in JOBS.values()}
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "UserError" and node.args:
                found.add(ast.literal_eval(node.args[0]))
    for path in (ROOT / "bot" / "templates").glob("*.j2"):
        found |= set(template_sentences(path))
    return {text for text in found if not text.startswith("/") and "\\" not in text} - ALREADY_IN_BOTH


def labels() -> Iterator[str]:
    """What the facts of a full sheet are called, by a quote and without one, and where they are from."""
    bars = make_bars(250)
    quote = make_quote(CALENDAR.closes(LAST_DAY), open=1, high=2, low=1, market_cap=1, per=1.0, pbr=1.0)
    for given in (None, quote, replace(quote, at=CALENDAR.opens(LAST_DAY))):
        prices = prices_of(bars, given, CALENDAR)
        assert prices is not None
        others = (*flow_labels(), *financial_labels(), *filing_facts((), as_of=quote.at))
        for fact in (*price_facts(prices, live_shares=None), *others):
            yield from (text for text in (fact.label, fact.source) if HANGUL.search(text))


def financial_labels() -> Iterator[Fact]:
    names = [name for name in Ratios.__slots__ if name not in ("ended", "quarter")]
    periods = [(date(2025, 12, 1), False), (date(2026, 3, 1), True)]
    ratios = [Ratios(ended=ended, quarter=quarter, **dict.fromkeys(names, 1.0)) for ended, quarter in periods]
    yield from financial_facts([Known(ratios=each, first_seen_at=CALENDAR.closes(LAST_DAY)) for each in ratios])


def flow_labels() -> Iterator[Fact]:
    for sign in (1, -1):
        days = [CALENDAR.session_after(LAST_DAY, place) for place in range(20)]
        yield from flow_facts([flow_of(day, sign) for day in days], at=CALENDAR.closes(LAST_DAY))


def flow_of(day: date, net: int) -> NetTrading:
    figures = ("foreign_shares", "institution_shares", "individual_shares")
    values = ("foreign_value", "institution_value", "individual_value")
    return NetTrading(day=day, close=1, **dict.fromkeys((*figures, *values), net))


def template_sentences(path: Path) -> Iterator[str]:
    """What a template passes to `_()`, and its quoted Korean that goes through the `t` filter."""
    source = path.read_text()
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for _, _, message in environment.extract_translations(source):  # type: ignore[attr-defined]
        yield message[0] if isinstance(message, tuple) else message
    yield from re.findall(r'\("([가-힣 ]+)", report', source)


def english() -> dict[str, str]:
    with (ROOT / "bot" / "locale" / "en.po").open("rb") as source:
        return {str(message.id): str(message.string) for message in read_po(source) if message.id}


def names(sentence: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", sentence)) | {n for _, n, _, _ in Formatter().parse(sentence) if n}


def test_every_sentence_has_an_english_one() -> None:
    translated = english()
    assert sorted(text for text in sentences() if not translated.get(text)) == []


@pytest.mark.parametrize(("korean", "translated"), english().items())
def test_a_translation_has_the_same_values_and_tags(korean: str, translated: str) -> None:
    assert names(korean) == names(translated)
    assert re.findall(r"</?\w+>", korean) == re.findall(r"</?\w+>", translated)


@pytest.mark.parametrize("block", ["20일 지표, 52주 범위 (일봉 3개)", "2026-02-20 뒤의 일봉", "실시간 시세", "PER"])
def test_a_missing_block_of_data_is_named_in_english(block: str) -> None:
    assert not HANGUL.search(texts(Language.EN).gap(block))
    assert texts(Language.KO).gap(block) == block


def test_every_rule_has_a_name_and_a_model_goes_without_its_provider() -> None:
    assert {forecaster.key for forecaster in rules.RULES} == {f"rule:{name}" for name in RULES}
    assert texts(Language.EN).forecaster("rule:momentum") == "Rule: momentum"
    assert texts(Language.KO).forecaster("openrouter:deepseek/deepseek-v3.2") == "deepseek-v3.2"


def test_nothing_is_translated_that_nobody_says() -> None:
    assert sorted(english().keys() - sentences()) == []


def test_no_sentence_is_translated_twice() -> None:
    ids = re.findall(r'^msgid (".+(?:\n".*)*)', (ROOT / "bot" / "locale" / "en.po").read_text(), re.MULTILINE)
    assert {sentence for sentence in ids if ids.count(sentence) > 1} == set()
