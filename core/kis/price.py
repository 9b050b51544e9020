"""The current price: `inquire-price`, FHKST01010100."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.errors import Malformed, Unsupported
from core.kis.rows import Row, decimal, members, needed, not_negative, text, whole
from core.market.bar import Quote

PATH: Final = "inquire-price"
TR_ID: Final = "FHKST01010100"
_EOK: Final = 100_000_000


def params(code: str) -> dict[str, str]:
    """The query for the exchange's own price, without the other venues."""
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code}


def quote_of(code: str, body: Row, *, at: datetime) -> Quote:
    """The quote in a reply that came at `at`. PER and PBR are those of the last full year; zero means not known.

    Raises `Unsupported` where KIS knows no such stock (it then answers with a price of zero) and `Malformed`.
    """
    row = members(body, "output")
    price = whole(row, "stck_prpr")
    if not price:
        raise Unsupported(f"KIS has no stock {code}")
    if price < 0 or text(row, "stck_shrn_iscd") not in (code, None):
        raise Malformed(f"KIS: a price of {price} for {text(row, 'stck_shrn_iscd')} as the answer for {code}")
    cap = whole(row, "hts_avls")
    return Quote(
        code=code,
        price=price,
        change=needed(whole(row, "prdy_vrss"), "prdy_vrss"),
        change_percent=needed(decimal(row, "prdy_ctrt"), "prdy_ctrt"),
        volume=not_negative(row, "acml_vol"),
        value=not_negative(row, "acml_tr_pbmn"),
        at=at,
        source="KIS",
        open=whole(row, "stck_oprc") or None,
        high=whole(row, "stck_hgpr") or None,
        low=whole(row, "stck_lwpr") or None,
        high_52w=whole(row, "w52_hgpr") or None,
        low_52w=whole(row, "w52_lwpr") or None,
        market_cap=cap * _EOK if cap else None,
        per=decimal(row, "per") or None,
        pbr=decimal(row, "pbr") or None,
    )
