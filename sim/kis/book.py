"""The order book, ten levels around the price: `inquire-asking-price-exp-ccn` (FHKST01010200)."""

from __future__ import annotations

import zlib
from datetime import datetime

from core.clock import KST
from sim.market import SimMarket
from sim.ticks import tick

LEVELS = 10


def order_book(market: SimMarket, code: str, at: datetime) -> dict[str, object]:
    """`output1` and `output2`; an unknown code has no price in either."""
    quote = market.quote(code, at)
    if quote is None:
        return {"output1": {"aspr_acpt_hour": "", "new_mkop_cls_code": "00"}, "output2": {"stck_prpr": "0"}}
    price, kind = quote.bar.close, quote.issue.kind
    step = tick(price, kind)
    seed = zlib.crc32(f"book {code} {int(at.timestamp()) // 60}".encode())
    usual = max(10, quote.bar.volume // 2_000)
    first: dict[str, str] = {"aspr_acpt_hour": f"{at.astimezone(KST):%H%M%S}", "new_mkop_cls_code": "20"}
    totals = {"ask": 0, "bid": 0}
    for place in range(1, LEVELS + 1):
        levels = {"ask": price + step * place, "bid": price - step * (place - 1)}
        for side, level in levels.items():
            inside = quote.lower <= level <= quote.upper and not quote.issue.halted
            waiting = usual * (1 + (seed >> place) % 7) if inside else 0
            totals[side] += waiting
            first |= {
                f"{side}p{place}": str(level if inside else 0),
                f"{side}p_rsqn{place}": str(waiting),
                f"{side}p_rsqn_icdc{place}": "0",
            }
    first |= {
        "total_askp_rsqn": str(totals["ask"] * 3 // 2),
        "total_bidp_rsqn": str(totals["bid"] * 3 // 2),
        "total_askp_rsqn_icdc": "0",
        "total_bidp_rsqn_icdc": "0",
        "ovtm_total_askp_rsqn": "0",
        "ovtm_total_bidp_rsqn": "0",
        "ntby_aspr_rsqn": str((totals["bid"] - totals["ask"]) * 3 // 2),
    }
    second = {
        "antc_mkop_cls_code": "112",
        "stck_prpr": str(price),
        "antc_cnpr": str(quote.bar.open),
        "antc_vol": "0",
        "stck_shrn_iscd": code,
        "vi_cls_code": "N",
    }
    return {"output1": first, "output2": second}
