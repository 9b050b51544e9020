"""Financial ratios: `finance/financial-ratio`, FHKST66430300. Years, and quarters that add up from the year's start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.errors import Malformed
from core.kis.rows import Rejected, Row, decimal, each, listed, text

PATH: Final = "finance/financial-ratio"
TR_ID: Final = "FHKST66430300"

_FILLER: Final = (99.99, 9999.99)
"""What KIS writes where it has nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratios:
    """The ratios of a period that ended in the month `ended` (its first day): percents, and won a share.

    Growth is against the same period a year before. A quarter's figures add up from the start of its year, while its
    return on equity is that of a year.
    """

    ended: date
    quarter: bool
    sales_growth: float | None
    operating_growth: float | None
    net_growth: float | None
    roe: float | None
    eps: float | None
    sales_per_share: float | None
    bps: float | None
    reserve_ratio: float | None
    debt_ratio: float | None


_FIELDS: Final = {
    "sales_growth": "grs",
    "operating_growth": "bsop_prfi_inrt",
    "net_growth": "ntin_inrt",
    "roe": "roe_val",
    "eps": "eps",
    "sales_per_share": "sps",
    "bps": "bps",
    "reserve_ratio": "rsrv_rate",
    "debt_ratio": "lblt_rate",
}


def params(code: str, *, quarters: bool) -> dict[str, str]:
    """The query for all years, or all quarters."""
    return {"FID_DIV_CLS_CODE": "1" if quarters else "0", "fid_cond_mrkt_div_code": "J", "fid_input_iscd": code}


def ratios_of(body: Row, *, quarters: bool) -> tuple[tuple[Ratios, ...], tuple[Rejected, ...]]:
    """The periods, oldest first. A list of years begins with the newest quarter, which is left out."""

    def read(row: Row) -> Ratios | None:
        return _ratios(row, quarters)

    found, bad = each(listed(body, "output"), read)
    by_end = {one.ended: one for one in reversed(found)}
    ordered = [by_end[ended] for ended in sorted(by_end)]
    return tuple(ordered if quarters else _years(ordered)), bad


def _years(ordered: Sequence[Ratios]) -> Sequence[Ratios]:
    newest, before = ordered[-1:], ordered[-2:-1]
    interim = newest and before and newest[0].ended.month != before[0].ended.month
    return ordered[:-1] if interim else ordered


def _ratios(row: Row, quarter: bool) -> Ratios | None:
    written = text(row, "stac_yymm")
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) == 6):
        raise Malformed(f"stac_yymm is no month: {written[:30]!r}")
    try:
        ended = date(int(written[:4]), int(written[4:]), 1)
    except ValueError:
        raise Malformed(f"stac_yymm is no month: {written!r}") from None
    figures = {name: _known(decimal(row, wire)) for name, wire in _FIELDS.items()}
    return Ratios(ended=ended, quarter=quarter, **figures)


def _known(value: float | None) -> float | None:
    return None if value in _FILLER else value
