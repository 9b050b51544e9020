from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import Calendar, kst, kst_date
from core.stocks.stock import CODE, Kind, Market
from sim.isin import isin
from sim.market import SimBar, SimIssue, SimMarket, generated_market, partial_bar
from sim.ticks import limits, on_tick, tick
from tests.unit.sim.conftest import FRIDAY

AFTER_CLOSE = kst(FRIDAY, time(15, 50))


def test_the_market_holds_the_issues_a_reader_would_try(market: SimMarket) -> None:
    names = {issue.name for issue in market.issues.values()}
    kinds = {issue.kind for issue in market.issues.values()}
    assert {
        "삼성전자",
        "삼성전자우",
        "SK하이닉스",
        "현대차",
        "기아",
        "카카오",
        "NAVER",
        "한화",
        "신세계",
        "LG",
    } <= names
    assert {Kind.COMMON, Kind.PREFERRED, Kind.SPAC, Kind.ETF, Kind.REIT} == kinds
    assert market.issues["0126Z0"].name == "삼성에피스홀딩스"
    assert {issue.market for issue in market.issues.values()} == set(Market)
    assert all(CODE.fullmatch(code) for code in market.issues)


def test_the_same_seed_gives_the_same_past_whatever_the_last_day(market: SimMarket, calendar: Calendar) -> None:
    shorter = generated_market(7, until=date(2026, 3, 6), calendar=calendar)
    at = kst(date(2026, 3, 6), time(16))
    assert all(shorter.bars(code, until=at) == market.bars(code, until=at) for code in ("005930", "086520", "0126Z0"))
    assert generated_market(8, until=date(2026, 3, 6), calendar=calendar).bars("005930", until=at) != market.bars(
        "005930", until=at
    )


def test_every_bar_is_one_the_exchange_could_have_printed(market: SimMarket, calendar: Calendar) -> None:
    for code, issue in market.issues.items():
        before: SimBar | None = None
        for bar in market.bars(code, until=AFTER_CLOSE):
            assert calendar.is_session(bar.day)
            base = market.base(code, bar.day, before.close if before else bar.close)
            lower, upper = limits(base, issue.market, issue.kind)
            if bar.open:
                assert lower <= bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high <= upper
                assert all(price % tick(price, issue.kind) == 0 for price in (bar.open, bar.high, bar.low, bar.close))
                assert bar.low * bar.volume <= bar.value <= bar.high * bar.volume
            else:
                assert (bar.high, bar.low, bar.volume, bar.value) == (0, 0, 0, 0)
            before = bar


def test_two_years_of_bars_stand_behind_an_old_issue(market: SimMarket) -> None:
    assert len(market.bars("005930", until=AFTER_CLOSE)) > 480
    assert market.bars("0126Z0", until=AFTER_CLOSE)[0].day == date(2025, 11, 24)


def test_a_bar_is_not_seen_before_its_session_opens(market: SimMarket) -> None:
    assert market.bars("005930", until=kst(FRIDAY, time(8, 59)))[-1].day < FRIDAY
    assert market.bars("005930", until=kst(FRIDAY, time(9)))[-1].day == FRIDAY


def test_todays_bar_is_whole_from_the_close_on(market: SimMarket) -> None:
    early = market.bars("005930", until=kst(FRIDAY, time(10)))[-1]
    late = market.bars("005930", until=kst(FRIDAY, time(15, 29)))[-1]
    whole = market.bars("005930", until=kst(FRIDAY, time(15, 30)))[-1]
    assert early.volume < late.volume < whole.volume
    assert whole == market.bars("005930", until=kst(FRIDAY + timedelta(days=9)))[-6]


def test_a_late_session_is_still_running_at_its_usual_close(market: SimMarket) -> None:
    examination_day = date(2026, 11, 19)
    usual = market.bars("005930", until=kst(examination_day, time(15, 30)))[-1]
    assert usual.volume < market.bars("005930", until=kst(examination_day, time(16, 30)))[-1].volume


@given(share=st.floats(0, 1), later=st.floats(0, 1))
def test_a_bar_only_widens_as_the_session_goes_on(share: float, later: float) -> None:
    share, later = sorted((share, later))
    issue = SimIssue(code="005930", name="삼성전자", market=Market.KOSPI)
    whole = SimBar(FRIDAY, 160_000, 163_500, 158_200, 161_000, 1_000_000, 160_900_000_000)
    first, second = partial_bar(issue, whole, share), partial_bar(issue, whole, later)
    assert whole.low <= second.low <= first.low <= first.close <= first.high <= second.high <= whole.high
    assert first.volume <= second.volume <= whole.volume
    assert first.low * first.volume <= first.value + first.volume <= (first.high + 1) * first.volume


def test_before_the_open_the_quote_is_the_base_price_and_nothing_traded(market: SimMarket) -> None:
    yesterday = market.bars("005930", until=kst(FRIDAY, time(8)))[-1]
    quote = market.quote("005930", kst(FRIDAY, time(8, 45)))
    assert quote is not None
    assert quote.bar == SimBar(FRIDAY, 0, 0, 0, yesterday.close, 0, 0)
    assert quote.change == 0


def test_a_halted_issue_keeps_its_close_and_trades_nothing(market: SimMarket) -> None:
    issue, bar = market.issue("001570", AFTER_CLOSE), market.bars("001570", until=AFTER_CLOSE)[-1]
    assert issue is not None
    assert issue.halted
    assert (bar.open, bar.volume) == (0, 0)
    before_halt = market.issue("001570", kst(date(2025, 3, 21), time(16)))
    assert before_halt is not None
    assert not before_halt.halted


def test_a_split_changes_shares_and_base_but_not_the_worth(market: SimMarket) -> None:
    before, after = (market.quote("086520", kst(date(2024, 4, day), time(16))) for day in (24, 25))
    assert before is not None
    assert after is not None
    assert after.issue.shares // 5 == before.issue.shares
    assert after.base == on_tick(before.bar.close / 5)
    assert abs(after.percent) < 30


def test_an_issue_is_not_listed_before_its_first_day(market: SimMarket) -> None:
    codes = {issue.code for issue in market.listed(kst(date(2025, 11, 21), time(16)))}
    assert "005930" in codes
    assert "0126Z0" not in codes
    assert market.quote("0126Z0", kst(date(2025, 11, 21), time(16))) is None
    assert market.quote("999999", AFTER_CLOSE) is None


@pytest.mark.parametrize(
    ("base", "lower", "upper"), [(77_300, 54_200, 100_400), (299_000, 209_500, 388_500), (190_100, 133_100, 247_000)]
)
def test_daily_limits_are_cut_to_the_price_step(base: int, lower: int, upper: int) -> None:
    assert limits(base) == (lower, upper)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("005930", "KR7005930003"), ("005935", "KR7005931001"), ("03473K", "KR703473K016"), ("069500", "KR7069500007")],
)
def test_isin_of_a_code(code: str, expected: str) -> None:
    assert isin(code) == expected


def test_a_moment_of_any_day_names_the_day_in_seoul(market: SimMarket) -> None:
    moment = datetime.fromisoformat("2026-11-19T23:00:00+00:00")
    assert kst_date(moment) == FRIDAY
    assert market.bars("005930", until=moment)[-1].day == date(2026, 11, 19)
