from __future__ import annotations

from datetime import date, time

import pytest

from core.clock import Calendar, ManualClock, kst
from sim.market import SimMarket, generated_market

FRIDAY = date(2026, 11, 20)


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(scope="session")
def market(calendar: Calendar) -> SimMarket:
    return generated_market(7, until=date(2026, 12, 4), calendar=calendar)


@pytest.fixture
def clock() -> ManualClock:
    """Friday 2026-11-20 15:50 in Seoul, after the close."""
    return ManualClock(kst(FRIDAY, time(15, 50)))
