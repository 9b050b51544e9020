"""What becomes of a letter, by what its hook says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import (
    MOST_TRIES,
    Delivered,
    Destination,
    HookName,
    Letter,
    Moved,
    NotSent,
    Refused,
    State,
    TooFast,
    Unknown,
    Unreachable,
    backoff,
    step,
)
from tests.conftest import NOW

LETTER = Letter(
    id=1,
    alert=Alert(kind=AlertKind.JOB_FAILED, key="k"),
    to=Destination(HookName.TELEGRAM, 1),
    at=NOW,
    attempts=1,
    repeated=False,
)
SIGNAL = replace(LETTER, alert=Alert(kind=AlertKind.SIGNAL, key="s"))


def test_a_delivered_letter_is_sent() -> None:
    assert step(LETTER, Delivered(), NOW).state is State.SENT


def test_too_fast_waits_as_long_as_it_is_told_and_is_no_repeat() -> None:
    becomes = step(replace(LETTER, attempts=99), TooFast(timedelta(seconds=7)), NOW)
    assert (becomes.state, becomes.not_before, becomes.repeated) == (State.WAITING, NOW + timedelta(seconds=7), False)


def test_what_never_left_is_tried_again_for_ever_and_is_no_repeat() -> None:
    becomes = step(replace(LETTER, attempts=99), NotSent("down"), NOW)
    assert (becomes.state, becomes.repeated, becomes.error) == (State.WAITING, False, "down")
    assert becomes.not_before == NOW + timedelta(minutes=5)


def test_what_may_have_arrived_is_marked_as_a_repeat() -> None:
    becomes = step(LETTER, Unknown("timeout"), NOW)
    assert (becomes.state, becomes.repeated) == (State.WAITING, True)
    assert becomes.not_before == NOW + timedelta(seconds=2)


def test_what_must_not_be_told_twice_is_parked() -> None:
    assert step(SIGNAL, Unknown("timeout"), NOW).state is State.PARKED


def test_repeating_has_an_end() -> None:
    assert step(replace(LETTER, attempts=MOST_TRIES), Unknown("timeout"), NOW).state is State.PARKED


@pytest.mark.parametrize(("outcome", "state"), [(Unreachable("blocked"), State.DROPPED), (Refused("?"), State.FAILED)])
def test_what_can_never_arrive_ends_with_its_reason(outcome: Unreachable | Refused, state: State) -> None:
    becomes = step(LETTER, outcome, NOW)
    assert (becomes.state, becomes.error) == (state, outcome.reason)


def test_a_moved_chat_gets_it_at_once() -> None:
    becomes = step(LETTER, Moved(-100), NOW)
    assert (becomes.state, becomes.not_before, becomes.repeated) == (State.WAITING, NOW, False)


def test_a_repeat_stays_marked() -> None:
    again = replace(LETTER, repeated=True)
    assert all(step(again, outcome, NOW).repeated for outcome in (Delivered(), NotSent("x"), Moved(-1)))


def test_waits_double_up_to_five_minutes() -> None:
    assert [backoff(tries) // timedelta(seconds=1) for tries in (1, 2, 3, 9, 10_000)] == [2, 4, 8, 300, 300]
