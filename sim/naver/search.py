"""The simulated Naver Search API at both its hosts: the developer centre's path and the API HUB's, at one address."""

from __future__ import annotations

from datetime import date
from html import escape

from aiohttp import web

from core.clock import KST, kst_date
from sim.http import Now, SimServer, json_response
from sim.naver.newsdesk import Article, NewsDesk
from sim.naver.pages import TITLE_CUT, address
from sim.naver.press import origin
from sim.naver.rss import rfc822

HOSTED = frozenset({"001", "009", "011", "015", "018", "366"})
"""Offices whose stories Naver hosts; of the others the press's own address is all there is."""
DEPTH_DAYS = 14


class NaverSearchServer(SimServer):
    """Searching the newsroom. `daily_calls` is what a key may do in a day in Seoul."""

    def __init__(
        self, newsdesk: NewsDesk, now: Now, *, client_id: str, client_secret: str, daily_calls: int = 25_000
    ) -> None:
        super().__init__(now)
        self.newsdesk = newsdesk
        self.daily_calls = daily_calls
        self.calls: dict[date, int] = {}
        self._key = client_id, client_secret

    def routes(self) -> list[web.RouteDef]:
        """Both paths."""
        return [web.get("/v1/search/news.json", self._developers), web.get("/search/v1/news", self._hub)]

    async def _developers(self, request: web.Request) -> web.Response:
        sent = request.headers.get("X-Naver-Client-Id"), request.headers.get("X-Naver-Client-Secret")
        return self._search(request, sent, hub=False)

    async def _hub(self, request: web.Request) -> web.Response:
        sent = request.headers.get("X-NCP-APIGW-API-KEY-ID"), request.headers.get("X-NCP-APIGW-API-KEY")
        return self._search(request, sent, hub=True)

    def _search(self, request: web.Request, key: tuple[str | None, str | None], *, hub: bool) -> web.Response:
        if key != self._key:
            return refusal(401, "024", "NID AUTH Result Invalid (1000) : Authentication failed", hub=hub)
        day = kst_date(self.now())
        if self.calls.get(day, 0) >= self.daily_calls:
            return refusal(429, "010", "Query limit exceeded", hub=hub)
        self.calls[day] = self.calls.get(day, 0) + 1
        query, asked = request.query.get("query", "").strip(), request.query
        display, start = asked.get("display", "10"), asked.get("start", "1")
        if not query:
            return refusal(400, "SE01", "Incorrect query request", hub=hub)
        if not display.isdecimal() or not 1 <= int(display) <= 100:
            return refusal(400, "SE02", "Invalid display value", hub=hub)
        if not start.isdecimal() or not 1 <= int(start) <= 1000:
            return refusal(400, "SE03", "Invalid start value", hub=hub)
        found = [each for each in self.newsdesk.articles(until=self.now(), days=DEPTH_DAYS) if _says(each, query)]
        shown = found[int(start) - 1 : int(start) - 1 + int(display)]
        body = {
            "lastBuildDate": rfc822(self.now().astimezone(KST)),
            "total": 1_000_000 + len(found),
            "start": int(start),
            "display": len(shown),
            "items": [_item(each, query) for each in shown],
        }
        return json_response(body)


def refusal(status: int, code: str, message: str, *, hub: bool) -> web.Response:
    """A refusal as either host spells it."""
    if hub:
        return json_response({"error": {"errorCode": code, "message": message, "details": message}}, status)
    return json_response({"errorMessage": message, "errorCode": code}, status)


def _says(article: Article, query: str) -> bool:
    return query in article.title or any(query in paragraph for paragraph in article.body)


def _item(article: Article, query: str) -> dict[str, str]:
    own = origin(article)
    title = article.title if len(article.title) <= TITLE_CUT else f"{article.title[:TITLE_CUT]}..."
    return {
        "title": _marked(title, query),
        "originallink": f"{own}?ref=naver" if article.lot % 5 == 0 else own,
        "link": f"{address(article)}?sid=101" if article.office in HOSTED else own,
        "description": f"{_marked(article.summary, query)}... ",
        "pubDate": rfc822(article.local.replace(second=0)),
    }


def _marked(text: str, query: str) -> str:
    return escape(text).replace("&#x27;", "&#39;").replace(query, f"<b>{query}</b>")
