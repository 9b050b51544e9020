"""Telling people what happened to the stocks they watch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.alerts import queries
from core.alerts.conditions import tell_conditions
from core.alerts.event import Event
from core.alerts.found import FINDERS, Look, extreme_key, flow_key, only, volume_key
from core.chats.queries import watched_codes
from core.chats.subscriptions import PersonalKind
from core.delivery.alert import AlertKind, Facts
from core.delivery.queries import add_for
from core.prediction.forecast import Direction
from core.prediction.signals import STREAK, Signal
from core.services import Services
from core.stocks.stock import Stock

REMEMBERED: Final = timedelta(days=30)
"""How long it is known what was told: far longer than anything is worth telling."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How many events were new, and to how many people they were told."""

    events: int = 0
    letters: int = 0

    def __add__(self, other: Told) -> Told:
        return Told(events=self.events + other.events, letters=self.letters + other.letters)


async def tell(services: Services, conn: AsyncConnection, kinds: Collection[PersonalKind]) -> Told:
    """Tell whoever watches a stock what came of these kinds since it was told last, in this transaction.

    It may be called at any moment, by several at once and again after any failure: an event is remembered with its
    letters, and whatever is remembered is not told again. With prices the conditions of people are looked at.
    """
    codes = await watched_codes(conn)
    names = await queries.stock_names(conn, codes)
    look = Look(services=services, conn=conn, watched=dict(sorted(names.items())), now=services.clock.now())
    told = Told()
    if names:
        for kind in kinds:
            told += await _tell_events(services, conn, await FINDERS[kind](look))
    if PersonalKind.PRICE in kinds:
        told += Told(letters=await tell_conditions(services, conn))
    return told


async def tell_signal(services: Services, conn: AsyncConnection, strategy: str, stock: Stock, signal: Signal) -> Told:
    """Tell whoever watches a stock of a signal, in the transaction that keeps it.

    One that is a volume, a high or a flow is told as such, and not if that was told of the session already.
    """
    return await _tell_events(services, conn, [_of_signal(strategy, stock, signal, services)])


async def forget(services: Services, conn: AsyncConnection) -> None:
    """Forget what was told so long ago that nothing could tell it again."""
    await queries.forget_events(conn, before=services.clock.now() - REMEMBERED)


async def _tell_events(services: Services, conn: AsyncConnection, events: Sequence[Event]) -> Told:
    now, letters = services.clock.now(), 0
    new = await queries.add_events(conn, events)
    told = [event for event in only(events, new) if now - event.at < event.alert.lifetime]
    for event in told:
        letters += await add_for(conn, event.alert, queries.watchers(services, event), at=now, since=event.at)
    if told:
        log.info("people_told", events=[event.key for event in told][:20], letters=letters)
    return Told(events=len(told), letters=letters)


def _of_signal(strategy: str, stock: Stock, signal: Signal, services: Services) -> Event:
    figures, day = dict(signal.figures), signal.day
    facts: Facts = {"name": stock.name, "day": day.isoformat()}
    match strategy:
        case "volume_surge":
            topic, kind, key = PersonalKind.VOLUME, AlertKind.VOLUME_SURGED, volume_key(stock.code, day)
            facts = {
                **facts,
                "ratio": figures["volume_ratio"],
                "price": figures["close"],
                "change_percent": figures["change_percent"],
            }
        case "new_high":
            topic, kind, key = PersonalKind.HIGH_LOW, AlertKind.HIGH_LOW, extreme_key(stock.code, day, "high")
            facts = {**facts, "side": "high", "extreme": figures["high"], "before": figures["high_before"]}
            facts = {**facts, "price": figures["close"]}
        case "flow_streak":
            topic, kind, key = PersonalKind.FLOW, AlertKind.FLOW_UNUSUAL, flow_key(stock.code, day)
            streak = STREAK if signal.direction is Direction.UP else -STREAK
            facts = {**facts, "streak": streak, "streak_net": figures["net_buying"]}
        case _:
            topic, kind, key = PersonalKind.SIGNAL, AlertKind.SIGNAL_SEEN, f"signal:{strategy}:{stock.code}:{day}"
            facts = {**facts, "strategy": strategy, "direction": signal.direction, **figures}
    closed_at = services.calendar.closes(day)
    return Event(topic=topic, kind=kind, key=key, code=stock.code, at=closed_at, facts=facts)
