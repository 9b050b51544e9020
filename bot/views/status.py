"""The system on one screen, and the process in numbers."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts
from bot.views.health import MARKS, NAMES, WORDS, lasted, said, unwell
from bot.views.message import Message
from bot.views.usage import dollars
from core.health.overview import VERSION, Overview
from core.health.vitals import Vitals
from core.prediction.facts import PHASES
from core.settings import LLMSettings


def status(now: Overview, llm: LLMSettings, texts: Texts) -> Message:
    """Health with what is not well, the market, today's work and money, how new the data are."""
    values = {
        "now": now,
        "unwell": [(component, said(component, texts)) for component in unwell(now.health)],
        "phase": PHASES[now.phase],
        "budget": [
            (now.spent.today, Decimal(str(llm.daily_budget_usd))),
            (now.spent.month, Decimal(str(llm.monthly_budget_usd))),
        ],
        "uptime": lasted(now.uptime, texts),
        "dollars": dollars,
        "version": VERSION,
    }
    return Message(text=texts.render("status", **values, marks=MARKS, words=WORDS, names=NAMES))


def metrics(now: Vitals, texts: Texts) -> Message:
    """CPU, memory, disk, the event loop and the pool."""
    values = {
        "now": now,
        "uptime": lasted(now.uptime, texts),
        "mb": lambda size: f"{size / 1e6:,.0f} MB",
        "gb": lambda size: f"{size / 1e9:,.1f} GB",
        "ms": lambda seconds: f"{seconds * 1000:,.0f} ms",
    }
    return Message(text=texts.render("metrics", **values))
