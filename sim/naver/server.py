"""The simulated Naver over HTTP: stock.naver.com, m.stock.naver.com and n.news.naver.com at one address."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

from aiohttp import web

from core.clock import KST, kst_date
from sim.http import Now, SimServer, json_response
from sim.naver.newsdesk import Article, NewsDesk
from sim.naver.pages import article_page, clusters, focus_row, market_row
from sim.naver.stories import BONDS, COMPANY, CURRENCY, MARKET, MEMO, OVERSEAS

T = TypeVar("T")

CATEGORIES = ("MAINNEWS", "FLASHNEWS", "RANKNEWS")
SECTIONS = (MARKET, COMPANY, OVERSEAS, BONDS, MEMO, CURRENCY)
DEPTH_DAYS = 21
"""How far back the lists per stock reach."""

GONE_PAGE = "<!doctype html><html><body><h3>페이지를 찾을 수 없습니다.</h3></body></html>"


class BadRequest(Exception):
    """A query the service answers with 400."""


class NaverServer(SimServer):
    """The lists and pages of one newsroom."""

    def __init__(self, newsdesk: NewsDesk, now: Now) -> None:
        super().__init__(now)
        self.newsdesk = newsdesk

    def routes(self) -> list[web.RouteDef]:
        """Market list, topic list, both lists per stock, the article page, and the retired pages."""
        return [
            web.get("/api/domestic/news/list", self._market_list),
            web.get("/api/domestic/news/focus", self._focus),
            web.get("/api/domestic/detail/news", self._stock_desktop),
            web.get("/api/news/stock/{code}", self._stock_mobile),
            web.get("/mnews/article/{office}/{number}", self._page),
            web.get("/article/{office}/{number}", self._page),
            web.get("/item/news_news.naver", self._retired),
        ]

    async def _market_list(self, request: web.Request) -> web.Response:
        category = request.query.get("category", "")
        if category not in CATEGORIES:
            return _bad("category")
        try:
            page, size = _paging(request, most=50)
            articles = [each for each in self._of_day(request) if _belongs(each, category)]
        except BadRequest as problem:
            return _bad(str(problem))
        shown = _page_of(articles, page, size)
        first = (page - 1) * size + 1
        ranked = category == "RANKNEWS"
        rows = [market_row(each, first + place if ranked else None) for place, each in enumerate(shown)]
        return json_response({"articles": rows})

    def _of_day(self, request: web.Request) -> list[Article]:
        now = self.now()
        if "date" in request.query:
            return self.newsdesk.articles_on(_day(request.query["date"]), until=now)
        return self.newsdesk.articles(until=now, days=2)

    async def _focus(self, request: web.Request) -> web.Response:
        section, now = request.query.get("sid", ""), self.now()
        try:
            page, size = _paging(request, most=50)
            day = _day(request.query.get("date", f"{now.astimezone(KST):%Y%m%d}"))
        except BadRequest as problem:
            return _bad(str(problem))
        if section not in SECTIONS:
            return _bad("sid")
        back = int(request.query.get("maxDays", "1")) if request.query.get("enableFallback") == "true" else 1
        day, articles = self._section(section, day, back)
        body = {
            "page": str(page),
            "pageSize": str(size),
            "articleTotal": "0",  # whatever the number of articles
            "recentdates": [],
            "articles": [focus_row(each) for each in _page_of(articles, page, size)],
            "date": f"{day:%Y%m%d}",
            "isFirstDate": False,
        }
        return json_response(body)

    def _section(self, section: str, day: date, back: int) -> tuple[date, list[Article]]:
        """The newest day with articles of the section, at most `back` days before `day`."""
        for offset in range(back + 1):
            earlier = day - timedelta(days=offset)
            found = [each for each in self.newsdesk.articles_on(earlier, until=self.now()) if each.section == section]
            if found:
                return earlier, found
        return day, []

    async def _stock_desktop(self, request: web.Request) -> web.Response:
        try:
            page, size = _paging(request, most=50)
        except BadRequest as problem:
            return _bad(str(problem))
        groups = clusters(self._tagged(request.query.get("itemCode", "")))
        return json_response({"clusters": _page_of(groups, page, size)})

    async def _stock_mobile(self, request: web.Request) -> web.Response:
        try:
            page, size = _paging(request, most=100)
        except BadRequest as problem:
            return _bad(str(problem))
        return json_response(_page_of(clusters(self._tagged(request.match_info["code"])), page, size))

    def _tagged(self, code: str) -> list[Article]:
        return [each for each in self.newsdesk.articles(until=self.now(), days=DEPTH_DAYS) if code in each.tags]

    async def _page(self, request: web.Request) -> web.Response:
        office, number = request.match_info["office"], request.match_info["number"]
        article = self.newsdesk.find(office, number, until=self.now())
        if article is None:
            return web.Response(status=404, text=GONE_PAGE, content_type="text/html")
        return web.Response(text=article_page(article), content_type="text/html")

    async def _retired(self, request: web.Request) -> web.Response:
        return web.Response(status=410, text=GONE_PAGE, content_type="text/html")


def _belongs(article: Article, category: str) -> bool:
    return category == "FLASHNEWS" or article.section == MARKET or article.lot % 3 == 0


def _bad(name: str) -> web.Response:
    return json_response({"detailCode": "BAD_REQUEST", "message": f"잘못된 요청입니다: {name}"}, 400)


def _paging(request: web.Request, *, most: int) -> tuple[int, int]:
    page, size = request.query.get("page", "1"), request.query.get("pageSize", "20")
    if not page.isdecimal() or not 1 <= int(page) <= 100:
        raise BadRequest("page")
    if not size.isdecimal() or not 1 <= int(size) <= most:
        raise BadRequest("pageSize")
    return int(page), int(size)


def _page_of(rows: list[T], page: int, size: int) -> list[T]:
    return rows[(page - 1) * size : page * size]


def _day(text: str) -> date:
    try:
        return kst_date(datetime.strptime(text, "%Y%m%d").replace(tzinfo=KST))
    except ValueError:
        raise BadRequest("date") from None
