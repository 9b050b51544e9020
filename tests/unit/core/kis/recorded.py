"""Replies of KIS as they were recorded or are documented, shortened, for the tests of its parsers."""

from __future__ import annotations

from typing import Any

MULTI: dict[str, Any] = {
    "output": [
        {
            "kospi_kosdaq_cls_name": "코스피",
            "mrkt_trtm_cls_name": "",
            "hour_cls_code": "0",
            "inter_shrn_iscd": "005930",
            "inter_kor_isnm": "삼성전자",
            "inter2_prpr": "307000",
            "inter2_prdy_vrss": "8000",
            "prdy_vrss_sign": "2",
            "prdy_ctrt": "2.68",
            "acml_vol": "30186066",
            "acml_tr_pbmn": "9578031936250",
            "inter2_oprc": "321500",
            "inter2_hgpr": "323000",
            "inter2_lwpr": "306000",
            "inter2_sdpr": "299000",
        },
        {"inter_shrn_iscd": "", "inter2_prpr": ""},
        {"inter_shrn_iscd": "000040", "inter2_prpr": "0", "inter2_prdy_vrss": "0", "prdy_ctrt": "0.00"},
    ]
}

_BLANK = dict.fromkeys(
    f"{group}_{kind}" for group in ("prsn", "frgn", "orgn") for kind in ("ntby_qty", "ntby_tr_pbmn", "shnu_vol")
)

INVESTORS: dict[str, Any] = {
    "output": [
        {"stck_bsop_date": "20240611", "stck_clpr": "75700", "prdy_vrss_sign": "0", **dict.fromkeys(_BLANK, "")},
        {
            "stck_bsop_date": "20240610",
            "stck_clpr": "75700",
            "prdy_vrss": "-1600",
            "prdy_vrss_sign": "5",
            "prsn_ntby_qty": "4101492",
            "frgn_ntby_qty": "-1893335",
            "orgn_ntby_qty": "-2315098",
            "prsn_ntby_tr_pbmn": "311359",
            "frgn_ntby_tr_pbmn": "-143714",
            "orgn_ntby_tr_pbmn": "-175760",
        },
    ]
}

INVESTORS_DAILY: dict[str, Any] = {
    "output1": {"stck_prpr": "71100", "rprs_mrkt_kor_name": "KOSPI200"},
    "output2": [
        {
            "stck_bsop_date": "20250811",
            "stck_clpr": "71000",
            "acml_vol": "11354253",
            "acml_tr_pbmn": "808470078650",
            "frgn_ntby_qty": "-2029800",
            "prsn_ntby_qty": "1686273",
            "orgn_ntby_qty": "-571822",
            "frgn_ntby_tr_pbmn": "-144363",
            "prsn_ntby_tr_pbmn": "120110",
            "orgn_ntby_tr_pbmn": "-40903",
        }
    ],
}

ESTIMATES: dict[str, Any] = {
    "output2": [
        {
            "bsop_hour_gb": "2",
            "frgn_fake_ntby_qty": "-00000000000030000",
            "orgn_fake_ntby_qty": "000000000000012000",
            "sum_fake_ntby_qty": "-00000000000018000",
        },
        {"bsop_hour_gb": "1", "frgn_fake_ntby_qty": "-00000000000010000", "orgn_fake_ntby_qty": "000000000000000000"},
    ]
}


def _minute(hour: str, close: str, open_: str, high: str, low: str, volume: str, turnover: str) -> dict[str, str]:
    return {
        "stck_bsop_date": "20260527",
        "stck_cntg_hour": hour,
        "stck_prpr": close,
        "stck_oprc": open_,
        "stck_hgpr": high,
        "stck_lwpr": low,
        "cntg_vol": volume,
        "acml_tr_pbmn": turnover,
    }


MINUTES: dict[str, Any] = {
    "output1": {"stck_prpr": "307000", "hts_kor_isnm": "삼성전자", "acml_vol": "30186066"},
    "output2": [
        _minute("153000", "307000", "307000", "307500", "307000", "37333", "9578029173250"),
        _minute("152900", "307000", "307000", "307000", "307000", "0", "9566559438500"),
        _minute("150700", "307000", "307000", "308000", "306500", "99545", "9566559438500"),
        _minute("150500", "308000", "308750", "309500", "307500", "113367", "9516797295000"),
    ],
}

BOOK: dict[str, Any] = {
    "output1": {
        "aspr_acpt_hour": "150822",
        "askp1": "307500",
        "askp2": "308000",
        "askp3": "0",
        "bidp1": "307000",
        "bidp2": "306500",
        "bidp3": "0",
        "askp_rsqn1": "2588",
        "askp_rsqn2": "18774",
        "askp_rsqn3": "0",
        "bidp_rsqn1": "20697",
        "bidp_rsqn2": "16113",
        "bidp_rsqn3": "0",
        "total_askp_rsqn": "128407",
        "total_bidp_rsqn": "268292",
        "new_mkop_cls_code": "20",
    },
    "output2": {"antc_cnpr": "321500", "stck_prpr": "307000", "stck_shrn_iscd": "005930"},
}

