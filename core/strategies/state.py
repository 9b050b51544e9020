"""The state of a supervised worker and the rule of its supervision. Pure.

The rule: a wanted worker that has raised, ended by itself or sent no heartbeat for five minutes is started anew.
Between two starts of one row of trouble lies a minute, and there are at most five; after the fifth the worker is left
stopped until an admin starts it. Ten minutes of heartbeats after a start end the row of trouble: that is twice the
silence that is borne, so that a worker which hangs as soon as it starts never counts as healthy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

SILENCE: Final = timedelta(minutes=5)
"""No heartbeat for this long is a failure."""

BETWEEN_TRIES: Final = timedelta(minutes=1)
MOST_TRIES: Final = 5

HEALTHY_AFTER: Final = timedelta(minutes=10)
"""A worker that still sends heartbeats this long after its start has recovered."""

OVERDUE_AFTER: Final = timedelta(minutes=2)
"""A step that was due this long ago and is not taken has nobody to take it."""

SILENT: Final = "no heartbeat for 5 minutes"


class Status(StrEnum):
    """How a worker stands.

    `STOPPED`: not running; a wanted one is about to be started. `RUNNING`: started, by `owner` under `epoch`; without
    an owner it waits for a process that takes it on. `RESTARTING`: it failed and waits for its next try. `FAILED`: its
    tries are used up, an admin has to start it.
    """

    STOPPED = "stopped"
    RUNNING = "running"
    RESTARTING = "restarting"
    FAILED = "failed"


class Action(StrEnum):
    """What a supervisor does with a worker."""

    START = "start"
    RESTART = "restart"
    GIVE_UP = "give_up"
    RECOVER = "recover"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyState:
    """One strategy as it is stored. Aware UTC times; `since` is when `wanted` or `status` last changed.

    `epoch` grows with every change of hands, so that whoever has an older one may write nothing. `restarts` counts the
    tries of the present row of trouble; `told` says that admins were told of trouble and not yet of its end; `state` is
    what the worker itself remembers.
    """

    id: str
    wanted: bool
    status: Status
    since: datetime
    owner: str | None = None
    epoch: int = 0
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    restarts: int = 0
    last_error: str | None = None
    told: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen_at(self) -> datetime:
        """The last sign of life: a heartbeat, or the start where none has come yet."""
        return self.heartbeat_at or self.started_at or self.since


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done next with a worker if nothing else happens, and from when on."""

    action: Action
    due: datetime


def next_step(state: StrategyState) -> Step | None:
    """What the rule asks for next; None where only an admin can change anything."""
    if not state.wanted or state.status is Status.FAILED:
        return None
    tired = state.restarts >= MOST_TRIES
    if state.status is Status.STOPPED or (state.status is Status.RUNNING and state.owner is None):
        return Step(Action.START, state.since)
    if state.status is Status.RESTARTING:
        last = state.started_at or state.since
        return Step(Action.GIVE_UP, state.since) if tired else Step(Action.RESTART, last + BETWEEN_TRIES)
    if _recovered(state):
        return Step(Action.RECOVER, state.seen_at)
    return Step(Action.GIVE_UP if tired else Action.RESTART, state.seen_at + SILENCE)


def what_to_do(state: StrategyState, now: datetime) -> Action | None:
    """What is to be done with a worker now, if anything.

    A try further away than the time between tries means that the clock was set back, and is not waited for.
    """
    step = next_step(state)
    if step is None:
        return None
    set_back = state.status is Status.RESTARTING and step.due > now + BETWEEN_TRIES
    return step.action if step.due <= now or set_back else None


def overdue(state: StrategyState, now: datetime) -> bool:
    """Whether something should have been done with a worker a while ago, so that nobody seems to look after it."""
    step = next_step(state)
    return step is not None and step.action is not Action.RECOVER and step.due + OVERDUE_AFTER <= now


def taken(state: StrategyState, action: Action, *, owner: str, now: datetime) -> StrategyState:
    """The state once `owner` has taken the step."""
    match action:
        case Action.START:
            return _started(state, owner, now)
        case Action.RESTART:
            return replace(_started(state, owner, now), restarts=state.restarts + 1, last_error=_why(state), told=True)
        case Action.GIVE_UP:
            return _changed(state, now, status=Status.FAILED, last_error=_why(state), told=True)
        case Action.RECOVER:
            return replace(state, restarts=0, told=False)


def failed(state: StrategyState, error: str, *, now: datetime) -> StrategyState:
    """The state once its running worker has ended with `error`."""
    return _changed(state, now, status=Status.RESTARTING, last_error=error)


def released(state: StrategyState, *, now: datetime) -> StrategyState:
    """The state once its process gives it up: what ran is to run again elsewhere."""
    return _changed(state, now, status=state.status)


def switched(state: StrategyState, on: bool, *, now: datetime) -> StrategyState:
    """The state once an admin has started or stopped it; unchanged where it stands so already."""
    if on and (not state.wanted or state.status in (Status.FAILED, Status.RESTARTING)):
        return _changed(state, now, wanted=True, status=Status.STOPPED, restarts=0)
    if not on and state.wanted:
        return _changed(state, now, wanted=False, status=Status.STOPPED, restarts=0, told=False)
    return state


def _recovered(state: StrategyState) -> bool:
    troubled = state.restarts > 0 or state.told
    return troubled and state.started_at is not None and state.seen_at - state.started_at >= HEALTHY_AFTER


def _why(state: StrategyState) -> str | None:
    return state.last_error if state.status is Status.RESTARTING else SILENT


def _started(state: StrategyState, owner: str, now: datetime) -> StrategyState:
    return _changed(state, now, status=Status.RUNNING, owner=owner, started_at=now, heartbeat_at=None)


def _changed(state: StrategyState, now: datetime, **changes: Any) -> StrategyState:
    """Another hand: a new epoch, and nobody's unless `owner` says otherwise."""
    return replace(state, **{"owner": None, "since": now, "epoch": state.epoch + 1} | changes)
