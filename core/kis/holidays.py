"""The exchange's own calendar: `chk-holiday`, CTCA0903R. 24 days a call, and one call a day at most, by KIS's wish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from core.errors import Malformed
from core.kis.rows import Rejected, Row, day, each, flag, listed, needed

PATH: Final = "chk-holiday"
TR_ID: Final = "CTCA0903R"


def params(first: date) -> dict[str, str]:
    """The query for the days from `first` on."""
    return {"BASS_DT": f"{first:%Y%m%d}", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}


def days_of(body: Row) -> tuple[Mapping[date, bool], tuple[Rejected, ...]]:
    """Whether the market opens on each day of a reply; raises `Malformed` where no day can be read."""
    found, bad = each(listed(body, "output"), _day)
    if not found:
        raise Malformed("KIS: a calendar without a day")
    return dict(found), bad


def _day(row: Row) -> tuple[date, bool]:
    return needed(day(row, "bass_dt"), "bass_dt"), needed(flag(row, "opnd_yn"), "opnd_yn")
