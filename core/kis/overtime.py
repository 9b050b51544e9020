"""The single-price session after the close, abolished on 2026-09-14: `inquire-daily-overtimeprice`, FHPST02320000.

Its days stay readable. What the service returns for the continuous after-market that came in its place is not known;
that one is read from the regular quote once it has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from core.errors import Malformed
from core.kis.rows import Rejected, Row, day, each, listed, needed, not_negative, whole

PATH: Final = "inquire-daily-overtimeprice"
TR_ID: Final = "FHPST02320000"


@dataclass(frozen=True, kw_only=True, slots=True)
class OvertimeDay:
    """What was traded after one session's close: won, shares; `close` is the regular close `change` counts from."""

    day: date
    price: int
    change: int
    volume: int
    value: int
    close: int


def params(code: str) -> dict[str, str]:
    """The query for the last thirty days."""
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code}


def days_of(body: Row) -> tuple[tuple[OvertimeDay, ...], tuple[Rejected, ...]]:
    """The days with a trade after hours, oldest first."""
    found, bad = each(listed(body, "output2"), _overtime)
    by_day = {one.day: one for one in reversed(found)}
    return tuple(by_day[on] for on in sorted(by_day)), bad


def _overtime(row: Row) -> OvertimeDay | None:
    on = day(row, "stck_bsop_date")
    price, volume = whole(row, "ovtm_untp_prpr"), whole(row, "ovtm_untp_vol")
    if on is None or not price or not volume:
        return None
    if price < 0 or volume < 0:
        raise Malformed(f"a price of {price} and a volume of {volume}")
    close = not_negative(row, "stck_clpr")
    change = needed(whole(row, "ovtm_untp_prdy_vrss"), "ovtm_untp_prdy_vrss")
    return OvertimeDay(
        day=on, price=price, change=change, volume=volume, value=not_negative(row, "ovtm_untp_tr_pbmn"), close=close
    )
