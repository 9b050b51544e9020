"""The rule of supervision: tries, their distances, and what ends them, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.strategies.state import (
    BETWEEN_TRIES,
    HEALTHY_AFTER,
    MOST_TRIES,
    OVERDUE_AFTER,
    SILENCE,
    SILENT,
    Action,
    Status,
    StrategyState,
    failed,
    overdue,
    released,
    switched,
    taken,
    what_to_do,
)
from tests.conftest import NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
STEPS = st.sampled_from([SECOND, timedelta(seconds=20), MINUTE, SILENCE, HEALTHY_AFTER])


def make_state(**changes: Any) -> StrategyState:
    """A worker that runs, started just now."""
    values: dict[str, Any] = {"id": "feed", "wanted": True, "status": Status.RUNNING, "since": NOW}
    return StrategyState(**values | {"owner": "a", "epoch": 1, "started_at": NOW} | changes)


class Supervision(RuleBasedStateMachine):
    """One worker, its supervisor and its admins. `tries` are the times of restarts since the last healthy stretch."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = make_state(status=Status.STOPPED, owner=None, epoch=0, started_at=None)
        self.tries: list[datetime] = []
        self.gave_up = False
        self.told_of_trouble = False

    @rule(by=STEPS)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(by=STEPS)
    def it_works_for_a_while(self, by: timedelta) -> None:
        """A heartbeat a minute, and a supervisor that looks each time."""
        until = self.now + by
        while self.now < until:
            self.now = min(self.now + MINUTE, until)
            self.it_beats()
            self.the_supervisor_looks()

    @rule()
    def it_beats(self) -> None:
        if self.state.status is Status.RUNNING and self.state.owner is not None:
            self.state = replace(self.state, heartbeat_at=self.now)

    @rule()
    @precondition(lambda self: self.state.status is Status.RUNNING and self.state.owner is not None)
    def it_fails(self) -> None:
        self.state = failed(self.state, "ValueError: odd", now=self.now)

    @rule()
    @precondition(lambda self: self.state.status is Status.RUNNING)
    def its_process_is_restarted(self) -> None:
        self.state = released(self.state, now=self.now)

    @rule(on=st.booleans())
    def an_admin_switches(self, on: bool) -> None:
        before = self.state
        self.state = switched(self.state, on, now=self.now)
        assert self.state.wanted is on
        if self.state != before:
            assert self.state.epoch > before.epoch
            self.tries, self.gave_up = [], False

    @rule()
    def the_supervisor_looks(self) -> None:
        before, action = self.state, what_to_do(self.state, self.now)
        if action is None:
            return
        self.state = taken(before, action, owner="a", now=self.now)
        assert not self.gave_up
        if action is Action.RESTART:
            assert before.started_at is not None
            assert self.now - before.started_at >= BETWEEN_TRIES
            assert all(self.now - tried >= BETWEEN_TRIES for tried in self.tries)
            self.tries.append(self.now)
        elif action is Action.GIVE_UP:
            assert len(self.tries) == MOST_TRIES
            self.gave_up = True
        elif action is Action.RECOVER:
            assert before.started_at is not None
            assert before.seen_at - before.started_at >= HEALTHY_AFTER
            self.tries = []
        if action is not Action.RECOVER:
            assert self.state.epoch == before.epoch + 1

    @invariant()
    def there_are_never_more_tries_than_five(self) -> None:
        assert len(self.tries) == self.state.restarts <= MOST_TRIES

    @invariant()
    def what_is_not_wanted_does_not_run(self) -> None:
        assert self.state.wanted or self.state.status is Status.STOPPED
        assert self.gave_up == (self.state.status is Status.FAILED)

    @invariant()
    def only_what_runs_has_an_owner(self) -> None:
        assert self.state.owner is None or self.state.status is Status.RUNNING

    @invariant()
    def looking_again_at_once_does_nothing(self) -> None:
        action = what_to_do(self.state, self.now)
        if action is not None:
            after = taken(self.state, action, owner="a", now=self.now)
            assert what_to_do(after, self.now) is None


TestSupervision = Supervision.TestCase
TestSupervision.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def test_silence_of_five_minutes_is_a_failure_and_a_second_less_is_none() -> None:
    beating = make_state(heartbeat_at=NOW + MINUTE)
    assert what_to_do(beating, NOW + MINUTE + SILENCE - SECOND) is None
    assert what_to_do(beating, NOW + MINUTE + SILENCE) is Action.RESTART
    assert taken(beating, Action.RESTART, owner="a", now=NOW + SILENCE).last_error == SILENT


