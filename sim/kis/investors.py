"""Who bought and sold: made up by code and day, so that foreigners like rising prices and individuals take the rest."""

from __future__ import annotations

import zlib
from datetime import date, datetime, time

from core.clock import kst, kst_date
from sim.kis.price import sign
from sim.market import SimBar, SimMarket

DAYS = 30
OUT_AT = time(15, 41)
"""When the figures of a session come out."""

MILLION = 1_000_000
ESTIMATED_AT = {1: time(9, 30), 2: time(10), 3: time(11, 20), 4: time(13, 20), 5: time(14, 30)}


def net(code: str, bar: SimBar, base: int) -> dict[str, int]:
    """Net shares of foreigners, institutions, individuals and other companies, which add up to nothing."""
    seed = zlib.crc32(f"flows {code} {bar.day}".encode())
    leaning = (bar.close - base) / base * 4 if base else 0.0
    foreign = int(bar.volume * max(-0.3, min(0.3, leaning + (seed % 201 - 100) / 1_000)))
    institution = int(bar.volume * max(-0.2, min(0.2, leaning / 2 + (seed // 201 % 201 - 100) / 1_500)))
    other = int(bar.volume * (seed // 40_401 % 21 - 10) / 1_000)
    return {"frgn": foreign, "orgn": institution, "prsn": -foreign - institution - other, "etc": other}


def _bars(market: SimMarket, code: str, at: datetime) -> list[tuple[SimBar, int]]:
    """Bars with their base prices, newest first, the running session among them."""
    if code not in market.issues:
        return []
    bars = market.bars(code, until=at)
    before = [None, *bars[:-1]]
    pairs = [
        (bar, market.base(code, bar.day, earlier.close if earlier else bar.close))
        for earlier, bar in zip(before, bars, strict=True)
    ]
    return pairs[::-1]


def _out(day: date, at: datetime) -> bool:
    return day < kst_date(at) or at >= kst(day, OUT_AT)


def recent(market: SimMarket, code: str, at: datetime) -> list[dict[str, str]]:
    """The `output` rows of `inquire-investor`; those of a session whose figures are not out are blank."""
    return [_recent_row(code, bar, base, out=_out(bar.day, at)) for bar, base in _bars(market, code, at)[:DAYS]]


def _recent_row(code: str, bar: SimBar, base: int, *, out: bool) -> dict[str, str]:
    figures, change = net(code, bar, base), bar.close - base
    row = {
        "stck_bsop_date": f"{bar.day:%Y%m%d}",
        "stck_clpr": str(bar.close),
        "prdy_vrss": str(change),
        "prdy_vrss_sign": sign(change, price=bar.close, lower=0, upper=0) if out else "0",
    }
    for group in ("prsn", "frgn", "orgn"):
        row |= _legs(group, figures[group], bar, out)
    return row


def _legs(group: str, shares: int, bar: SimBar, out: bool) -> dict[str, str]:
    average = bar.value / bar.volume if bar.volume else 0
    bought, sold = bar.volume // 3 + max(shares, 0), bar.volume // 3 + max(-shares, 0)
    figures = {
        f"{group}_ntby_qty": shares,
        f"{group}_ntby_tr_pbmn": int(shares * average / MILLION),
        f"{group}_shnu_vol": bought,
        f"{group}_seln_vol": sold,
        f"{group}_shnu_tr_pbmn": int(bought * average / MILLION),
        f"{group}_seln_tr_pbmn": int(sold * average / MILLION),
    }
    return {name: str(value) if out else "" for name, value in figures.items()}


def daily(market: SimMarket, code: str, at: datetime, *, until: date) -> dict[str, object]:
    """The answer of `investor-trade-by-stock-daily`: thirty sessions back from `until`."""
    pairs = [(bar, base) for bar, base in _bars(market, code, at) if bar.day <= until and _out(bar.day, at)]
    newest = pairs[0][0].close if pairs else 0
    return {
        "output1": {"stck_prpr": str(newest), "rprs_mrkt_kor_name": ""},
        "output2": [_daily_row(code, bar, base) for bar, base in pairs[:DAYS]],
    }


def _daily_row(code: str, bar: SimBar, base: int) -> dict[str, str]:
    row = _recent_row(code, bar, base, out=True)
    company = net(code, bar, base)["etc"]
    return row | {
        "prdy_ctrt": f"{(bar.close - base) / base * 100 if base else 0:.2f}",
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(bar.value),
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "etc_corp_ntby_vol": str(company),
        "bold_yn": "N",
    }


def estimates(market: SimMarket, code: str, at: datetime) -> list[dict[str, str]]:
    """The `output2` rows of `investor-trend-estimate` that stand by `at`, newest first."""
    pairs = _bars(market, code, at)
    if not pairs or pairs[0][0].day != kst_date(at):
        return []
    today = kst_date(at)
    passed = [place for place, moment in ESTIMATED_AT.items() if kst(today, moment) <= at]
    rows = []
    for place in reversed(passed):
        bars = _bars(market, code, kst(today, ESTIMATED_AT[place]))
        figures = net(code, *bars[0])
        foreign, institution = figures["frgn"], figures["orgn"]
        rows.append(
            {
                "bsop_hour_gb": str(place),
                "frgn_fake_ntby_qty": _padded(foreign),
                "orgn_fake_ntby_qty": _padded(institution),
                "sum_fake_ntby_qty": _padded(foreign + institution),
            }
        )
    return rows


def _padded(shares: int) -> str:
    return f"{'-' if shares < 0 else '0'}{abs(shares):017d}"
