"""After the close: `inquire-daily-overtimeprice` (FHPST02320000), for days before the single-price session ended."""

from __future__ import annotations

import zlib
from datetime import datetime

from core.clock import hours_on, kst
from core.stocks.stock import Kind
from sim.market import SimBar, SimMarket
from sim.ticks import on_tick

DAYS = 30


def traded(code: str, bar: SimBar, kind: Kind) -> tuple[int, int]:
    """Price and volume after the close of a session."""
    seed = zlib.crc32(f"overtime {code} {bar.day}".encode())
    return on_tick(bar.close * (1 + (seed % 201 - 100) / 10_000), kind), bar.volume // 100


def daily(market: SimMarket, code: str, at: datetime) -> dict[str, object]:
    """`output1` and `output2`: the last thirty single-price sessions that have ended."""
    if code not in market.issues:
        return {"output1": {"ovtm_untp_prpr": "0"}, "output2": []}
    kind = market.issues[code].kind
    bars = [bar for bar in market.bars(code, until=at) if _ended(market, bar, at)]
    rows = [_row(code, bar, kind) for bar in bars[: -DAYS - 1 : -1]]
    return {"output1": rows[0] if rows else {"ovtm_untp_prpr": "0"}, "output2": rows}


def _ended(market: SimMarket, bar: SimBar, at: datetime) -> bool:
    hours = hours_on(bar.day)
    shift = market.calendar.closes(bar.day) - kst(bar.day, hours.close)
    return hours.after_hours_kind == "single_price" and at >= kst(bar.day, hours.after_hours[1]) + shift


def _row(code: str, bar: SimBar, kind: Kind) -> dict[str, str]:
    price, volume = traded(code, bar, kind)
    change = price - bar.close
    return {
        "stck_bsop_date": f"{bar.day:%Y%m%d}",
        "ovtm_untp_prpr": str(price),
        "ovtm_untp_prdy_vrss": str(change),
        "ovtm_untp_prdy_vrss_sign": "3" if not change else "2" if change > 0 else "5",
        "ovtm_untp_prdy_ctrt": f"{change / bar.close * 100 if bar.close else 0:.2f}",
        "ovtm_untp_vol": str(volume),
        "stck_clpr": str(bar.close),
        "acml_vol": str(bar.volume),
        "ovtm_untp_tr_pbmn": str(price * volume),
    }
