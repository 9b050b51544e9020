"""The prices of up to thirty stocks in one call: `intstock-multprice`, FHKST11300006."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.errors import Malformed
from core.kis.rows import Rejected, Row, decimal, each, listed, needed, not_negative, text, whole
from core.market.bar import Quote

PATH: Final = "intstock-multprice"
TR_ID: Final = "FHKST11300006"
MOST_CODES: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotes:
    """Quotes in the order asked and rows that could not be read. Halted and unknown stocks have neither."""

    quotes: tuple[Quote, ...]
    rejected: tuple[Rejected, ...] = ()


def params(codes: Sequence[str]) -> dict[str, str]:
    """The query for these codes, at most `MOST_CODES`; the rest of the pairs is sent blank, since none may lack."""
    padded = [*codes, *[""] * (MOST_CODES - len(codes))]
    asked: dict[str, str] = {}
    for place, code in enumerate(padded, start=1):
        asked |= {f"FID_COND_MRKT_DIV_CODE_{place}": "J" if code else "", f"FID_INPUT_ISCD_{place}": code}
    return asked


def quotes_of(codes: Sequence[str], body: Row, *, at: datetime) -> Quotes:
    """The quotes in a reply that came at `at`; of two rows of one code the first counts.

    Raises `Malformed` where there is no list of rows.
    """

    def read(row: Row) -> Quote | None:
        return _quote(row, codes, at)

    found, bad = each(listed(body, "output"), read)
    by_code = {quote.code: quote for quote in reversed(found)}
    return Quotes(quotes=tuple(by_code[code] for code in codes if code in by_code), rejected=bad)


def _quote(row: Row, codes: Sequence[str], at: datetime) -> Quote | None:
    code = text(row, "inter_shrn_iscd")
    if code is None:
        return None  # an unused pair
    if code not in codes:
        raise Malformed(f"{code[:12]!r} was not asked for")
    price = whole(row, "inter2_prpr")
    if not price:
        return None
    if price < 0:
        raise Malformed(f"a price of {price}")
    return Quote(
        code=code,
        price=price,
        change=needed(whole(row, "inter2_prdy_vrss"), "inter2_prdy_vrss"),
        change_percent=needed(decimal(row, "prdy_ctrt"), "prdy_ctrt"),
        volume=not_negative(row, "acml_vol"),
        value=not_negative(row, "acml_tr_pbmn"),
        at=at,
        source="KIS",
        open=_price(row, "inter2_oprc"),
        high=_price(row, "inter2_hgpr"),
        low=_price(row, "inter2_lwpr"),
    )


def _price(row: Row, name: str) -> int | None:
    """A price of the day; none before the first trade."""
    value = whole(row, name)
    if value is not None and value < 0:
        raise Malformed(f"{name} is negative: {value}")
    return value or None
