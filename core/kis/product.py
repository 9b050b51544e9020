"""What an issue is: `search-stock-info` (CTPF1002R) and `search-info` (CTPF1604R). Served to real keys alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from core.errors import Malformed, Unsupported
from core.kis.rows import Row, day, flag, label, listed, not_negative, object_of, text

STOCK: Final = "search-stock-info", "CTPF1002R"
PRODUCT: Final = "search-info", "CTPF1604R"


@dataclass(frozen=True, kw_only=True, slots=True)
class StockInfo:
    """What KIS keeps of an issue. `capital` and `par_value` in won; None where it says nothing."""

    code: str
    name: str
    english_name: str | None
    isin: str | None
    market: str | None
    issue_group: str | None
    kind: str | None
    listed_on: date | None
    delisted_on: date | None
    shares: int | None
    par_value: int | None
    capital: int | None
    settlement_month: str | None
    sector_large: str | None
    sector_medium: str | None
    sector_small: str | None
    industry: str | None
    kospi200: bool | None
    halted: bool | None
    administrative: bool | None
    on_nxt: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductInfo:
    """How KIS classes an issue as something to be sold."""

    code: str
    product_class: str | None
    risk_grade: str | None
    sale_state: str | None
    sold_since: date | None


def params(code: str) -> dict[str, str]:
    """The query for a domestic issue, with either service."""
    return {"PDNO": code, "PRDT_TYPE_CD": "300"}


def stock_of(code: str, body: Row) -> StockInfo:
    """The issue in a reply of `STOCK`; raises `Unsupported` where KIS has none and `Malformed`."""
    row = _row(code, body)
    name = label(row, "prdt_abrv_name") or label(row, "prdt_name")
    if name is None:
        raise Malformed(f"KIS: no name of {code}")
    return StockInfo(
        code=code,
        name=name,
        english_name=label(row, "prdt_eng_abrv_name") or label(row, "prdt_eng_name"),
        isin=label(row, "std_pdno"),
        market=label(row, "mket_id_cd"),
        issue_group=label(row, "scty_grp_id_cd"),
        kind=label(row, "stck_kind_cd"),
        listed_on=_listed_on(row),
        delisted_on=day(row, "lstg_abol_dt"),
        shares=_amount(row, "lstg_stqt"),
        par_value=_amount(row, "papr"),
        capital=_amount(row, "cpta"),
        settlement_month=label(row, "setl_mmdd"),
        sector_large=label(row, "idx_bztp_lcls_cd_name"),
        sector_medium=label(row, "idx_bztp_mcls_cd_name"),
        sector_small=label(row, "idx_bztp_scls_cd_name"),
        industry=label(row, "std_idst_clsf_cd_name"),
        kospi200=flag(row, "kospi200_item_yn"),
        halted=flag(row, "tr_stop_yn"),
        administrative=flag(row, "admn_item_yn"),
        on_nxt=flag(row, "cptt_trad_tr_psbl_yn"),
    )


def product_of(code: str, body: Row) -> ProductInfo:
    """The issue in a reply of `PRODUCT`; raises as `stock_of`."""
    row = _row(code, body)
    return ProductInfo(
        code=code,
        product_class=label(row, "prdt_clsf_name"),
        risk_grade=label(row, "prdt_risk_grad_cd"),
        sale_state=label(row, "prdt_sale_stat_cd"),
        sold_since=day(row, "sale_strt_dt"),
    )


def _row(code: str, body: Row) -> Row:
    rows = listed(body, "output")
    if not rows:
        raise Unsupported(f"KIS has no product {code}")
    row = object_of(rows[0])
    number = text(row, "pdno")
    if number is None:
        raise Unsupported(f"KIS has no product {code}")
    if not number.endswith(code):  # written with zeros and a letter before the code: 00000A000660
        raise Malformed(f"KIS: {number[:20]!r} as the answer for {code}")
    return row


def _listed_on(row: Row) -> date | None:
    days = [day(row, f"{board}_mket_lstg_dt") for board in ("scts", "kosdaq", "frbd")]
    return next((found for found in days if found), None)


def _amount(row: Row, name: str) -> int | None:
    return None if text(row, name) is None else not_negative(row, name) or None
