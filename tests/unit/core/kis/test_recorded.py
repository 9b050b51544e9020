"""What the parsers make of recorded replies, unit by unit."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from core.clock import kst
from core.errors import Malformed, Unsupported
from core.kis import book, finance, holidays, index, investors, minutes, multi, overtime, product
from tests.unit.core.kis import recorded

AT = datetime(2026, 5, 27, 6, 8, tzinfo=UTC)


def changed(reply: dict[str, Any], block: str, **values: Any) -> dict[str, Any]:
    """The reply with values of its first row, or its object, replaced."""
    other = deepcopy(reply)
    rows = other[block]
    (rows[0] if isinstance(rows, list) else rows).update(values)
    return other


def test_thirty_codes_are_asked_with_every_pair() -> None:
    asked = multi.params(["005930", "0001A0"])
    assert len(asked) == 60
    assert (asked["FID_INPUT_ISCD_2"], asked["FID_COND_MRKT_DIV_CODE_2"]) == ("0001A0", "J")
    assert (asked["FID_INPUT_ISCD_3"], asked["FID_COND_MRKT_DIV_CODE_30"]) == ("", "")


def test_prices_of_many_leave_out_unused_pairs_and_halted_stocks() -> None:
    answer = multi.quotes_of(["005930", "000040"], recorded.MULTI, at=AT)
    (quote,) = answer.quotes
    assert (quote.code, quote.price, quote.change, quote.change_percent) == ("005930", 307_000, 8_000, 2.68)
    assert (quote.volume, quote.value, quote.open, quote.high, quote.low) == (
        30_186_066,
        9_578_031_936_250,
        321_500,
        323_000,
        306_000,
    )
    assert answer.rejected == ()


def test_a_bad_row_among_many_is_rejected_and_the_rest_kept() -> None:
    reply = deepcopy(recorded.MULTI)
    reply["output"] += [{"inter_shrn_iscd": "999999", "inter2_prpr": "1"}, 5, {"inter_shrn_iscd": "000660"}]
    answer = multi.quotes_of(["005930", "000660"], reply, at=AT)
    assert [quote.code for quote in answer.quotes] == ["005930"]
    assert [row.reason for row in answer.rejected] == [
        "'000040' was not asked for",
        "'999999' was not asked for",
        "a row is no object",
    ]


def test_flows_are_won_and_the_running_session_is_left_out() -> None:
    flows = investors.recent_of(recorded.INVESTORS)
    (day,) = flows.days
    assert day.day == date(2024, 6, 10)
    assert (day.foreign_shares, day.institution_shares, day.individual_shares) == (-1_893_335, -2_315_098, 4_101_492)
    assert (day.foreign_value, day.individual_value) == (-143_714_000_000, 311_359_000_000)
    assert flows.rejected == ()


def test_average_prices_of_flows_are_near_the_close() -> None:
    """The sanity check of the unit: won a share bought net."""
    for day in (
        *investors.recent_of(recorded.INVESTORS).days,
        *investors.daily_of(recorded.INVESTORS_DAILY, until=date(2025, 8, 11)).days,
    ):
        assert day.individual_value / day.individual_shares == pytest.approx(day.close, rel=0.02)


def test_a_session_later_than_asked_is_rejected() -> None:
    flows = investors.daily_of(recorded.INVESTORS_DAILY, until=date(2025, 8, 8))
    assert flows.days == ()
    assert len(flows.rejected) == 1


def test_a_session_with_half_its_figures_is_rejected() -> None:
    flows = investors.daily_of(changed(recorded.INVESTORS_DAILY, "output2", orgn_ntby_qty=" "), until=date(2025, 8, 11))
    assert (flows.days, len(flows.rejected)) == ((), 1)


def test_estimates_stand_at_their_times_with_their_signs() -> None:
    estimates, bad = investors.estimates_of(recorded.ESTIMATES)
    assert [(one.at, one.foreign_shares, one.institution_shares) for one in estimates] == [
        (time(9, 30), -10_000, 0),
        (time(10), -30_000, 12_000),
    ]
    assert bad == ()


def test_minutes_carry_their_own_turnover_and_the_oldest_only_serves_as_base() -> None:
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 27), anchor=time(15, 30), most=4)
    chart = minutes.chart_of([page], opens=kst(date(2026, 5, 27), time(9)))
    assert [(bar.at, bar.volume, bar.value) for bar in chart.bars] == [
        (kst(date(2026, 5, 27), time(15, 7)), 99_545, 30_560_315_000),
        (kst(date(2026, 5, 27), time(15, 30)), 37_333, 11_469_734_750),
    ]
    assert all(bar.low <= bar.value / bar.volume <= bar.high for bar in chart.bars)
    assert chart.since == kst(date(2026, 5, 27), time(15, 7))
    assert minutes.next_anchor(page) == time(15, 5)


def test_a_page_that_is_not_full_begins_with_the_open() -> None:
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 27), anchor=time(15, 30), most=30)
    opens = kst(date(2026, 5, 27), time(9))
    chart = minutes.chart_of([page], opens=opens)
    assert (len(chart.bars), chart.since) == (3, opens)
    assert minutes.next_anchor(page) is None


def test_minutes_of_another_day_are_what_kis_fills_up_with() -> None:
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 28), anchor=time(15, 30), most=30)
    assert (page.running, page.rejected) == ((), ())


def test_a_page_filled_up_with_the_day_before_begins_with_the_open() -> None:
    day_before = [row | {"stck_bsop_date": "20260526"} for row in recorded.MINUTES["output2"][:2]]
    body = recorded.MINUTES | {"output2": [*recorded.MINUTES["output2"], *day_before]}
    page = minutes.page_of(body, on=date(2026, 5, 27), anchor=time(15, 30), most=6)
    opens = kst(date(2026, 5, 27), time(9))
    chart = minutes.chart_of([page], opens=opens)
    assert (len(chart.bars), chart.since, minutes.next_anchor(page)) == (3, opens, None)


def test_no_minute_at_all_of_a_stock_that_has_traded_is_a_fault_and_no_quiet_day() -> None:
    empty = recorded.MINUTES | {"output2": []}
    with pytest.raises(Malformed, match="has traded"):
        minutes.page_of(empty, on=date(2026, 5, 27), anchor=time(15, 30), most=30)
    halted = empty | {"output1": recorded.MINUTES["output1"] | {"acml_vol": "0"}}
    assert minutes.page_of(halted, on=date(2026, 5, 27), anchor=time(15, 30), most=30).running == ()


def test_flat_minutes_that_fill_the_time_to_come_are_no_minutes() -> None:
    """KIS fills what lies ahead with the last price and no volume."""
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 27), anchor=time(15, 30), most=30)
    chart = minutes.chart_of([page], opens=kst(date(2026, 5, 27), time(9)))
    assert kst(date(2026, 5, 27), time(15, 29)) not in {bar.at for bar in chart.bars}


def test_a_price_between_two_ticks_is_a_price() -> None:
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 27), anchor=time(15, 30), most=30)
    assert page.running[0].open == 308_750


def test_the_blank_parameters_of_minutes_are_sent() -> None:
    assert minutes.past_params("005930", date(2026, 5, 27), time(15, 30))["FID_FAKE_TICK_INCU_YN"] == ""
    assert minutes.today_params("005930", time(9, 30)) == {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": "005930",
        "FID_INPUT_HOUR_1": "093000",
        "FID_PW_DATA_INCU_YN": "N",
        "FID_ETC_CLS_CODE": "",
    }


def test_a_minute_after_the_anchor_is_rejected() -> None:
    page = minutes.page_of(recorded.MINUTES, on=date(2026, 5, 27), anchor=time(15, 29), most=30)
    assert len(page.running) == 3
    assert len(page.rejected) == 1


def test_a_book_has_its_levels_without_the_empty_ones() -> None:
    found = book.book_of("005930", recorded.BOOK, at=AT)
    assert [(level.price, level.shares) for level in found.asks] == [(307_500, 2_588), (308_000, 18_774)]
    assert [level.price for level in found.bids] == [307_000, 306_500]
    assert (found.ask_total, found.bid_total) == (128_407, 268_292)


def test_a_book_without_prices_is_a_stock_kis_does_not_have() -> None:
    with pytest.raises(Unsupported, match="005930"):
        book.book_of("005930", {"output1": {"aspr_acpt_hour": ""}}, at=AT)


@pytest.mark.parametrize("values", [{"askp1": "306000"}, {"askp2": "307000"}, {"bidp2": "307500"}])
def test_a_book_whose_prices_cross_is_malformed(values: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        book.book_of("005930", changed(recorded.BOOK, "output1", **values), at=AT)


def test_an_index_is_in_shares_and_won() -> None:
    found = index.quote_of("0001", recorded.INDEX, at=AT)
    assert (found.level, found.change, found.change_percent) == (2_807.63, 10.30, 0.37)
    assert (found.volume, found.turnover) == (758_166_000, 13_576_970_000_000)
    assert (found.rising, found.unchanged, found.falling, found.upper_limit) == (499, 62, 371, 4)


def test_sessions_of_an_index_stop_where_they_were_asked_to() -> None:
    page = index.page_of(recorded.INDEX_CHART, start=date(2024, 6, 20), end=date(2024, 6, 21), most=1)
    chart = index.chart_of([page])
    assert (chart.name, chart.bars[0].close, chart.bars[0].turnover) == ("종합", 2_807.63, 13_576_970_000_000)
    assert page.full
    later = index.page_of(recorded.INDEX_CHART, start=date(2024, 6, 21), end=date(2024, 6, 21), most=1)
    assert (later.bars, later.full) == ((), False)


def test_the_session_after_the_close_counts_from_that_close() -> None:
    (day,), bad = overtime.days_of(recorded.OVERTIME)
    assert (day.day, day.price, day.change, day.volume, day.value, day.close) == (
        date(2024, 6, 11),
        75_300,
        100,
        57_438,
        4_327_338_700,
        75_200,
    )
    assert bad == ()


def test_years_leave_out_the_newest_quarter_and_filler() -> None:
    years, _ = finance.ratios_of(recorded.RATIOS, quarters=False)
    assert [one.ended for one in years] == [date(2022, 12, 1), date(2023, 12, 1)]
    assert (years[1].roe, years[1].eps, years[1].net_growth, years[0].bps) == (4.14, 2_131.0, None, None)
    quarters, _ = finance.ratios_of(recorded.RATIOS, quarters=True)
    assert len(quarters) == 3


def test_an_issue_is_named_by_the_end_of_its_number() -> None:
    found = product.stock_of("000660", recorded.STOCK_INFO)
    assert (found.name, found.market, found.listed_on) == ("SK하이닉스", "STK", date(1996, 12, 26))
    assert (found.shares, found.capital, found.kospi200, found.on_nxt) == (728_002_365, 3_657_652_050_000, True, None)
    assert product.product_of("000660", recorded.PRODUCT_INFO).product_class == "주식"
    with pytest.raises(Malformed):
        product.stock_of("005930", recorded.STOCK_INFO)
    with pytest.raises(Unsupported):
        product.stock_of("005930", {"output": {"pdno": ""}})


def test_the_calendar_tells_open_days_by_the_market_alone() -> None:
    days, bad = holidays.days_of(recorded.HOLIDAYS)
    assert (days, bad) == ({date(2024, 6, 11): True, date(2024, 6, 15): False}, ())
    with pytest.raises(Malformed):
        holidays.days_of({"output": []})
