"""When a report is renewed: every rule, its borders, and what never happens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import Calendar, Phase, kst
from core.reports.policy import ASK_AGAIN_AFTER, LIMITS, Last, Standing, moved, reason_to_update
from core.reports.report import UpdateReason

_NOW = datetime(2026, 2, 20, 3, 0, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_CALENDAR = Calendar()


def _reason(age: timedelta, *, base_price: int = 100_000, **changes: Any) -> UpdateReason | None:
    values: dict[str, Any] = {
        "now": _NOW,
        "phase": Phase.SESSION,
        "price": 100_000,
        "new_articles": 0,
        "new_predictions": 0,
        "asked": False,
    }
    return reason_to_update(Last(made_at=_NOW - age, base_price=base_price), Standing(**values | changes))


def test_without_a_report_one_is_made() -> None:
    standing = Standing(now=_NOW, phase=Phase.SESSION, price=None, new_articles=0, new_predictions=0, asked=False)
    assert reason_to_update(None, standing) is UpdateReason.FIRST


@pytest.mark.parametrize(
    ("phase", "hours"),
    [
        (Phase.OPENING_HOUR, 1),
        (Phase.SESSION, 2),
        (Phase.CLOSING_PRICE, 6),
        (Phase.AFTER_HOURS, 6),
        (Phase.AFTER_CLOSE, 6),
        (Phase.PRE_OPEN, 6),
        (Phase.CLOSED_DAY, 24),
    ],
)
def test_a_report_lasts_as_long_as_its_phase_allows(phase: Phase, hours: int) -> None:
    limit = timedelta(hours=hours)
    assert _reason(limit, phase=phase) is None
    assert _reason(limit + timedelta(microseconds=1), phase=phase) is UpdateReason.TOO_OLD


def test_every_phase_has_a_limit() -> None:
    assert LIMITS.keys() == set(Phase)


@pytest.mark.parametrize(
    ("base", "price", "renewed"),
    [
        (100_000, 103_000, True),
        (100_000, 97_000, True),
        (100_000, 102_999, False),
        (100_000, 97_001, False),
        (70_000, 72_100, True),
        (70_000, 67_900, True),
        (70_100, 72_202, False),
        (70_100, 72_203, True),
        (1, 1, False),
        (33, 34, True),
    ],
)
def test_a_move_of_three_percent_renews(base: int, price: int, renewed: bool) -> None:
    assert _reason(_MINUTE, base_price=base, price=price) == (UpdateReason.PRICE_MOVED if renewed else None)


def test_an_unknown_price_renews_nothing() -> None:
    assert _reason(_MINUTE, price=None) is None


@pytest.mark.parametrize("phase", list(Phase))
def test_news_renews_before_the_open_only(phase: Phase) -> None:
    expected = UpdateReason.NEWS_BEFORE_OPEN if phase is Phase.PRE_OPEN else None
    assert _reason(_MINUTE, phase=phase, new_articles=1) == expected


def test_a_new_prediction_renews() -> None:
    assert _reason(_MINUTE, new_predictions=1) is UpdateReason.NEW_PREDICTION


@pytest.mark.parametrize("phase", list(Phase))
def test_a_material_disclosure_renews_in_every_phase_and_comes_after_a_move(phase: Phase) -> None:
    assert _reason(_MINUTE, phase=phase, new_disclosures=1) is UpdateReason.DISCLOSURE
    assert _reason(_MINUTE, phase=phase, price=200_000, new_disclosures=1) is UpdateReason.PRICE_MOVED


def test_asking_renews_after_five_minutes() -> None:
    assert _reason(ASK_AGAIN_AFTER - timedelta(seconds=1), asked=True) is None
    assert _reason(ASK_AGAIN_AFTER, asked=True) is UpdateReason.ASKED


def test_asking_within_five_minutes_does_not_hide_a_move() -> None:
    assert _reason(_MINUTE, asked=True, price=104_000) is UpdateReason.PRICE_MOVED


@given(
    seconds=st.integers(-3600, 299),
    phase=st.sampled_from(Phase),
    price=st.none() | st.integers(97_001, 102_999),
    asked=st.booleans(),
)
def test_within_five_minutes_only_the_world_renews(seconds: int, phase: Phase, price: int | None, asked: bool) -> None:
    assert _reason(timedelta(seconds=seconds), phase=phase, price=price, asked=asked) is None


@given(base=st.integers(1, 10**8), price=st.integers(1, 10**8))
def test_a_move_is_the_same_up_and_down(base: int, price: int) -> None:
    assert moved(base, price) == moved(base, 2 * base - price)
    assert moved(base, base) is False


def _asked_at(made: datetime, now: datetime) -> UpdateReason | None:
    phase = _CALENDAR.phase(now)
    standing = Standing(now=now, phase=phase, price=100_000, new_articles=0, new_predictions=0, asked=False)
    return reason_to_update(Last(made_at=made, base_price=100_000), standing)


def test_the_report_of_fridays_close_lasts_a_day_of_the_weekend() -> None:
    friday = kst(date(2026, 2, 20)) + timedelta(hours=15, minutes=45)
    assert _asked_at(friday, friday + timedelta(hours=6)) is None
    assert _asked_at(friday, friday + timedelta(hours=24)) is None
    assert _asked_at(friday, friday + timedelta(hours=24, minutes=1)) is UpdateReason.TOO_OLD


def test_the_first_ask_after_the_open_renews_yesterdays_report() -> None:
    closing = kst(date(2026, 2, 19)) + timedelta(hours=15, minutes=45)
    opens = _CALENDAR.opens(date(2026, 2, 20))
    assert _asked_at(closing, opens) is UpdateReason.TOO_OLD
    assert _asked_at(opens - timedelta(minutes=2), opens) is None
