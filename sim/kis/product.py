"""What an issue is: `search-stock-info` (CTPF1002R) and `search-info` (CTPF1604R)."""

from __future__ import annotations

from datetime import datetime

from core.clock import kst_date
from core.stocks.stock import Kind, Market
from sim.kis.price import EOK
from sim.market import SimIssue, SimMarket

DONE = {"msg_cd": "KIOK0530", "msg1": "조회되었습니다".ljust(80)}
_BOARDS = {Market.KOSPI: ("STK", "scts"), Market.KOSDAQ: ("KSQ", "kosdaq"), Market.KONEX: ("KNX", "konex")}


def stock_info(market: SimMarket, code: str, at: datetime) -> dict[str, str]:
    """The `output` of `search-stock-info`; blank for an unknown code."""
    issue = market.issue(code, at) if code in market.issues else None
    if issue is None:
        return {"pdno": "", "prdt_name": ""}
    identifier, board = _BOARDS[issue.market]
    listed = f"{issue.listed_on:%Y%m%d}" if issue.listed_on else ""
    days = {f"{name}_mket_lstg_dt": listed if name == board else "" for name in ("scts", "kosdaq", "frbd")}
    return {
        "pdno": f"00000A{code}",
        "prdt_type_cd": "300",
        "mket_id_cd": identifier,
        "scty_grp_id_cd": {Kind.ETF: "EF", Kind.REIT: "RT"}.get(issue.kind, "ST"),
        "excg_dvsn_cd": "02",
        "setl_mmdd": "12",
        "lstg_stqt": str(issue.shares),
        "lstg_cptl_amt": "0",
        "cpta": str((issue.par_value or 0) * issue.shares),
        "papr": str(issue.par_value or 0),
        "issu_pric": str(issue.par_value or 0),
        "kospi200_item_yn": _yes(issue.market is Market.KOSPI and issue.market_cap >= 20_000 * EOK),
        **days,
        "lstg_abol_dt": "",
        "stck_kind_cd": "201" if issue.kind is Kind.PREFERRED else "101",
        "prdt_name": f"{issue.name}보통주",
        "prdt_abrv_name": issue.name,
        "prdt_eng_name": f"Company {code}",
        "prdt_eng_abrv_name": f"Company {code}",
        "std_pdno": issue.isin,
        "tr_stop_yn": _yes(issue.halted),
        "admn_item_yn": _yes(issue.administrative),
        "idx_bztp_lcls_cd_name": "시가총액규모대" if issue.market_cap >= 20_000 * EOK else "시가총액규모중",
        "idx_bztp_mcls_cd_name": issue.sector,
        "idx_bztp_scls_cd_name": issue.sector,
        "std_idst_clsf_cd_name": issue.sector,
        "cptt_trad_tr_psbl_yn": "Y",
        "nxt_tr_stop_yn": "N",
    }


def product_info(market: SimMarket, code: str, at: datetime) -> dict[str, str]:
    """The `output` of `search-info`; blank for an unknown code."""
    issue = market.issues.get(code)
    if issue is None:
        return {"pdno": "", "prdt_name": ""}
    return {
        "pdno": code,
        "prdt_type_cd": "300",
        "prdt_name": issue.name,
        "prdt_eng_name": f"Company {code}",
        "std_pdno": issue.isin,
        "shtn_pdno": code,
        "prdt_sale_stat_cd": "01",
        "prdt_risk_grad_cd": _risk(issue),
        "prdt_clsf_cd": "101",
        "prdt_clsf_name": "주식",
        "sale_strt_dt": f"{issue.listed_on or kst_date(at):%Y%m%d}",
        "sale_end_dt": "99991231",
    }


def _risk(issue: SimIssue) -> str:
    return "01" if issue.administrative else "02"


def _yes(truth: bool) -> str:
    return "Y" if truth else "N"
