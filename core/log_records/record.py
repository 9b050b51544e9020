"""A log row, and the rule that gives it its category."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """The levels that are kept, by rising weight."""

    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class Category(StrEnum):
    """Which part of the product spoke."""

    SYSTEM = "system"
    JOB = "job"
    STRATEGY = "strategy"
    ALERT = "alert"
    LLM = "llm"
    CRAWLER = "crawler"


LOGGERS: tuple[tuple[str, Category], ...] = (
    ("core.runs.alerts", Category.ALERT),
    ("core.delivery", Category.ALERT),
    ("bot.hooks", Category.ALERT),
    ("core.strategies", Category.STRATEGY),
    ("core.llm", Category.LLM),
    ("core.ledger", Category.LLM),
    ("core.usage", Category.LLM),
    ("core.prediction", Category.LLM),
    ("core.reports.compose", Category.LLM),
    ("openai", Category.LLM),
    ("core.news", Category.CRAWLER),
    ("core.sources", Category.CRAWLER),
    ("core.disclosures", Category.CRAWLER),
    ("core.http", Category.CRAWLER),
    ("jobs", Category.JOB),
    ("core.runs", Category.JOB),
    ("apscheduler", Category.JOB),
)
"""The category of a logger and of those below it; the first that fits counts."""


def category_of(logger: str, fields: Mapping[str, Any]) -> Category:
    """By who speaks, else by what was under way (`strategy` or `job` bound to the context), else the system."""
    for name, category in LOGGERS:
        if logger == name or logger.startswith(f"{name}."):
            return category
    if "strategy" in fields:
        return Category.STRATEGY
    return Category.JOB if "job" in fields else Category.SYSTEM


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRecord:
    """One row. `reference` is what an asker was told; `repeated` counts equal lines of that moment."""

    at: datetime
    level: Level
    category: Category
    event: str
    logger: str
    fields: Mapping[str, Any]
    reference: str | None
    repeated: int = 1


def kept_level(number: int) -> Level:
    """The level of a record that is kept."""
    if number >= logging.CRITICAL:
        return Level.CRITICAL
    return Level.ERROR if number >= logging.ERROR else Level.WARNING
