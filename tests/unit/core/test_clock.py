"""Sessions, phases and instants of the Korean exchange."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.clock import Calendar, ManualClock, Phase, hours_on, kst, kst_date

CALENDAR = Calendar()


def at(day: str, clock: str) -> datetime:
    return kst(date.fromisoformat(day), time.fromisoformat(clock))


@pytest.mark.parametrize(
    ("day", "clock", "phase"),
    [
        ("2026-02-20", "08:00", Phase.PRE_OPEN),
        ("2026-02-20", "09:00", Phase.OPENING_HOUR),
        ("2026-02-20", "09:59", Phase.OPENING_HOUR),
        ("2026-02-20", "10:00", Phase.SESSION),
        ("2026-02-20", "15:29", Phase.SESSION),
        ("2026-02-20", "15:30", Phase.AFTER_CLOSE),
        ("2026-02-20", "15:40", Phase.CLOSING_PRICE),
        ("2026-02-20", "16:00", Phase.AFTER_HOURS),
        ("2026-02-20", "18:00", Phase.AFTER_CLOSE),
        ("2026-02-21", "11:00", Phase.CLOSED_DAY),
        ("2026-02-17", "11:00", Phase.CLOSED_DAY),
        ("2026-09-11", "19:00", Phase.AFTER_CLOSE),
        ("2026-09-14", "19:00", Phase.AFTER_HOURS),
        ("2026-09-14", "20:00", Phase.AFTER_CLOSE),
        ("2026-01-02", "09:30", Phase.PRE_OPEN),
        ("2026-01-02", "10:30", Phase.OPENING_HOUR),
        ("2026-11-19", "15:45", Phase.SESSION),
    ],
)
def test_a_moment_has_the_phase_of_its_day(day: str, clock: str, phase: Phase) -> None:
    assert CALENDAR.phase(at(day, clock)) is phase


def test_hours_change_on_the_day_the_market_changed() -> None:
    assert hours_on(date(2026, 9, 13)).after_hours_kind == "single_price"
    assert hours_on(date(2026, 9, 14)).after_hours_kind == "continuous"


def test_holidays_and_weekends_are_stepped_over() -> None:
    assert CALENDAR.next_session(date(2026, 2, 13)) == date(2026, 2, 19)
    assert CALENDAR.previous_session(date(2026, 2, 19)) == date(2026, 2, 13)
    assert CALENDAR.session_after(date(2026, 2, 20), 5) == date(2026, 2, 27)


@pytest.mark.parametrize("day", [date(2026, 6, 3), date(2026, 7, 17), date(2026, 12, 31)])
def test_days_the_exchange_rests(day: date) -> None:
    assert not CALENDAR.is_session(day)


def test_the_exchanges_own_calendar_overrules() -> None:
    corrected = Calendar(corrections={date(2026, 2, 20): False, date(2026, 2, 21): True})
    assert not corrected.is_session(date(2026, 2, 20))
    assert corrected.next_session(date(2026, 2, 19)) == date(2026, 2, 21)
    assert corrected.closes(date(2026, 2, 21)) == at("2026-02-21", "15:30")


def test_a_session_counts_from_its_open_and_is_closed_at_its_close() -> None:
    assert CALENDAR.latest_session(at("2026-02-20", "08:59")) == date(2026, 2, 19)
    assert CALENDAR.latest_session(at("2026-02-20", "09:00")) == date(2026, 2, 20)
    assert CALENDAR.last_closed_session(at("2026-02-20", "15:29")) == date(2026, 2, 19)
    assert CALENDAR.last_closed_session(at("2026-02-20", "15:30")) == date(2026, 2, 20)


def test_seoul_is_nine_hours_ahead() -> None:
    assert kst(date(2026, 2, 20), time(9)) == datetime(2026, 2, 20, tzinfo=UTC)
    assert kst_date(datetime(2026, 2, 19, 15, tzinfo=UTC)) == date(2026, 2, 20)


async def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(datetime(2026, 2, 20, tzinfo=UTC))
    await clock.sleep(60)
    assert clock.now() == datetime(2026, 2, 20, 0, 1, tzinfo=UTC)
    clock.move(timedelta(hours=-1))
    assert clock.now() == datetime(2026, 2, 19, 23, 1, tzinfo=UTC)