INDEX: dict[str, Any] = {
    "output": {
        "bstp_nmix_prpr": "2807.63",
        "bstp_nmix_prdy_vrss": "10.30",
        "prdy_vrss_sign": "2",
        "bstp_nmix_prdy_ctrt": "0.37",
        "acml_vol": "758166",
        "acml_tr_pbmn": "13576970",
        "ascn_issu_cnt": "499",
        "uplm_issu_cnt": "4",
        "stnr_issu_cnt": "62",
        "down_issu_cnt": "371",
        "lslm_issu_cnt": "0",
    }
}

INDEX_CHART: dict[str, Any] = {
    "output1": {"hts_kor_isnm": "종합", "bstp_nmix_prpr": "2784.26", "bstp_cls_code": "0001"},
    "output2": [
        {
            "stck_bsop_date": "20240620",
            "bstp_nmix_prpr": "2807.63",
            "bstp_nmix_oprc": "2802.10",
            "bstp_nmix_hgpr": "2812.62",
            "bstp_nmix_lwpr": "2796.37",
            "acml_vol": "758166",
            "acml_tr_pbmn": "13576970",
            "mod_yn": "N",
        }
    ],
}

OVERTIME: dict[str, Any] = {
    "output1": {"ovtm_untp_prpr": "75300"},
    "output2": [
        {
            "stck_bsop_date": "20240611",
            "ovtm_untp_prpr": "75300",
            "ovtm_untp_prdy_vrss": "100",
            "ovtm_untp_prdy_vrss_sign": "2",
            "ovtm_untp_prdy_ctrt": "0.13",
            "ovtm_untp_vol": "57438",
            "stck_clpr": "75200",
            "prdy_vrss": "-500",
            "acml_vol": "16971176",
            "ovtm_untp_tr_pbmn": "4327338700",
        }
    ],
}

RATIOS: dict[str, Any] = {
    "output": [
        {
            "stac_yymm": "202403",
            "grs": "12.8200",
            "bsop_prfi_inrt": "931.9000",
            "ntin_inrt": "328.9800",
            "roe_val": "7.40",
            "eps": "975.00",
            "sps": "42349",
            "bps": "53339.00",
            "rsrv_rate": "40268.7400",
            "lblt_rate": "26.6100",
        },
        {
            "stac_yymm": "202312",
            "grs": "-14.3300",
            "bsop_prfi_inrt": "-84.8600",
            "ntin_inrt": "99.99",
            "roe_val": "4.14",
            "eps": "2131.00",
            "sps": "38120",
            "bps": "52002.00",
            "rsrv_rate": "39256.9100",
            "lblt_rate": "25.3600",
        },
        {"stac_yymm": "202212", "grs": "8.0900", "eps": "8057.00"},
    ]
}

STOCK_INFO: dict[str, Any] = {
    "output": {
        "pdno": "00000A000660",
        "prdt_type_cd": "300",
        "mket_id_cd": "STK",
        "scty_grp_id_cd": "ST",
        "setl_mmdd": "12",
        "lstg_stqt": "728002365",
        "lstg_cptl_amt": "0",
        "cpta": "3657652050000",
        "papr": "5000",
        "kospi200_item_yn": "Y",
        "scts_mket_lstg_dt": "19961226",
        "kosdaq_mket_lstg_dt": "",
        "frbd_mket_lstg_dt": "19961226",
        "lstg_abol_dt": "",
        "stck_kind_cd": "101",
        "prdt_name": "에스케이하이닉스보통주",
        "prdt_abrv_name": "SK하이닉스",
        "std_pdno": "KR7000660001",
        "prdt_eng_abrv_name": "SK hynix",
        "tr_stop_yn": "N",
        "admn_item_yn": "N",
        "std_idst_clsf_cd_name": "반도체 제조업",
        "idx_bztp_lcls_cd_name": "시가총액규모대",
        "idx_bztp_mcls_cd_name": "전기,전자",
        "idx_bztp_scls_cd_name": "전기,전자",
    },
    "msg1": "조회되었습니다".ljust(80),
}

PRODUCT_INFO: dict[str, Any] = {
    "output": {"pdno": "000660", "prdt_clsf_name": "주식", "prdt_risk_grad_cd": "02", "sale_strt_dt": ""}
}

HOLIDAYS: dict[str, Any] = {
    "ctx_area_nk": "20240704            ",
    "output": [
        {"bass_dt": "20240611", "wday_dvsn_cd": "03", "bzdy_yn": "Y", "tr_day_yn": "Y", "opnd_yn": "Y"},
        {"bass_dt": "20240615", "wday_dvsn_cd": "07", "bzdy_yn": "N", "tr_day_yn": "N", "opnd_yn": "N"},
    ],
    "msg_cd": "KIOK0500",
}