def test_a_worker_that_never_sent_a_heartbeat_is_silent_since_its_start() -> None:
    assert what_to_do(make_state(), NOW + SILENCE) is Action.RESTART


def test_an_error_is_retried_at_once_after_a_long_run_and_after_a_minute_otherwise() -> None:
    at = NOW + timedelta(hours=1)
    assert what_to_do(failed(make_state(heartbeat_at=at), "x", now=at), at) is Action.RESTART
    young = failed(make_state(), "x", now=NOW + 10 * SECOND)
    assert what_to_do(young, NOW + 59 * SECOND) is None
    assert what_to_do(young, NOW + MINUTE) is Action.RESTART


def test_five_tries_and_the_next_failure_stops_it_until_an_admin_starts_it() -> None:
    state, now = make_state(), NOW
    for tried in range(1, MOST_TRIES + 1):
        now += MINUTE
        state = failed(state, f"error {tried}", now=now)
        assert what_to_do(state, now) is Action.RESTART
        state = taken(state, Action.RESTART, owner="a", now=now)
        assert state.restarts == tried
    state = failed(state, "the last", now=now + SECOND)
    assert what_to_do(state, now + SECOND) is Action.GIVE_UP
    state = taken(state, Action.GIVE_UP, owner="a", now=now)
    assert (state.status, state.last_error, state.told) == (Status.FAILED, "the last", True)
    assert what_to_do(state, now + timedelta(days=365)) is None
    again = switched(state, True, now=now)
    assert (again.restarts, what_to_do(again, now)) == (0, Action.START)
    assert again.told, "its recovery is still to be told"


def test_ten_healthy_minutes_forgive_the_tries() -> None:
    tried = make_state(restarts=3, told=True)
    almost = replace(tried, heartbeat_at=NOW + HEALTHY_AFTER - SECOND)
    assert what_to_do(almost, NOW + HEALTHY_AFTER) is None
    healthy = replace(tried, heartbeat_at=NOW + HEALTHY_AFTER)
    assert what_to_do(healthy, NOW + HEALTHY_AFTER) is Action.RECOVER
    recovered = taken(healthy, Action.RECOVER, owner="a", now=NOW + HEALTHY_AFTER)
    assert (recovered.restarts, recovered.told, recovered.epoch) == (0, False, healthy.epoch)


def test_what_its_process_gave_up_starts_again_without_costing_a_try() -> None:
    given_up = released(make_state(restarts=2), now=NOW + SECOND)
    assert what_to_do(given_up, NOW + SECOND) is Action.START
    assert taken(given_up, Action.START, owner="b", now=NOW + SECOND).restarts == 2


def test_a_clock_set_back_by_hours_does_not_make_a_try_wait_for_hours() -> None:
    waiting = failed(make_state(), "x", now=NOW)
    assert what_to_do(waiting, NOW - timedelta(hours=3)) is Action.RESTART


def test_switching_on_what_runs_and_off_what_is_off_changes_nothing() -> None:
    running = make_state()
    assert switched(running, True, now=NOW + MINUTE) is running
    off = switched(running, False, now=NOW)
    assert switched(off, False, now=NOW + MINUTE) is off


def test_only_a_step_long_due_means_that_nobody_looks() -> None:
    waiting = switched(switched(make_state(), False, now=NOW), True, now=NOW)
    assert not overdue(waiting, NOW + OVERDUE_AFTER - SECOND)
    assert overdue(waiting, NOW + OVERDUE_AFTER)
    assert overdue(make_state(), NOW + SILENCE + OVERDUE_AFTER)
    assert not overdue(make_state(), NOW + SILENCE)
    assert not overdue(switched(make_state(), False, now=NOW), NOW + timedelta(days=9))


@given(st.integers(0, 1_000_000), st.sampled_from(Status), st.booleans(), st.integers(0, 9))
def test_no_state_confuses_it(seconds: int, status: Status, wanted: bool, restarts: int) -> None:
    state = make_state(status=status, wanted=wanted, restarts=restarts, started_at=None)
    action = what_to_do(state, NOW + timedelta(seconds=seconds))
    assert action is None or (wanted and status is not Status.FAILED)
