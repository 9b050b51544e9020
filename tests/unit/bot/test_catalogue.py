"""Every sentence a reader can meet exists in English too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[3]
HANGUL = re.compile(r"[가-힣]")
ALREADY_IN_BOTH = {"한국어", "삼성전자", "SK하이닉스"}
"""Names, and words that are the same in every language."""


def constants(path: Path) -> Iterator[str]:
    """Korean string constants of a module, docstrings and command examples left out."""
    tree = ast.parse(path.read_text())
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "example"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def sentences() -> set[str]:
    bot = [p for p in (ROOT / "bot").rglob("*.py") if p.name not in {"demo.py", "check.py", "console.py"}]
    found = {text for path in bot for text in constants(path) if HANGUL.search(text)}
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "UserError" and node.args:
                found.add(ast.literal_eval(node.args[0]))
    for path in (ROOT / "bot" / "templates").glob("*.j2"):
        found |= set(template_sentences(path))
    return {text for text in found if not text.startswith("/")} - ALREADY_IN_BOTH


def template_sentences(path: Path) -> Iterator[str]:
    """What a template passes to `_()`, and its quoted Korean that goes through the `t` filter."""
    source = path.read_text()
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
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
