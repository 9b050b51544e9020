"""Who did what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.texts import Texts, moment
from bot.views.message import Message
from core.audit.trail import Entry

LONGEST_DETAIL = 160


def audit(entries: Sequence[Entry], now: datetime, texts: Texts) -> Message:
    """The newest entries of the audit trail."""
    listed = [(entry, _short(entry.detail)) for entry in entries]
    return Message(text=texts.render("audit", listed=listed, now=now))


def _short(detail: Mapping[str, Any]) -> str:
    told = {name: value for name, value in detail.items() if value is not None}
    written = ", ".join(f"{name}={_plain(value)}" for name, value in told.items())
    return written if len(written) <= LONGEST_DETAIL else f"{written[: LONGEST_DETAIL - 1]}…"


def _plain(value: object) -> str:
    """A value as text: a time in Seoul's, a small figure without an exponent."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment(at) if at.tzinfo else value
