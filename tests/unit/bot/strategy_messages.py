"""The views of strategies with realistic and with hostile values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from bot.texts import Texts
from bot.views import strategies
from bot.views.message import Message
from core.prediction.forecast import Direction
from core.strategies.queries import FoundSignal
from core.strategies.registry import STRATEGIES
from core.strategies.service import Supervised
from core.strategies.state import Status, StrategyState
from core.strategies.watching import NO_FLOWS
from tests.unit.bot.builders import NOW

RUNNING = StrategyState(
    id="rsi",
    wanted=True,
    status=Status.RUNNING,
    since=NOW - timedelta(hours=3),
    owner="host:1:a",
    epoch=3,
    started_at=NOW - timedelta(hours=3),
    heartbeat_at=NOW,
    restarts=1,
    last_error="Unavailable: database",
    state={"day": "2026-02-20", "stocks": 12, "waiting": 0},
)
FIGURES = {"close": 70_500.0, "sma_20": 70_000.4, "sma_60": 69_100.2, "rsi": 31.4, "volume_ratio": 3.2} | {
    "change_percent": 4.1,
    "high": 71_000.0,
    "high_before": 70_900.0,
    "net_buying": 12_345_678_901.0,
}


def strategy_messages(words: Texts, evil: str) -> Iterator[tuple[str, Message]]:
    """Every view of strategies in one language."""
    hurt = replace(RUNNING, status=Status.FAILED, owner=None, restarts=5, last_error=evil, state={evil: evil * 40})
    states = (
        RUNNING,
        hurt,
        None,
        replace(RUNNING, owner=None),
        replace(RUNNING, status=Status.RESTARTING),
        replace(RUNNING, state={"stocks": 9, "streamed": 7, "missed": 1, "note": "streaming", "at": NOW.isoformat()}),
        replace(RUNNING, wanted=False, status=Status.STOPPED),
    )
    signals = tuple(
        FoundSignal(
            strategy="rsi",
            code="0126Z0",
            name=evil,
            day=date(2026, 2, 20),
            direction=direction,
            figures=FIGURES | {evil: 1.0},
            at=NOW,
        )
        for direction in Direction
    )
    every = [
        Supervised(id=each.id, kind=each.kind, off_because=None, state=state, unattended=False, signals=signals)
        for each, state in zip(STRATEGIES.values(), states, strict=True)
    ]
    lacking = replace(every[1], off_because="KIS_APP_KEY", signals=())
    idle = replace(every[6], state=replace(RUNNING, state={"note": NO_FLOWS}), unattended=True)
    yield "strategies", strategies.strategies([*every[:5], lacking, idle], NOW, words)
    for found in (*every, lacking, idle):
        yield f"strategy {found.id} {found.off_because}", strategies.strategy(found, NOW, words)
        for on in (True, False):
            yield f"switched {found.id} {on}", strategies.switched(found, on, on, NOW, words)
