from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import kst
from core.market.bar import Bar, Quote
from core.prediction.fact import Fact
from core.prediction.price_facts import LEAST_BAND, USUAL_BAND, Prices, price_facts, prices_of
from tests.sheets import CALENDAR, LAST_DAY, make_bar, make_bars, make_quote, sessions_until

MONDAY = date(2026, 2, 23)
ELEVEN = CALENDAR.opens(MONDAY) + timedelta(hours=2)


def _prices(bars: list[Bar], quote: Quote | None = None) -> Prices:
    prices = prices_of(bars, quote, CALENDAR)
    assert prices is not None
    return prices


def _facts(bars: list[Bar], quote: Quote | None = None, *, live_shares: int | None = None) -> dict[str, Fact]:
    facts = list(price_facts(_prices(bars, quote), live_shares=live_shares))
    assert len({fact.name for fact in facts}) == len(facts)
    return {fact.name: fact for fact in facts}


def test_without_a_quote_the_last_close_is_the_price() -> None:
    days = sessions_until(LAST_DAY, 2)
    facts = _facts([make_bar(days[0], 100_000), make_bar(days[1], 98_500, open=99_000, volume=10, value=985_000)])
    assert (facts["price"].label, facts["price"].text) == ("종가", "98,500원")
    assert facts["price"].source == "일봉"
    assert facts["price"].at == kst(LAST_DAY, time(15, 30))
    assert facts["change"].text == "-1,500원"
    assert facts["change_percent"].text == "-1.50%"
    assert facts["open"].value == 99_000
    assert facts["value"].text == "99만원"


def test_a_quote_in_the_session_is_the_price_and_the_bars_end_the_day_before() -> None:
    bars = make_bars(150)
    quote = make_quote(ELEVEN, price=bars[-1].close + 700, per=12.34, market_cap=10**14)
    facts = _facts(bars, quote)
    assert facts["price"].label == "현재가"
    assert facts["price"].at == ELEVEN
    assert facts["per"].text == "12.34배"
    assert facts["market_cap"].text == "100조원"
    assert facts["return_5"].value == pytest.approx(round((quote.price / bars[-5].close - 1) * 100, 2))
    assert facts["sma_20"].at == CALENDAR.closes(LAST_DAY)


def test_a_quote_of_a_closed_session_is_its_close() -> None:
    bars = make_bars(150)
    quote = make_quote(CALENDAR.closes(LAST_DAY) + timedelta(minutes=20), price=bars[-1].close)
    facts, prices = _facts(bars, quote), _prices(bars, quote)
    assert facts["price"].label == "종가"
    assert prices.base_at == CALENDAR.closes(LAST_DAY)
    assert facts["return_5"].value == pytest.approx(round((quote.price / bars[-6].close - 1) * 100, 2))


def test_a_price_re_based_this_session_puts_the_past_on_its_scale() -> None:
    bars = [make_bar(day, 500_000) for day in sessions_until(LAST_DAY, 150)]
    quote = make_quote(ELEVEN, price=10_100, change=100)  # fifty for one: yesterday's 500,000 is 10,000 today
    facts = _facts(bars, quote)
    assert facts["sma_20"].value == 10_000
    assert facts["return_20"].value == 1.0


def test_past_splits_are_seen_through() -> None:
    days = sessions_until(LAST_DAY, 60)
    before = [make_bar(day, 50_000) for day in days[:30]]
    split = make_bar(days[30], 10_000, split_ratio=0.2)
    facts = _facts([*before, split, *(make_bar(day, 10_000) for day in days[31:])])
    assert facts["return_20"].value == 0
    assert _facts([*before, split])["return_5"].value == 0


def test_the_market_value_needs_shares_known_at_that_instant() -> None:
    bars = make_bars(30)
    assert "market_cap" not in _facts(bars)
    assert _facts(bars, live_shares=1_000)["market_cap"].value == bars[-1].close * 1_000


def test_a_year_is_needed_for_a_52_week_range_unless_the_quote_brings_it() -> None:
    assert "high_52w" not in _facts(make_bars(100))
    year = make_bars(250)
    facts = _facts(year)
    assert facts["high_52w"].value == max(bar.high for bar in year if bar.day > LAST_DAY - timedelta(days=365))
    quoted = _facts(make_bars(3), make_quote(ELEVEN, price=150, change=0, high_52w=200, low_52w=100))
    assert (quoted["position_52w"].text, quoted["position_52w"].source) == ("50.0%", "KIS")


def test_a_52_week_range_from_before_a_split_is_not_taken_from_the_quote() -> None:
    days = sessions_until(LAST_DAY, 40)
    bars = [*(make_bar(day, 50_000) for day in days[:30]), make_bar(days[30], 10_000, split_ratio=0.2)]
    quote = make_quote(ELEVEN, price=10_000, change=0, high_52w=50_000, low_52w=9_000)
    assert "high_52w" not in _facts([*bars, *(make_bar(day, 10_000) for day in days[31:])], quote)


def test_three_bars_still_give_a_price() -> None:
    facts = _facts(make_bars(3))
    assert {"price", "change", "volume", "value"} <= facts.keys()
    assert not {"rsi_14", "sma_20", "return_5"} & facts.keys()
    assert _prices(make_bars(3)).band == USUAL_BAND


def test_a_halted_day_has_a_price_and_no_range() -> None:
    bars = make_bars(30)
    halted = replace(bars[-1], day=MONDAY, open=0, high=0, low=0, volume=0, value=0)
    facts = _facts([*bars, halted])
    assert facts["change"].text == "0원"
    assert not {"open", "high", "low"} & facts.keys()


def test_nothing_at_all_is_no_price() -> None:
    assert prices_of([], None, CALENDAR) is None


@given(st.integers(1, 260), st.integers(0, 30), st.integers(50, 1_000_000))
def test_any_history_gives_facts_whose_text_is_their_value(count: int, seed: int, start: int) -> None:
    bars = make_bars(count, seed=seed, start=start)
    for fact in _facts(bars).values():
        assert fact.value is not None
        assert fact.text
        assert fact.at <= CALENDAR.closes(LAST_DAY)
        if fact.text.endswith("%"):
            assert float(fact.text[:-1].replace(",", "")) == fact.value
    assert _prices(bars).band >= LEAST_BAND
