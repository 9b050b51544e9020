"""The daily chart."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed, Unsupported
from core.kis.chart import MOST_ROWS, chart_of, page_of, params

START, END = date(2026, 5, 1), date(2026, 5, 27)


def row(**changed: Any) -> dict[str, Any]:
    usual = {
        "stck_bsop_date": "20260526",
        "stck_clpr": "299000",
        "stck_oprc": "298000",
        "stck_hgpr": "302000",
        "stck_lwpr": "297500",
        "acml_vol": "23441371",
        "acml_tr_pbmn": "7028907724698",
        "flng_cls_code": "00",
        "prtt_rate": "0.00",
        "mod_yn": "N",
        "prdy_vrss_sign": "2",
        "prdy_vrss": "6500",
        "revl_issu_reas": "",
    }
    return usual | changed


def body(*rows: Any, price: str = "307000") -> dict[str, Any]:
    return {"output1": {"stck_prpr": price, "itewhol_loan_rmnd_ratem name": "0.38"}, "output2": list(rows)}


def read(*rows: Any, price: str = "307000") -> Any:
    return chart_of([page_of("005930", body(*rows, price=price), start=START, end=END)])


def test_a_recorded_row_becomes_a_bar() -> None:
    (bar,) = read(row()).bars
    assert (bar.day, bar.open, bar.high, bar.low, bar.close) == (date(2026, 5, 26), 298_000, 302_000, 297_500, 299_000)
    assert (bar.volume, bar.value, bar.split_ratio, bar.traded) == (23_441_371, 7_028_907_724_698, None, True)


def test_bars_come_oldest_first_and_one_a_day() -> None:
    chart = read(row(stck_bsop_date="20260527"), row(), row(stck_clpr="298500"))
    assert [(bar.day.day, bar.close) for bar in chart.bars] == [(26, 299_000), (27, 299_000)]


def test_filler_rows_are_dropped_without_a_word() -> None:
    chart = read({}, row(), {"stck_bsop_date": "  "}, {})
    assert (len(chart.bars), chart.rejected) == (1, ())


@pytest.mark.parametrize(
    "odd",
    [
        {"stck_clpr": "0"},
        {"stck_clpr": ""},
        {"acml_vol": "-3"},
        {"stck_hgpr": "290000"},
        {"stck_lwpr": "300000"},
        {"stck_bsop_date": "20260430"},
        {"stck_bsop_date": "2026-05-26"},
        {"prtt_rate": "99999999", "revl_issu_reas": "01"},
        {"stck_oprc": None},
    ],
)
def test_an_odd_row_is_rejected_with_its_reason_and_the_others_kept(odd: dict[str, Any]) -> None:
    chart = read(row(stck_bsop_date="20260525"), row(**odd))
    assert [bar.day.day for bar in chart.bars] == [25]
    (bad,) = chart.rejected
    assert bad.reason
    assert "stck_bsop_date" in bad.raw


def test_a_day_without_a_trade_has_no_open() -> None:
    chart = read(row(stck_oprc="0", stck_hgpr="0", stck_lwpr="0", acml_vol="0", acml_tr_pbmn="0", mod_yn="Y"))
    assert not chart.bars[0].traded
    assert chart.bars[0].close == 299_000


def test_no_price_and_no_row_is_a_stock_kis_does_not_have() -> None:
    with pytest.raises(Unsupported, match="005930"):
        read({}, price="0")


def test_a_delisted_stock_without_a_price_still_has_its_history() -> None:
    assert len(read(row(), price="0").bars) == 1


def test_a_split_is_read_exactly_from_the_prices() -> None:
    # 3:1: the reference price is 99,667 against a close before of 299,000, which prtt_rate rounds to 0.33.
    split = row(
        stck_bsop_date="20260527",
        stck_oprc="100000",
        stck_hgpr="101000",
        stck_lwpr="99000",
        stck_clpr="100667",
        prdy_vrss="1000",
        prtt_rate="0.33",
        revl_issu_reas="01",
    )
    assert read(split, row()).bars[-1].split_ratio == pytest.approx(99_667 / 299_000)


def test_a_split_with_no_bar_before_it_keeps_the_rounded_ratio() -> None:
    assert read(row(prtt_rate="0.20", flng_cls_code="01")).bars[0].split_ratio == 0.20


@pytest.mark.parametrize(
    "none",
    [
        {"prtt_rate": "0.00", "revl_issu_reas": "01"},
        {"prtt_rate": "1.00", "revl_issu_reas": "01"},
        {"prtt_rate": "", "revl_issu_reas": "01"},
        {"prtt_rate": "0.95", "revl_issu_reas": "", "flng_cls_code": "00"},
    ],
)
def test_no_ratio_without_both_a_rate_and_a_reason(none: dict[str, str]) -> None:
    assert read(row(**none)).bars[0].split_ratio is None


def test_a_split_across_two_pages_still_sees_the_close_before() -> None:
    newer = page_of("005930", body(row(prtt_rate="0.98", revl_issu_reas="99")), start=START, end=END)
    older = page_of("005930", body(row(stck_bsop_date="20260525", stck_clpr="298500")), start=START, end=END)
    assert chart_of([newer, older]).bars[-1].split_ratio == pytest.approx(292_500 / 298_500)


def test_a_page_of_a_hundred_rows_may_have_older_ones() -> None:
    assert page_of("005930", body(*[row()] * MOST_ROWS), start=START, end=END).full
    assert not page_of("005930", body(row()), start=START, end=END).full


def test_every_parameter_is_sent_and_one_means_raw() -> None:
    assert params("005930", START, END) == {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": "005930",
        "FID_INPUT_DATE_1": "20260501",
        "FID_INPUT_DATE_2": "20260527",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "1",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(row())), inner, max_size=6),
    max_leaves=20,
)


@given(JSON, st.text(max_size=6))
def test_any_rows_give_sound_bars_or_a_typed_failure(rows: object, price: str) -> None:
    reply = {"output1": {"stck_prpr": price}, "output2": rows}
    try:
        chart = chart_of([page_of("005930", reply, start=START, end=END)])
    except (Malformed, Unsupported):
        return
    assert all(bar.close > 0 and START <= bar.day <= END for bar in chart.bars)
