"""The quotation services of the simulated KIS: what each must be asked with, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.clock import KST, kst, kst_date
from sim.kis import book, finance, index, investors, minutes, multi, overtime, product
from sim.kis.chart import PERIODS, chart, recent
from sim.kis.price import current_price
from sim.market import SimMarket

PREFIX = "/uapi/domestic-stock/v1/"
Answer = dict[str, object]


class Refused(Exception):
    """A request the service answers with an error body."""

    def __init__(self, code: str, message: str, *, status: int = 200, rt_cd: str = "1") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"rt_cd": rt_cd, "msg_cd": code, "msg1": message}


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """One service: its path in its group, TR id, the parameters that must be present, and what it answers."""

    path: str
    tr_id: str
    params: tuple[str, ...]
    answer: Callable[[SimMarket, Mapping[str, str], datetime], Answer]
    on_paper: bool = True
    group: str = "quotations"


def _price(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": current_price(market, asked["FID_INPUT_ISCD"], at)}


def _chart(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    first, last, period = asked["FID_INPUT_DATE_1"], asked["FID_INPUT_DATE_2"], asked["FID_PERIOD_DIV_CODE"]
    for name, value in (("FID_INPUT_DATE_1", first), ("FID_INPUT_DATE_2", last)):
        if len(value) != 8 or not value.isdecimal():
            raise invalid(name)
    if period not in PERIODS:
        raise invalid("FID_PERIOD_DIV_CODE")
    adjusted = asked["FID_ORG_ADJ_PRC"] != "1"  # 0 adjusted, 1 raw, blank as 0
    code = asked["FID_INPUT_ISCD"]
    summary, rows = chart(market, code, at, first=first, last=last, period=period, adjusted=adjusted)
    return {"output1": summary, "output2": rows}


def _recent(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    period = asked["FID_PERIOD_DIV_CODE"]
    if period not in ("D", "W", "M"):
        raise invalid("FID_PERIOD_DIV_CODE")
    adjusted = asked["FID_ORG_ADJ_PRC"] == "1"  # the other way round than in the chart
    return {"output": recent(market, asked["FID_INPUT_ISCD"], at, period=period, adjusted=adjusted)}


def _holidays(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    try:
        first = datetime.strptime(asked["BASS_DT"], "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError:
        raise invalid("BASS_DT") from None
    days = [first + timedelta(days=offset) for offset in range(24)]
    return {
        "ctx_area_nk": f"{days[-1]:%Y%m%d}".ljust(20),
        "ctx_area_fk": f"{first:%Y%m%d}".ljust(20),
        "output": [_calendar_day(market, day) for day in days],
        "msg_cd": "KIOK0500",
        "msg1": "조회가 계속됩니다..다음버튼을 Click 하십시오.",
    }


def _calendar_day(market: SimMarket, day: date) -> dict[str, str]:
    opens = "Y" if market.calendar.is_session(day) else "N"
    days = dict.fromkeys(("bzdy_yn", "tr_day_yn", "opnd_yn", "sttl_day_yn"), opens)
    return {"bass_dt": f"{day:%Y%m%d}", "wday_dvsn_cd": f"{day.isoweekday() % 7 + 1:02d}", **days}


def _multi(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    codes = [asked[f"FID_INPUT_ISCD_{place}"] for place in range(1, multi.MOST + 1)]
    return {"output": multi.rows(market, codes, at)}


def _book(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return book.order_book(market, asked["FID_INPUT_ISCD"], at)


def _investors(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": investors.recent(market, asked["FID_INPUT_ISCD"], at)}


def _investors_daily(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    until = _day(asked, "FID_INPUT_DATE_1")
    if until == kst_date(at) and at < kst(until, time(15, 41)):
        raise Refused("OPSQ2001", "ERROR TIME LIMIT 00:00 ~ 15:40", rt_cd="2")
    return investors.daily(market, asked["FID_INPUT_ISCD"], at, until=until)


def _estimates(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output2": investors.estimates(market, asked["MKSC_SHRN_ISCD"], at)}


def _minutes_today(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    anchor = _time(asked, "FID_INPUT_HOUR_1")
    return minutes.today(market, asked["FID_INPUT_ISCD"], at, anchor=anchor)


def _minutes_past(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    on, anchor = _day(asked, "FID_INPUT_DATE_1"), _time(asked, "FID_INPUT_HOUR_1")
    return minutes.past(market, asked["FID_INPUT_ISCD"], at, on=on, anchor=anchor)


def _index(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": index.now(market, asked["FID_INPUT_ISCD"], at)}


def _index_daily(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return index.daily(market, asked["FID_INPUT_ISCD"], at, until=_day(asked, "FID_INPUT_DATE_1"))


def _index_chart(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    first, last = _day(asked, "FID_INPUT_DATE_1"), _day(asked, "FID_INPUT_DATE_2")
    return index.chart(market, asked["FID_INPUT_ISCD"], at, first=first, last=last)


def _overtime(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return overtime.daily(market, asked["FID_INPUT_ISCD"], at)


def _ratios(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": finance.ratios(market, asked["FID_INPUT_ISCD"], at, quarters=asked["FID_DIV_CLS_CODE"] == "1")}


def _stock_info(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": product.stock_info(market, asked["PDNO"], at), **product.DONE}


def _product_info(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": product.product_info(market, asked["PDNO"], at), **product.DONE}


def _day(asked: Mapping[str, str], name: str) -> date:
    try:
        return datetime.strptime(asked[name], "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError:
        raise invalid(name) from None


def _time(asked: Mapping[str, str], name: str) -> time:
    try:
        return datetime.strptime(asked[name], "%H%M%S").replace(tzinfo=KST).time()
    except ValueError:
        raise invalid(name) from None


_ISSUE = ("FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD")
_DATES = ("FID_INPUT_DATE_1", "FID_INPUT_DATE_2")
_SERIES = ("FID_PERIOD_DIV_CODE", "FID_ORG_ADJ_PRC")
_MINUTES = ("FID_INPUT_HOUR_1", "FID_PW_DATA_INCU_YN")
_PRODUCT = ("PDNO", "PRDT_TYPE_CD")

TRANSACTIONS = (
    Transaction(path="inquire-price", tr_id="FHKST01010100", params=_ISSUE, answer=_price),
    Transaction(
        path="inquire-daily-itemchartprice",
        tr_id="FHKST03010100",
        params=(*_ISSUE, *_DATES, *_SERIES),
        answer=_chart,
    ),
    Transaction(path="inquire-daily-price", tr_id="FHKST01010400", params=(*_ISSUE, *_SERIES), answer=_recent),
    Transaction(
        path="chk-holiday",
        tr_id="CTCA0903R",
        params=("BASS_DT", "CTX_AREA_NK", "CTX_AREA_FK"),
        answer=_holidays,
        on_paper=False,
    ),
    Transaction(path="intstock-multprice", tr_id="FHKST11300006", params=multi.PARAMS, answer=_multi, on_paper=False),
    Transaction(path="inquire-asking-price-exp-ccn", tr_id="FHKST01010200", params=_ISSUE, answer=_book),
    Transaction(path="inquire-investor", tr_id="FHKST01010900", params=_ISSUE, answer=_investors),
    Transaction(
        path="investor-trade-by-stock-daily",
        tr_id="FHPTJ04160001",
        params=(*_ISSUE, "FID_INPUT_DATE_1", "FID_ORG_ADJ_PRC", "FID_ETC_CLS_CODE"),
        answer=_investors_daily,
        on_paper=False,
    ),
    Transaction(
        path="investor-trend-estimate",
        tr_id="HHPTJ04160200",
        params=("MKSC_SHRN_ISCD",),
        answer=_estimates,
        on_paper=False,
    ),
    Transaction(
        path="inquire-time-itemchartprice",
        tr_id="FHKST03010200",
        params=(*_ISSUE, *_MINUTES, "FID_ETC_CLS_CODE"),
        answer=_minutes_today,
    ),
    Transaction(
        path="inquire-time-dailychartprice",
        tr_id="FHKST03010230",
        params=(*_ISSUE, *_MINUTES, "FID_INPUT_DATE_1", "FID_FAKE_TICK_INCU_YN"),
        answer=_minutes_past,
        on_paper=False,
    ),
    Transaction(path="inquire-index-price", tr_id="FHPUP02100000", params=_ISSUE, answer=_index, on_paper=False),
    Transaction(
        path="inquire-index-daily-price",
        tr_id="FHPUP02120000",
        params=(*_ISSUE, "FID_PERIOD_DIV_CODE", "FID_INPUT_DATE_1"),
        answer=_index_daily,
        on_paper=False,
    ),
    Transaction(
        path="inquire-daily-indexchartprice",
        tr_id="FHKUP03500100",
        params=(*_ISSUE, *_DATES, "FID_PERIOD_DIV_CODE"),
        answer=_index_chart,
    ),
    Transaction(path="inquire-daily-overtimeprice", tr_id="FHPST02320000", params=_ISSUE, answer=_overtime),
    Transaction(
        path="financial-ratio",
        tr_id="FHKST66430300",
        params=("FID_DIV_CLS_CODE", *_ISSUE),
        answer=_ratios,
        on_paper=False,
        group="finance",
    ),
    Transaction(path="search-stock-info", tr_id="CTPF1002R", params=_PRODUCT, answer=_stock_info, on_paper=False),
    Transaction(path="search-info", tr_id="CTPF1604R", params=_PRODUCT, answer=_product_info, on_paper=False),
)


def invalid(name: str) -> Refused:
    return Refused("OPSQ2001", f"ERROR INVALID {name}", rt_cd="2")
