"""The simulated KIS over HTTP: tokens, quotations, the stream of trades, the holiday calendar, the master files.

Refusals are those of the real gateway: the rate first, then token and key, then the TR id, then the parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date

from aiohttp import web

from core.clock import kst_date
from core.stocks.stock import Market
from sim.http import Now, SimServer, json_body, json_response
from sim.kis.master import FILES, master_file
from sim.kis.services import PREFIX, TRANSACTIONS, Refused, Transaction, invalid
from sim.kis.stream import TickDesk
from sim.kis.tokens import MESSAGES, TokenDesk
from sim.market import SimMarket


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
        self.ticks = TickDesk(market, now, self.tokens)
        self.refused_for_rate = 0
        self._calls_per_second = calls_per_second
        self._seconds = seconds or (lambda: now().timestamp())
        self._recent: deque[float] = deque()
        self._masters: dict[tuple[Market, date], bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        """Tokens, every transaction, the stream of trades, the three master files."""
        files = [web.get(f"/common/master/{name}.zip", self._master(board)) for board, name in FILES.items()]
        services = [
            web.get(f"{PREFIX}{service.group}/{service.path}", self._service(service)) for service in TRANSACTIONS
        ]
        tokens = [web.post("/oauth2/tokenP", self._issue), web.post("/oauth2/revokeP", self._revoke)]
        stream = [web.post("/oauth2/Approval", self._approve), web.get("/tryitout", self.ticks.serve)]
        return [*tokens, *stream, *services, *files]

    @property
    def ws_url(self) -> str:
        """The address of the stream of trades; known once started."""
        return f"{self.url.replace('http', 'ws', 1)}/tryitout"

    async def _issue(self, request: web.Request) -> web.Response:
        status, body = self.tokens.issue(await json_body(request))
        return json_response(body, status)

    async def _revoke(self, request: web.Request) -> web.Response:
        status, body = self.tokens.revoke(await json_body(request))
        return json_response(body, status)

    async def _approve(self, request: web.Request) -> web.Response:
        status, body = self.ticks.approve(await json_body(request))
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
        if asked.get("FID_COND_MRKT_DIV_CODE", "J") not in ("J", "NX", "UN", "W", "U"):
            raise invalid("FID_COND_MRKT_DIV_CODE")
        return asked

    def _master(self, board: Market) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            key = board, kst_date(self.now())
            if key not in self._masters:
                self._masters[key] = master_file(self.market, board, self.now())
            return web.Response(body=self._masters[key], content_type="application/zip")

        return answer
