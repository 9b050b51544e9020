"""The golden replies of every source and site of pages, and what must be made of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.news.article import ArticlePage, Parsed
from core.news.sources import PAGE_SITES, SOURCES

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
AT = datetime(2026, 10, 9, 14, tzinfo=UTC)
"""When the replies were asked for: 23:00 in Seoul."""
PARSERS = {key: source.parse for key, source in SOURCES.items()} | {key: site.parse for key, site in PAGE_SITES.items()}


def reply(key: str) -> bytes:
    """What the source answers."""
    (path,) = (GOLDEN / key).glob("reply.*")
    return path.read_bytes()


def expected(key: str) -> Any:
    """What its parser must make of that."""
    return json.loads((GOLDEN / key / "expected.json").read_text("utf-8"))


def shown(parsed: Parsed | ArticlePage) -> Any:
    """A result as `expected.json` writes it."""
    return json.loads(json.dumps(asdict(parsed), default=str, ensure_ascii=False))
