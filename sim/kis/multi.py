"""The prices of thirty issues: `intstock-multprice` (FHKST11300006). Halted ones show a price of zero."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.stocks.stock import Market
from sim.kis.price import sign
from sim.market import SimMarket, SimQuote
from sim.ticks import tick

MOST = 30
PARAMS = tuple(
    name for place in range(1, MOST + 1) for name in (f"FID_COND_MRKT_DIV_CODE_{place}", f"FID_INPUT_ISCD_{place}")
)


def rows(market: SimMarket, codes: Sequence[str], at: datetime) -> list[dict[str, str]]:
    """A row for every code that is known, in the order asked."""
    quotes = (market.quote(code, at) for code in codes if code)
    return [_row(quote) for quote in quotes if quote is not None]


def _row(quote: SimQuote) -> dict[str, str]:
    issue, bar = quote.issue, quote.bar
    price = 0 if issue.halted else bar.close
    step = tick(bar.close, issue.kind)
    waiting = max(1, bar.volume // 100)
    return {
        "kospi_kosdaq_cls_name": "코스피" if issue.market is Market.KOSPI else "코스닥",
        "mrkt_trtm_cls_name": "거래정지" if issue.halted else "",
        "hour_cls_code": "0",
        "inter_shrn_iscd": issue.code,
        "inter_kor_isnm": issue.name,
        "inter2_prpr": str(price),
        "inter2_prdy_vrss": str(quote.change),
        "prdy_vrss_sign": sign(quote.change, price=bar.close, lower=quote.lower, upper=quote.upper),
        "prdy_ctrt": f"{quote.percent:.2f}",
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(bar.value),
        "inter2_oprc": str(bar.open),
        "inter2_hgpr": str(bar.high),
        "inter2_lwpr": str(bar.low),
        "inter2_llam": str(quote.lower),
        "inter2_mxpr": str(quote.upper),
        "inter2_askp": str(bar.close + step),
        "inter2_bidp": str(bar.close),
        "seln_rsqn": str(waiting),
        "shnu_rsqn": str(waiting),
        "total_askp_rsqn": str(waiting * 10),
        "total_bidp_rsqn": str(waiting * 10),
        "oprc_vrss_hgpr_rate": f"{(bar.high - bar.open) / bar.open * 100 if bar.open else 0:.2f}",
        "intr_antc_cntg_vrss": "0",
        "intr_antc_cntg_vrss_sign": "3",
        "intr_antc_cntg_prdy_ctrt": "0.00",
        "intr_antc_vol": "0",
        "inter2_prdy_clpr": str(quote.base),
        "inter2_sdpr": str(quote.base),
    }
