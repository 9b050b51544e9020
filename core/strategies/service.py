"""What admins see of strategies and do with them, and the watch over the supervisor itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.trail import note
from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.errors import UserError
from core.services import Services
from core.strategies.queries import (
    FoundSignal,
    declare,
    list_states,
    lock_state,
    mark_told,
    newest_signals,
    store_state,
)
from core.strategies.registry import STRATEGIES
from core.strategies.state import StrategyState, overdue, switched
from core.strategies.strategy import Kind, Strategy

UNATTENDED = "no process looks after it"
_SIGNALS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervised:
    """One strategy as it stands now.

    `off_because` names the setting it lacks, if one; `state` is None until a supervisor has known it;
    `unattended` says that nobody seems to look after it; `signals` are its newest, where they were asked for.
    """

    id: str
    kind: Kind
    off_because: str | None
    state: StrategyState | None
    unattended: bool
    signals: tuple[FoundSignal, ...] = ()


async def supervised(services: Services) -> list[Supervised]:
    """Every strategy, in the order of the table."""
    async with services.db.read() as conn:
        states = await list_states(conn)
    return [_supervised(services, strategy, states.get(strategy.id)) for strategy in STRATEGIES.values()]


async def supervised_one(services: Services, id: str) -> Supervised:
    """One strategy with its newest signals; raises `UserError` naming the strategies there are."""
    strategy = _known(id)
    async with services.db.read() as conn:
        state = (await list_states(conn)).get(strategy.id)
        signals = await newest_signals(conn, strategy.id, limit=_SIGNALS)
    return _supervised(services, strategy, state, tuple(signals))


async def switch(services: Services, id: str, on: bool, *, actor_id: int) -> bool:
    """Start or stop a strategy for good: it stays so over restarts. Returns False where it stood so already.

    A stopped worker can write nothing from here on; its process notices within seconds. Starting one whose tries were
    used up gives it new ones. Raises `UserError` for an unknown strategy and for a start that lacks a setting.
    """
    strategy, now = _known(id), services.clock.now()
    if on and (lacking := strategy.off_because(services.settings)):
        raise UserError("{id}에 필요한 설정이 없습니다: {lacking}", id=strategy.id, lacking=lacking)
    async with services.db.begin() as conn:
        await declare(conn, [strategy.id], at=now)
        before = await lock_state(conn, strategy.id)
        assert before is not None
        after = switched(before, on, now=now)
        if after == before:
            return False
        await store_state(conn, after)
        action = "strategy_start" if on else "strategy_stop"
        await note(conn, actor_id=actor_id, action=action, target=strategy.id, at=now, was=before.status)
        return True


async def tell_unattended(services: Services, conn: AsyncConnection) -> list[str]:
    """Tell admins, once each, of strategies that nobody looks after, and return them.

    The supervisor writes no word of its own death. So this asks the stored states what should have been done a while
    ago; it restarts nothing, for only the process that runs the workers can.
    """
    now = services.clock.now()
    active = [strategy.id for strategy in STRATEGIES.values() if not strategy.off_because(services.settings)]
    states = await list_states(conn)
    left = [state for id in active if (state := states.get(id)) is not None and overdue(state, now)]
    for state in left:
        key = f"strategy:{state.id}:{state.epoch}:unattended"
        facts = {"strategy": state.id, "reason": UNATTENDED}
        await tell_admins(services, conn, Alert(kind=AlertKind.STRATEGY_STOPPED, key=key, facts=facts))
        await mark_told(conn, state.id, epoch=state.epoch)
    return [state.id for state in left]


def _known(id: str) -> Strategy:
    strategy = STRATEGIES.get(id)
    if strategy is None:
        names = ", ".join(STRATEGIES)
        raise UserError("'{asked}'라는 전략은 없습니다. 있는 것: {names}", asked=id[:40], names=names)
    return strategy


def _supervised(
    services: Services, strategy: Strategy, state: StrategyState | None, signals: tuple[FoundSignal, ...] = ()
) -> Supervised:
    off_because = strategy.off_because(services.settings)
    unattended = state is not None and off_because is None and overdue(state, services.clock.now())
    return Supervised(
        id=strategy.id,
        kind=strategy.kind,
        off_because=off_because,
        state=state,
        unattended=unattended,
        signals=signals,
    )
