"""An alert on its way to one destination: its states, what a hook says of it, and the rule of what follows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.delivery.alert import NEVER_TWICE, Alert


class HookName(StrEnum):
    """The ways alerts are told."""

    TELEGRAM = "telegram"
    WEBHOOK = "webhook"
    LOG = "log"


class State(StrEnum):
    """Where an alert stands at one destination. The last four are ends.

    `PARKED` may have arrived, and another telling would mislead; `DROPPED` was too late or had nobody to read it;
    `FAILED` was refused.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    PARKED = "parked"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom an alert is told: a hook, and for Telegram the chat."""

    hook: HookName
    chat_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """An alert taken up to be told. `at` is when it happened; `repeated` says that it may have arrived before.

    `attempts` counts the times it was taken up, this one included. A `silent` one is to make no sound.
    """

    id: int
    alert: Alert
    to: Destination
    at: datetime
    attempts: int
    repeated: bool
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """It arrived."""


@dataclass(frozen=True, slots=True)
class TooFast:
    """It did not arrive: the destination takes nothing more before `wait` has passed."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class NotSent:
    """It did not arrive, for a reason that passes: the hook is out of reach."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether it arrived."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """It did not arrive, and nothing else will there: the bot was blocked or removed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """It did not arrive: the chat has another id now."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It did not arrive and never will, because of what it is."""

    reason: str


Outcome = Delivered | TooFast | NotSent | Unknown | Unreachable | Moved | Refused
"""What a hook says became of a letter."""

MOST_TRIES: Final = 6
"""A letter taken up so often of which still nobody can say whether it arrived is not sent once more."""

LONGEST_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a letter becomes. A waiting one is not taken up before `not_before`."""

    state: State
    not_before: datetime
    repeated: bool
    error: str | None = None


def step(letter: Letter, outcome: Outcome, at: datetime) -> Step:
    """What becomes of a letter of which a hook said `outcome` at `at`."""
    state, wait, error, repeated = State.WAITING, timedelta(), None, letter.repeated
    match outcome:
        case Delivered():
            state = State.SENT
        case TooFast():
            wait = outcome.wait
        case NotSent():
            wait, error = backoff(letter.attempts), outcome.reason
        case Unknown() if letter.alert.kind in NEVER_TWICE or letter.attempts >= MOST_TRIES:
            state, error = State.PARKED, outcome.reason
        case Unknown():
            wait, error, repeated = backoff(letter.attempts), outcome.reason, True
        case Unreachable():
            state, error = State.DROPPED, outcome.reason
        case Refused():
            state, error = State.FAILED, outcome.reason
    return Step(state=state, not_before=at + wait, repeated=repeated, error=error)


def backoff(attempts: int) -> timedelta:
    """How long a letter rests after so many tries: two seconds, then twice as long each time, five minutes at most."""
    return min(timedelta(seconds=2 ** min(attempts, 10)), LONGEST_WAIT)
