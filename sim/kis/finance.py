"""Financial ratios that fit the issue's earnings and book value: `finance/financial-ratio` (FHKST66430300)."""

from __future__ import annotations

import zlib
from datetime import datetime

from core.clock import kst_date
from sim.market import SimIssue, SimMarket

YEARS = 5


def ratios(market: SimMarket, code: str, at: datetime, *, quarters: bool) -> list[dict[str, str]]:
    """Periods whose figures are out by `at`, newest first. A list of years begins with the newest quarter."""
    issue = market.issues.get(code)
    if issue is None or not issue.eps or not issue.bps:
        return []
    ended = _quarters_out(at)
    if quarters:
        return [_row(issue, year, month) for year, month in ended]
    years = [(year, month) for year, month in ended if month == 12]
    newest = [] if ended[0] in years else [ended[0]]
    return [_row(issue, year, month) for year, month in [*newest, *years]]


def _quarters_out(at: datetime) -> list[tuple[int, int]]:
    """Ends of quarters, newest first; figures come out two and a half months later."""
    today = kst_date(at)
    passed = today.year * 12 + today.month - 1 - (3 if today.day >= 15 else 4)
    newest = passed // 3 * 3 - 1 if passed % 3 != 2 else passed
    return [(month // 12, month % 12 + 1) for month in range(newest, newest - YEARS * 12, -3)]


def _row(issue: SimIssue, year: int, month: int) -> dict[str, str]:
    seed = zlib.crc32(f"ratios {issue.code} {year}".encode())
    growth = (seed % 400 - 150) / 10
    assert issue.eps
    assert issue.bps
    eps = issue.eps * month / 12 * (1 + (2026 - year) * -0.03)
    return {
        "stac_yymm": f"{year}{month:02d}",
        "grs": f"{growth:.4f}",
        "bsop_prfi_inrt": f"{growth * 1.5:.4f}",
        "ntin_inrt": f"{growth * 1.7:.4f}",
        "roe_val": f"{issue.eps / issue.bps * 100:.2f}",
        "eps": f"{eps:.2f}",
        "sps": str(int(eps * 12)),
        "bps": f"{issue.bps:.2f}",
        "rsrv_rate": f"{seed % 30_000 / 10:.4f}",
        "lblt_rate": f"{20 + seed % 1_500 / 10:.4f}",
    }
