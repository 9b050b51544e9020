"""The current price."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Malformed, Unsupported
from core.kis.price import params, quote_of

AT = datetime(2024, 6, 10, 7, 0, tzinfo=UTC)


def reply(**changed: Any) -> dict[str, Any]:
    output = {
        "stck_shrn_iscd": "005930",
        "stck_prpr": "75700",
        "prdy_vrss": "-1600",
        "prdy_ctrt": "-2.07",
        "acml_tr_pbmn": "1109351578979",
        "acml_vol": "14598755",
        "stck_oprc": "76100",
        "stck_hgpr": "76600",
        "stck_lwpr": "75600",
        "w52_hgpr": "86000",
        "w52_lwpr": "65800",
        "hts_avls": "4519125",
        "per": "35.52",
        "pbr": "1.46",
    }
    return {"rt_cd": "0", "output": output | changed}


def test_a_recorded_reply_becomes_a_quote_in_won() -> None:
    quote = quote_of("005930", reply(), at=AT)
    assert (quote.price, quote.change, quote.change_percent) == (75_700, -1_600, -2.07)
    assert (quote.volume, quote.value) == (14_598_755, 1_109_351_578_979)
    assert quote.market_cap == 451_912_500_000_000
    assert (quote.high_52w, quote.low_52w, quote.per, quote.pbr) == (86_000, 65_800, 35.52, 1.46)
    assert (quote.at, quote.source) == (AT, "KIS")


def test_before_the_first_trade_there_is_no_open_high_or_low() -> None:
    quote = quote_of("005930", reply(stck_oprc="0", stck_hgpr="0", stck_lwpr="0", per=" ", w52_hgpr=""), at=AT)
    assert (quote.open, quote.high, quote.low, quote.per, quote.high_52w) == (None,) * 5


@pytest.mark.parametrize("price", ["0", "", " "])
def test_a_price_of_zero_is_a_stock_kis_does_not_have(price: str) -> None:
    with pytest.raises(Unsupported, match="005930"):
        quote_of("005930", reply(stck_prpr=price), at=AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"stck_prpr": "75,700"},
        {"stck_prpr": 75700},
        {"stck_prpr": "-5"},
        {"prdy_vrss": ""},
        {"acml_vol": "many"},
        {"prdy_ctrt": "nan"},
        {"stck_shrn_iscd": "000660"},
    ],
)
def test_an_odd_reply_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        quote_of("005930", reply(**changed), at=AT)


@pytest.mark.parametrize("body", [{}, {"output": []}, {"output": None}, {"output": "x"}])
def test_a_reply_without_the_object_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        quote_of("005930", body, at=AT)


def test_the_exchange_itself_is_asked_and_not_another_venue() -> None:
    assert params("0126Z0") == {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "0126Z0"}
