"""Who bought and sold: `inquire-investor`, `investor-trade-by-stock-daily`, `investor-trend-estimate`.

The first is served to every key and has thirty days without a date; the second reaches back as far as one asks. Both
write amounts in million won. The third holds estimates made five times in a session, in shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Final

from core.errors import Malformed
from core.kis.rows import MILLION, Rejected, Row, day, each, listed, scaled, text, whole

RECENT: Final = "inquire-investor", "FHKST01010900"
DAILY: Final = "investor-trade-by-stock-daily", "FHPTJ04160001"
ESTIMATE: Final = "investor-trend-estimate", "HHPTJ04160200"

ESTIMATED_AT: Final = {1: time(9, 30), 2: time(10), 3: time(11, 20), 4: time(13, 20), 5: time(14, 30)}
"""When each estimate of a session stands, in Seoul."""

_GROUPS: Final = {"foreign": "frgn", "institution": "orgn", "individual": "prsn"}


@dataclass(frozen=True, kw_only=True, slots=True)
class NetTrading:
    """What each group bought net of one stock in one session: shares, and won in `…_value`. Negative: sold."""

    day: date
    close: int
    foreign_shares: int
    institution_shares: int
    individual_shares: int
    foreign_value: int
    institution_value: int
    individual_value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowEstimate:
    """Net shares since the open by an estimate that stands at `at` (Seoul time of the running session)."""

    at: time
    foreign_shares: int
    institution_shares: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Flows:
    """Sessions, oldest first, one a day, and the rows that could not be read."""

    days: tuple[NetTrading, ...]
    rejected: tuple[Rejected, ...] = ()


def recent_params(code: str) -> dict[str, str]:
    """The query for the last thirty sessions."""
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code}


def daily_params(code: str, until: date) -> dict[str, str]:
    """The query for thirty sessions back from `until`, which must be one whose figures are out (15:41 on its day)."""
    return recent_params(code) | {
        "FID_INPUT_DATE_1": f"{until:%Y%m%d}",
        "FID_ORG_ADJ_PRC": "",
        "FID_ETC_CLS_CODE": "1",
    }


def estimate_params(code: str) -> dict[str, str]:
    """The query for the estimates of the running session."""
    return {"MKSC_SHRN_ISCD": code}


def recent_of(body: Row) -> Flows:
    """The sessions in a reply of `RECENT`. The running one, whose figures are blank, is left out."""
    return _flows(listed(body, "output"))


def daily_of(body: Row, *, until: date) -> Flows:
    """The sessions in a reply of `DAILY`; a row later than `until` was not asked for and is rejected."""
    return _flows(listed(body, "output2"), until)


def estimates_of(body: Row) -> tuple[tuple[FlowEstimate, ...], tuple[Rejected, ...]]:
    """The estimates in a reply of `ESTIMATE`, oldest first."""
    found, bad = each(listed(body, "output2"), _estimate)
    return tuple(sorted(found, key=lambda estimate: estimate.at)), bad


def _flows(rows: list[object], until: date = date.max) -> Flows:
    def read(row: Row) -> NetTrading | None:
        return _net_trading(row, until)

    found, bad = each(rows, read)
    by_day = {one.day: one for one in reversed(found)}
    return Flows(days=tuple(by_day[on] for on in sorted(by_day)), rejected=bad)


def _net_trading(row: Row, until: date) -> NetTrading | None:
    on = day(row, "stck_bsop_date")
    if on is None:
        return None
    if on > until:
        raise Malformed(f"{on} was not asked for")
    shares = {f"{group}_shares": whole(row, f"{prefix}_ntby_qty") for group, prefix in _GROUPS.items()}
    values = {f"{group}_value": scaled(row, f"{prefix}_ntby_tr_pbmn", MILLION) for group, prefix in _GROUPS.items()}
    figures = shares | values
    if all(value is None for value in figures.values()):
        return None  # the session still runs
    if missing := [name for name, value in figures.items() if value is None]:
        raise Malformed(f"{', '.join(missing)} of {on} missing")
    close = whole(row, "stck_clpr")
    if not close or close < 0:
        raise Malformed(f"a close of {close}")
    return NetTrading(day=on, close=close, **{name: value or 0 for name, value in figures.items()})


def _estimate(row: Row) -> FlowEstimate | None:
    place = text(row, "bsop_hour_gb")
    if place is None:
        return None
    at = ESTIMATED_AT.get(int(place)) if place.isascii() and place.isdecimal() and len(place) < 3 else None
    if at is None:
        raise Malformed(f"bsop_hour_gb is none of 1 to 5: {place[:30]!r}")
    foreign, institution = (whole(row, f"{group}_fake_ntby_qty") for group in ("frgn", "orgn"))
    if foreign is None or institution is None:
        return None
    return FlowEstimate(at=at, foreign_shares=foreign, institution_shares=institution)
