"""The state of the system."""

from __future__ import annotations

from datetime import datetime
from html import escape

from bot.texts import Texts, clean
from bot.views.message import Message
from bot.views.split import MAX_TEXT, visible_length
from core.health.report import Component, HealthReport, Status

MARKS = {Status.HEALTHY: "🟢", Status.DEGRADED: "🟡", Status.UNHEALTHY: "🔴", Status.NOT_CONFIGURED: "⚪"}
WORDS = {
    Status.HEALTHY: "정상",
    Status.DEGRADED: "일부 문제",
    Status.UNHEALTHY: "장애",
    Status.NOT_CONFIGURED: "설정 안 됨",
}


def health(report: HealthReport, detailed: bool, texts: Texts) -> Message:
    """Every component in a line, with latency and message where detailed."""
    return Message(text=texts.render("health", report=report, detailed=detailed, marks=MARKS, words=WORDS))


def component(found: Component, at: datetime, texts: Texts) -> Message:
    """One component with all that is known of it."""
    return Message(text=texts.render("component", component=found, at=at, marks=MARKS, words=WORDS))


def as_json(report: HealthReport) -> Message:
    """The fixed schema as it is, as a file where it is too long for one message."""
    written = report.model_dump_json(indent=1)
    text = f"<pre>{escape(clean(written), quote=False)}</pre>"
    if visible_length(text) > MAX_TEXT:
        return Message(text="", document=written.encode(), filename="health.json")
    return Message(text=text)
