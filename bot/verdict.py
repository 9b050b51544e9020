"""How a check ends: a line a component, a last word, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from bot.console import say_line
from bot.texts import texts
from bot.views.health import said
from core.chats.member import Language
from core.health.report import Component, Status
from core.settings import Settings

MARKS = {Status.HEALTHY: "ok", Status.DEGRADED: "weak", Status.UNHEALTHY: "DOWN", Status.NOT_CONFIGURED: "unset"}


def conclude(components: Iterable[Component], settings: Settings, *, good: bool) -> int:
    """Print every component and whether all is `good`; returns the exit code."""
    words = texts(Language(settings.app.language))
    for component in components:
        latency = "" if component.latency_ms is None else f"{component.latency_ms} ms"
        say_line(f"{MARKS[component.status]:5} {component.name:13} {latency:>8}  {said(component, words)}")
    say_line("ready" if good else "not ready")
    return 0 if good else 1
