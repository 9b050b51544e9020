"""How many stocks' true minutes fit into a minute's share of calls."""

from __future__ import annotations

from datetime import date, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst
from core.market.minutes import within_calls

OPENS, UNTIL = kst(date(2026, 11, 20), time(9)), kst(date(2026, 11, 20), time(15))


def fitting(behind: dict[str, int], calls: int) -> list[str]:
    """Those that fit, of stocks so many minutes behind; a negative number for one with nothing yet."""
    covered = {code: UNTIL - timedelta(minutes=minutes) for code, minutes in behind.items() if minutes >= 0}
    return within_calls(list(behind), covered, opens=OPENS, until=UNTIL, calls=calls)


def test_stocks_that_are_up_to_date_cost_a_call_each() -> None:
    assert fitting({"000660": 1, "005930": 28, "035420": 5}, calls=2) == ["000660", "005930"]


def test_a_stock_without_any_minutes_costs_its_whole_day() -> None:
    assert fitting({"000660": 1, "005930": -1, "035420": 1}, calls=13) == ["000660"]
    assert fitting({"000660": 1, "005930": -1, "035420": 1}, calls=14) == ["000660", "005930"]


def test_one_is_asked_about_however_much_it_lacks() -> None:
    assert fitting({"000660": -1, "005930": 1}, calls=1) == ["000660"]


@given(st.lists(st.integers(0, 390), max_size=60), st.integers(1, 540))
def test_the_share_is_kept_and_used(minutes: list[int], calls: int) -> None:
    behind = {f"{place:06d}": late for place, late in enumerate(minutes)}
    taken = fitting(behind, calls)
    costs = [1 + late // 29 for late in minutes]
    assert taken == list(behind)[: len(taken)]
    assert sum(costs[: len(taken)]) <= calls or len(taken) == 1
    assert len(taken) == len(minutes) or sum(costs[: len(taken) + 1]) > calls
