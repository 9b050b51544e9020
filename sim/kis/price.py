"""Current price, `quotations/inquire-price` (FHKST01010100). Every value is text; caps are in 억 won."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.stocks.stock import Kind, Market
from sim.market import SimBar, SimIssue, SimMarket, SimQuote
from sim.ticks import tick

EOK = 100_000_000


def current_price(market: SimMarket, code: str, at: datetime) -> dict[str, str]:
    """The `output` object at `at`; an unknown code gives zeros, not an error."""
    quote = market.quote(code, at)
    if quote is None:
        return dict.fromkeys(UNKNOWN.split(), "0") | {
            "prdy_vrss_sign": "3",
            "rprs_mrkt_kor_name": "",
            "bstp_kor_isnm": "",
        }
    bars = market.bars(code, until=at)
    return _state(quote) | _trading(quote) | _accounts(quote) | _pivots(quote) | _ranges(bars, quote, at)


UNKNOWN = (
    "iscd_stat_cls_code marg_rate stck_prpr prdy_vrss prdy_ctrt acml_tr_pbmn acml_vol stck_oprc stck_hgpr stck_lwpr "
    "stck_mxpr stck_llam stck_sdpr hts_avls lstn_stcn per pbr eps bps w52_hgpr w52_lwpr"
)


def sign(change: int, *, price: int, lower: int, upper: int) -> str:
    """1 upper limit, 2 up, 3 flat, 4 lower limit, 5 down."""
    if change == 0:
        return "3"
    if change > 0:
        return "1" if price == upper else "2"
    return "4" if price == lower else "5"


def changes(quote: SimQuote) -> dict[str, str]:
    """Change since the base price: won and percent carry their minus sign."""
    code = sign(quote.change, price=quote.bar.close, lower=quote.lower, upper=quote.upper)
    return {"prdy_vrss": str(quote.change), "prdy_vrss_sign": code, "prdy_ctrt": f"{quote.percent:.2f}"}


def _state(quote: SimQuote) -> dict[str, str]:
    issue = quote.issue
    status = "58" if issue.halted else "51" if issue.administrative else "55"
    return {
        "iscd_stat_cls_code": status,
        "marg_rate": "100.00" if issue.administrative else "20.00",
        "rprs_mrkt_kor_name": _board(issue),
        "bstp_kor_isnm": issue.sector,
        "temp_stop_yn": "N",
        "oprc_rang_cont_yn": "N",
        "clpr_rang_cont_yn": "N",
        "crdt_able_yn": "N" if issue.administrative else "Y",
        "grmn_rate_cls_code": "40",
        "elw_pblc_yn": "N",
        "vi_cls_code": "N",
        "ovtm_vi_cls_code": "N",
        "invt_caful_yn": "N",
        "mrkt_warn_cls_code": "00",
        "short_over_yn": "N",
        "sltr_yn": "N",
        "mang_issu_cls_code": "Y" if issue.administrative else "N",
        "ssts_yn": "N",
        "stck_shrn_iscd": issue.code,
    }


def _board(issue: SimIssue) -> str:
    large = issue.market_cap >= 20_000 * EOK and issue.kind is Kind.COMMON
    if issue.market is Market.KOSPI and large:
        return "KOSPI200"
    return "KSQ150" if issue.market is Market.KOSDAQ and large else str(issue.market)


def _trading(quote: SimQuote) -> dict[str, str]:
    bar, issue = quote.bar, quote.issue
    before = quote.previous.volume if quote.previous else 0
    average = bar.value / bar.volume if bar.volume else 0
    return {
        "stck_prpr": str(bar.close),
        **changes(quote),
        "acml_tr_pbmn": str(bar.value),
        "acml_vol": str(bar.volume),
        "prdy_vrss_vol_rate": f"{bar.volume / before * 100 if before else 0:.2f}",
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "stck_mxpr": str(quote.upper),
        "stck_llam": str(quote.lower),
        "stck_sdpr": str(quote.base),
        "wghn_avrg_stck_prc": f"{average:.2f}",
        "rstc_wdth_prc": str(quote.upper - quote.base),
        "aspr_unit": str(tick(bar.close, issue.kind)),
        "hts_deal_qty_unit_val": "1",
        "lstn_stcn": str(issue.shares),
        "hts_avls": str(quote.market_cap // EOK),
        "vol_tnrt": f"{bar.volume / issue.shares * 100 if issue.shares else 0:.2f}",
        "frgn_ntby_qty": "0",
        "pgtr_ntby_qty": "0",
        "hts_frgn_ehrt": "0.00",
        "frgn_hldn_qty": "0",
    }


def ratios(quote: SimQuote) -> dict[str, str]:
    """per, pbr, eps, bps; zeros where the world does not know."""
    eps, bps, price = quote.issue.eps or 0, quote.issue.bps or 0, quote.bar.close
    return {
        "per": f"{price / eps if eps else 0:.2f}",
        "pbr": f"{price / bps if bps else 0:.2f}",
        "eps": f"{eps}.00",
        "bps": f"{bps}.00",
    }


def capital(issue: SimIssue) -> int:
    """Paid-in capital in 억 won; zero where the par value is not known."""
    return (issue.par_value or 0) * issue.shares // EOK


def _accounts(quote: SimQuote) -> dict[str, str]:
    par, paid_in = quote.issue.par_value or 0, capital(quote.issue)
    return {
        **ratios(quote),
        "stac_month": "12",
        "stck_fcam": str(par),
        "fcam_cnnm": f"{par:,}",
        "cpfn": str(paid_in),
        "cpfn_cnnm": f"{paid_in:,} 억",
        "stck_sspr": str(quote.base * 8 // 10),
        "whol_loan_rmnd_rate": "0.00",
        "last_ssts_cntg_qty": "0",
    }


def _pivots(quote: SimQuote) -> dict[str, str]:
    bar = quote.previous or quote.bar
    point, span = (bar.high + bar.low + bar.close) // 3, bar.high - bar.low
    return {
        "pvt_scnd_dmrs_prc": str(point + span),
        "pvt_frst_dmrs_prc": str(2 * point - bar.low),
        "pvt_pont_val": str(point),
        "pvt_frst_dmsp_prc": str(2 * point - bar.high),
        "pvt_scnd_dmsp_prc": str(point - span),
    }


def _ranges(bars: Sequence[SimBar], quote: SimQuote, at: datetime) -> dict[str, str]:
    today, price = quote.bar.day, quote.bar.close
    year = [bar for bar in bars if bar.day > today - timedelta(weeks=52)]
    this_year = [bar for bar in bars if bar.day.year == today.year]
    return (
        _range(bars[-250:], price, "d250_{}", "d250_{}_date", "d250_{}_vrss_prpr_rate")
        | _range(this_year, price, "stck_dryy_{}", "dryy_{}_date", "dryy_{}_vrss_prpr_rate")
        | _range(year, price, "w52_{}", "w52_{}_date", "w52_{}_vrss_prpr_ctrt")
    )


def _range(bars: Sequence[SimBar], price: int, level: str, day: str, rate: str) -> dict[str, str]:
    traded = [bar for bar in bars if bar.open]
    if not traded:
        return {}
    high, low = max(traded, key=lambda bar: bar.high), min(traded, key=lambda bar: bar.low)
    found: dict[str, str] = {}
    for name, value, bar in (("hgpr", high.high, high), ("lwpr", low.low, low)):
        found |= {
            level.format(name): str(value),
            day.format(name): f"{bar.day:%Y%m%d}",
            rate.format(name): f"{(price - value) / value * 100:.2f}",
        }
    return found
