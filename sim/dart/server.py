"""The simulated DART over HTTP: OpenDART, the feeds and the list of a day at one address.

HTTP says 200 whatever happens; the status in the body tells, as in the real service.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from aiohttp import web

from core.clock import KST, kst_date
from sim.dart import pages
from sim.dart.filings import FilingDesk, SimFiling, by_time, corp_number
from sim.http import Now, SimServer, json_response

MESSAGES = {
    "000": "정상",
    "010": "등록되지 않은 인증키입니다.",
    "011": "사용할 수 없는 키입니다.",
    "012": "접근할 수 없는 IP입니다.",
    "013": "조회된 데이타가 없습니다.",
    "014": "파일이 존재하지 않습니다.",
    "020": "요청 제한을 초과하였습니다.",
    "100": "필드의 부적절한 값입니다.",
    "101": "부적절한 접근입니다.",
    "800": "시스템 점검으로 인한 서비스가 중지 중입니다.",
    "900": "정의되지 않은 오류가 발생하였습니다.",
    "901": "사용자 계정의 개인정보 보유기간이 만료되어 사용할 수 없는 키입니다.",
}
A_MINUTE = 1_000
"""Calls a minute above which an address is blocked."""


class Refused(Exception):
    """A request answered with a status."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class DartServer(SimServer):
    """The filings of one desk. `status` makes OpenDART answer that to everything, as in maintenance."""

    def __init__(self, desk: FilingDesk, now: Now, *, api_key: str, daily_calls: int = 20_000) -> None:
        super().__init__(now)
        self.desk = desk
        self.daily_calls = daily_calls
        self.status: str | None = None
        self.has_day_feed = True
        self.calls: dict[date, int] = {}
        self._key = api_key
        self._recent: deque[datetime] = deque()

    def routes(self) -> list[web.RouteDef]:
        """OpenDART, both feeds, the list of a day."""
        return [
            web.get("/api/list.json", self._list),
            web.get("/api/company.json", self._company),
            web.get("/api/corpCode.xml", self._corps),
            web.get("/api/document.xml", self._document),
            web.get("/api/todayRSS.xml", self._today),
            web.get("/api/companyRSS.xml", self._company_feed),
            web.get("/dsac001/search.ax", self._day),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        try:
            self._meter(request.query)
            start, end, page, size, code = self._asked(request.query)
        except Refused as refusal:
            return self._said(refusal.status)
        found = self._of(start, end)
        if board := request.query.get("corp_cls"):
            found = [each for each in found if each.division == board]
        if code:
            found = [each for each in found if each.corp_code == code]
        if request.query.get("last_reprt_at") == "Y":
            found = [each for each in found if "정" not in each.remarks]
        if request.query.get("sort_mth") == "asc":
            found = found[::-1]
        shown = found[(page - 1) * size : page * size]
        if not shown:
            return self._said("013")
        counts = {"page_no": page, "page_count": size, "total_count": len(found), "total_page": -(-len(found) // size)}
        rows = [pages.row(each) for each in shown]
        return json_response({"status": "000", "message": MESSAGES["000"], **counts, "list": rows})

    def _asked(self, query: Mapping[str, str]) -> tuple[date, date, int, int, str]:
        today = kst_date(self.now())
        end = _day(query.get("end_de", f"{today:%Y%m%d}"))
        start = _day(query.get("bgn_de", f"{end:%Y%m%d}"))
        page, size = query.get("page_no", "1"), query.get("page_count", "10")
        if not page.isdecimal() or int(page) < 1 or not size.isdecimal() or not 1 <= int(size) <= 100:
            raise Refused("100")
        if query.get("corp_cls", "Y") not in "YKNE" or query.get("last_reprt_at", "N") not in "YN":
            raise Refused("100")
        code = query.get("corp_code", "")
        if end < start or (not code and end - start > timedelta(days=92)):
            raise Refused("100")
        return start, end, int(page), int(size), code

    async def _company(self, request: web.Request) -> web.Response:
        try:
            self._meter(request.query)
        except Refused as refusal:
            return self._said(refusal.status)
        asked = request.query.get("corp_code", "")
        issue = next((each for each in self.desk.companies if corp_number(each.code) == asked), None)
        if issue is None:
            return self._said("013" if asked else "100")
        return json_response({"status": "000", "message": MESSAGES["000"], **pages.company(issue)})

    async def _corps(self, request: web.Request) -> web.Response:
        try:
            self._meter(request.query)
        except Refused as refusal:
            return _xml(refusal.status)
        return _zip(pages.corp_file(self.desk.companies, self.now()))

    async def _document(self, request: web.Request) -> web.Response:
        try:
            self._meter(request.query)
        except Refused as refusal:
            return _xml(refusal.status)
        receipt = request.query.get("rcept_no", "")
        if len(receipt) != 14 or not receipt.isdecimal():
            return _xml("100")
        found = self.desk.find(receipt, until=self.now())
        return _zip(pages.document(found)) if found else _xml("014")

    async def _today(self, request: web.Request) -> web.Response:
        if not self.has_day_feed:
            return web.Response(status=404, text="<html><body>404</body></html>", content_type="text/html")
        today = kst_date(self.now())
        text = pages.feed(by_time(self._of(today, today)), "DART : 오늘의 공시", self.now(), day=True)
        return web.Response(text=text, content_type="application/xml")

    async def _company_feed(self, request: web.Request) -> web.Response:
        asked, today = request.query.get("crpCd", ""), kst_date(self.now())
        start = today
        for _ in range(5):
            start = self.desk.market.calendar.previous_session(start)
        found = [each for each in by_time(self._of(start, today)) if each.corp_code == asked]
        text = pages.feed(found, "DART : 회사의 공시", self.now(), day=False)
        return web.Response(text=text, content_type="application/xml")

    async def _day(self, request: web.Request) -> web.Response:
        day = _day(request.query.get("selectDate", "").replace(".", ""))
        page = int(request.query.get("currentPage", "1"))
        found = by_time(self._of(day, day))
        shown = found[(page - 1) * 100 : page * 100]
        return web.Response(text=pages.day_page(shown, day, page=page, total=len(found)), content_type="text/html")

    def _of(self, start: date, end: date) -> list[SimFiling]:
        return self.desk.filings(start, end, until=self.now())

    def _meter(self, query: Mapping[str, str]) -> None:
        if self.status is not None:
            raise Refused(self.status)
        if query.get("crtfc_key") != self._key:
            raise Refused("010")
        now = self.now()
        while self._recent and self._recent[0] <= now - timedelta(minutes=1):
            self._recent.popleft()
        today = kst_date(now)
        if len(self._recent) >= A_MINUTE or self.calls.get(today, 0) >= self.daily_calls:
            raise Refused("020")
        self._recent.append(now)
        self.calls[today] = self.calls.get(today, 0) + 1

    def _said(self, status: str) -> web.Response:
        return json_response({"status": status, "message": MESSAGES[status]})


def _xml(status: str) -> web.Response:
    text = pages.REFUSED.format(status=status, message=MESSAGES[status])
    return web.Response(text=text, content_type="application/xml")


def _zip(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/x-msdownload")


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError:
        raise Refused("100") from None
