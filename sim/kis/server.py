"""The simulated KIS over HTTP: tokens, quotations, the holiday calendar, the master files.

Refusals are those of the real gateway: the rate first, then token and key, then the TR id, then the parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aiohttp import web

from core.clock import KST, kst_date
from core.stocks.stock import Market
from sim.http import Now, SimServer, json_body, json_response
from sim.kis.chart import PERIODS, chart, recent
from sim.kis.master import FILES, master_file
from sim.kis.price import current_price
from sim.kis.tokens import MESSAGES, TokenDesk
from sim.market import SimMarket

QUOTATIONS = "/uapi/domestic-stock/v1/quotations/"
Answer = dict[str, object]


class Refused(Exception):
    """A request the service answers with an error body."""

    def __init__(self, code: str, message: str, *, status: int = 200, rt_cd: str = "1") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"rt_cd": rt_cd, "msg_cd": code, "msg1": message}


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """One quotation service: its path, TR id, the parameters that must be present, and what it answers."""

    path: str
    tr_id: str
    params: tuple[str, ...]
    answer: Callable[[SimMarket, Mapping[str, str], datetime], Answer]
    on_paper: bool = True


def _price(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    return {"output": current_price(market, asked["FID_INPUT_ISCD"], at)}


def _chart(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    first, last, period = asked["FID_INPUT_DATE_1"], asked["FID_INPUT_DATE_2"], asked["FID_PERIOD_DIV_CODE"]
    for name, value in (("FID_INPUT_DATE_1", first), ("FID_INPUT_DATE_2", last)):
        if len(value) != 8 or not value.isdecimal():
            raise _invalid(name)
    if period not in PERIODS:
        raise _invalid("FID_PERIOD_DIV_CODE")
    adjusted = asked["FID_ORG_ADJ_PRC"] != "1"  # 0 adjusted, 1 raw, blank as 0
    code = asked["FID_INPUT_ISCD"]
    summary, rows = chart(market, code, at, first=first, last=last, period=period, adjusted=adjusted)
    return {"output1": summary, "output2": rows}


def _recent(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    period = asked["FID_PERIOD_DIV_CODE"]
    if period not in ("D", "W", "M"):
        raise _invalid("FID_PERIOD_DIV_CODE")
    adjusted = asked["FID_ORG_ADJ_PRC"] == "1"  # the other way round than in the chart
    return {"output": recent(market, asked["FID_INPUT_ISCD"], at, period=period, adjusted=adjusted)}


def _holidays(market: SimMarket, asked: Mapping[str, str], at: datetime) -> Answer:
    try:
        first = datetime.strptime(asked["BASS_DT"], "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError:
        raise _invalid("BASS_DT") from None
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


_ISSUE = ("FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD")
_DATES = ("FID_INPUT_DATE_1", "FID_INPUT_DATE_2")
_SERIES = ("FID_PERIOD_DIV_CODE", "FID_ORG_ADJ_PRC")

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
)


def _invalid(name: str) -> Refused:
    return Refused("OPSQ2001", f"ERROR INVALID {name}", rt_cd="2")


class KisServer(SimServer):
    """The KIS API and its file server at one address.

    `seconds` tells the time the rate is measured by; `now` unless given.
    """

    def __init__(
        self,
        market: SimMarket,
        now: Now,
        *,
        calls_per_second: float = 18,
        app_key: str = "demo-key",
        app_secret: str = "demo-secret",
        paper: bool = False,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(now)
        self.market = market
        self.paper = paper
        self.tokens = TokenDesk(now, app_key, app_secret)
        self.refused_for_rate = 0
        self._calls_per_second = calls_per_second
        self._seconds = seconds or (lambda: now().timestamp())
        self._recent: deque[float] = deque()
        self._masters: dict[tuple[Market, date], bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        """Tokens, every transaction, the three master files."""
        files = [web.get(f"/common/master/{name}.zip", self._master(board)) for board, name in FILES.items()]
        services = [web.get(QUOTATIONS + service.path, self._service(service)) for service in TRANSACTIONS]
        return [web.post("/oauth2/tokenP", self._issue), web.post("/oauth2/revokeP", self._revoke), *services, *files]

    async def _issue(self, request: web.Request) -> web.Response:
        status, body = self.tokens.issue(await json_body(request))
        return json_response(body, status)

    async def _revoke(self, request: web.Request) -> web.Response:
        status, body = self.tokens.revoke(await json_body(request))
        return json_response(body, status)

    def _service(self, service: Transaction) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                self._meter()
                self._check_headers(service, request)
                body = service.answer(self.market, self._parameters(service, request), self.now())
            except Refused as refusal:
                return json_response(refusal.body, refusal.status)
            done = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."}
            return json_response(done | body, headers={"tr_id": service.tr_id, "tr_cont": "D", "gt_uid": ""})

        return answer

    def _meter(self) -> None:
        now = self._seconds()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self._calls_per_second:
            self.refused_for_rate += 1
            raise Refused("EGW00201", "초당 거래건수를 초과하였습니다.", status=500)
        self._recent.append(now)

    def _check_headers(self, service: Transaction, request: web.Request) -> None:
        headers = request.headers
        error = self.tokens.token_error(headers.get("authorization")) or self.tokens.credentials_error(
            headers.get("appkey"), headers.get("appsecret")
        )
        if error:
            raise Refused(error, MESSAGES[error], status=500)
        if "tr_id" not in headers:
            raise Refused("OPSQ9999", "ERROR TR_ID MISSING")
        if headers["tr_id"] != service.tr_id:
            raise Refused("OPSQ0002", f"없는 서비스 코드 입니다({headers['tr_id']})")
        if headers.get("custtype") not in ("P", "B"):
            raise Refused("EGW00208", "고객타입이 유효하지 않습니다.", status=500)
        if self.paper and not service.on_paper:
            raise Refused("EGW00213", "모의투자 TR 이 아닙니다.", status=500)

    def _parameters(self, service: Transaction, request: web.Request) -> dict[str, str]:
        asked = {name.upper(): value for name, value in request.query.items()}
        for name in service.params:
            if name not in asked:
                raise Refused("OPSQ2001", f"ERROR INPUT FIELD NOT FOUND [{name}]", rt_cd="2")
        if asked.get("FID_COND_MRKT_DIV_CODE", "J") not in ("J", "NX", "UN", "W"):
            raise _invalid("FID_COND_MRKT_DIV_CODE")
        return asked

    def _master(self, board: Market) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            key = board, kst_date(self.now())
            if key not in self._masters:
                self._masters[key] = master_file(self.market, board, self.now())
            return web.Response(body=self._masters[key], content_type="application/zip")

        return answer
