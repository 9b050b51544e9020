"""Strategies that watch bars and flows: each looks at every followed stock once its session has closed.

What they find is kept in the table `signal`, which is the truth about signals. Whoever watches the stock is told at
once, as they chose; admins are told of each only where the settings say so. Only the last closed session is looked at:
a signal of a day that passed while nothing ran would come too late to be one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final

from core.alerts.service import tell_signal
from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.market.bar import Bar, adjusted
from core.market.flow_queries import flows_known
from core.market.queries import last_bars
from core.prediction.signals import STREAK, NetBuying, Signal, Watch, flow_streak
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.stock import Stock
from core.strategies.queries import add_signal
from core.strategies.strategy import Kind, Strategy
from core.strategies.worker import Worker

SESSIONS: Final = 260
"""Daily bars that are read of a stock: a year and a little."""

LOOK_EVERY: Final = timedelta(minutes=1)
LOOK_RARELY: Final = timedelta(minutes=10)
"""How long a look is rested from while stocks wait for their bar, and while none does."""

_BATCH: Final = 50
"""Stocks read and looked at together."""

NO_FLOWS: Final = "no_flows"
"""What a strategy remembers that waits for flows to be collected."""


def watching(id: str, watch: Watch) -> Strategy:
    """The strategy that watches daily bars for one kind of signal."""
    return Strategy(id=id, kind=Kind.SIGNAL, run=partial(_watch_bars, watch))


async def watch_flows(services: Services, worker: Worker) -> None:
    """Look at what investors bought net of every followed stock; abstain, and say so, while no flows are stored."""
    while True:
        waiting = await look_at_flows(services, worker)
        await worker.rest(LOOK_EVERY if waiting else LOOK_RARELY)


async def look_at_flows(services: Services, worker: Worker) -> int:
    """Look at every followed stock for a streak complete with the last closed session; how many wait for its flows.

    Looking twice finds nothing twice.
    """
    now = services.clock.now()
    day = services.calendar.last_closed_session(now)
    stocks = {stock.code: stock for stock in await followed_stocks(services)}
    async with services.db.read() as conn:
        flows = await flows_known(conn, list(stocks), as_of=now, sessions=STREAK + 1)
    if not flows:
        if worker.state.get("note") != NO_FLOWS:
            await worker.save({"note": NO_FLOWS})
        return 0
    ready = {code: days for code, days in flows.items() if days[-1].day == day}
    for code, days in ready.items():
        net = [NetBuying(day=one.day, foreigners=one.foreign_value, institutions=one.institution_value) for one in days]
        if (signal := flow_streak(net)) is not None:
            await _keep(services, worker, stocks[code], signal)
    waiting = len(stocks) - len(ready)
    remembered = {"day": day.isoformat(), "stocks": len(stocks), "waiting": waiting}
    if worker.state != remembered:
        await worker.save(remembered)
    return waiting


async def _watch_bars(watch: Watch, services: Services, worker: Worker) -> None:
    looked_at, done = None, frozenset[str]()
    while True:
        day = services.calendar.last_closed_session(services.clock.now())
        if day != looked_at:
            looked_at, done = day, frozenset()
        done, waiting = await look(services, worker, watch, day=day, done=done)
        await worker.rest(LOOK_EVERY if waiting else LOOK_RARELY)


async def look(
    services: Services, worker: Worker, watch: Watch, *, day: date, done: frozenset[str] = frozenset()
) -> tuple[frozenset[str], int]:
    """Look at every followed stock not yet `done` for the signal of session `day`; the codes done by now, and how many
    stocks still wait for their bar of that day. Looking twice finds nothing twice.
    """
    stocks = {stock.code: stock for stock in await followed_stocks(services)}
    codes = [code for code in stocks if code not in done]
    for start in range(0, len(codes), _BATCH):
        async with services.db.read() as conn:
            bars = await last_bars(conn, codes[start : start + _BATCH], count=SESSIONS)
        ready = {code: rows for code, rows in bars.items() if rows[-1].day == day}
        for code, signal in await asyncio.to_thread(_found, watch, ready):
            await _keep(services, worker, stocks[code], signal)
        await worker.beat()
        done |= ready.keys()
    waiting = len(stocks.keys() - done)
    remembered = {"day": day.isoformat(), "stocks": len(stocks), "waiting": waiting}
    if worker.state != remembered:
        await worker.save(remembered)
    return done, waiting


def _found(watch: Watch, bars: Mapping[str, Sequence[Bar]]) -> list[tuple[str, Signal]]:
    found = ((code, watch(adjusted(rows))) for code, rows in bars.items())
    return [(code, signal) for code, signal in found if signal is not None]


async def _keep(services: Services, worker: Worker, stock: Stock, signal: Signal) -> None:
    async with worker.begin() as conn:
        new = await add_signal(conn, worker.id, stock.code, signal, at=services.clock.now())
        if new:
            await tell_signal(services, conn, worker.id, stock, signal)
        if new and services.settings.strategies.tell_signals:
            await tell_admins(services, conn, _alert(worker.id, stock, signal))


def _alert(strategy: str, stock: Stock, signal: Signal) -> Alert:
    day = signal.day.isoformat()
    facts = {"strategy": strategy, "code": stock.code, "name": stock.name, "day": day, "direction": signal.direction}
    return Alert(kind=AlertKind.SIGNAL, key=f"signal:{strategy}:{stock.code}:{day}", facts=facts | dict(signal.figures))
