"""What a model is told: the facts and articles between the marks of a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK = re.compile(r"^<<<FACTS\s*$(.*?)^FACTS>>>\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A fact of the prompt; `value` is its bare number where it has one."""

    id: str
    label: str
    text: str
    value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """An article of the prompt; `after_percent` is what the price did after a similar one."""

    id: str
    title: str
    after_percent: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A prompt as the brain reads it."""

    text: str
    facts: tuple[Fact, ...] = ()
    articles: tuple[Article, ...] = ()

    def price(self) -> int | None:
        """The newest price: the fact labelled 현재가 or 종가."""
        priced = [fact for fact in self.facts if fact.value and fact.label.startswith(("현재가", "종가"))]
        return int(priced[0].value or 0) if priced else None


def read_prompt(messages: Sequence[Mapping[str, Any]]) -> Prompt:
    """The prompt of a chat; without a readable block it has no facts."""
    text = "\n".join(_content(message.get("content")) for message in messages)
    found = BLOCK.search(text)
    try:
        block = json.loads(found[1]) if found else {}
    except json.JSONDecodeError:
        block = {}
    facts = tuple(_fact(row) for row in block.get("facts", []) if "id" in row)
    articles = tuple(_article(row) for row in block.get("articles", []) if "id" in row)
    return Prompt(text=text, facts=facts, articles=articles)


def _content(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _fact(row: Mapping[str, Any]) -> Fact:
    value, text = row.get("value"), str(row.get("text", ""))
    if not isinstance(value, int | float):
        number = re.search(r"-?\d[\d,]*(\.\d+)?", text)
        value = float(number[0].replace(",", "")) if number else None
    return Fact(id=str(row["id"]), label=str(row.get("label", "")), text=text, value=value)


def _article(row: Mapping[str, Any]) -> Article:
    after = row.get("after_percent")
    return Article(
        id=str(row["id"]),
        title=str(row.get("title", "")),
        after_percent=float(after) if isinstance(after, int | float) else None,
    )
