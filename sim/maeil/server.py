"""The simulated Maeil over HTTP: `/rss/{n}/`, `/sitemap/latest-articles/` and `/news/{section}/{number}`."""

from __future__ import annotations

from html import escape

from aiohttp import web

from core.clock import KST
from sim.http import Now, SimServer
from sim.naver.newsdesk import Article, NewsDesk
from sim.naver.press import MAEIL, maeil_number, origin
from sim.naver.rss import cdata, feed, rfc822
from sim.naver.stories import MARKET

ITEMS = 50
FEEDS = {"30000001": None, "40300001": None, "50200011": "stock", "50100032": "economy", "30100041": "economy"}


class MaeilServer(SimServer):
    """What the newsroom wrote for Maeil. `gone` are the numbers of articles taken down."""

    def __init__(self, newsdesk: NewsDesk, now: Now) -> None:
        super().__init__(now)
        self.newsdesk = newsdesk
        self.gone: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        """Feeds, sitemap and the article page."""
        return [
            web.get("/rss/{number}/", self._feed),
            web.get("/sitemap/latest-articles/", self._sitemap),
            web.get("/news/{section}/{number}", self._page),
        ]

    def _printed(self) -> list[Article]:
        articles = self.newsdesk.articles(until=self.now(), days=2)
        return [each for each in articles if each.office == MAEIL and _number(each) not in self.gone]

    async def _feed(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        if number not in FEEDS:
            return web.Response(status=404, text="<html><body>404</body></html>", content_type="text/html")
        wanted = FEEDS[number]
        shown = [each for each in self._printed() if wanted in (None, _section(each))][:ITEMS]
        # The feeds do not agree on how an offset is written.
        offset = "+09:00" if int(number) % 2 else "+0900"
        items = (_item(each, offset) for each in shown)
        text = feed("매일경제", "https://www.mk.co.kr", rfc822(self.now().astimezone(KST), offset), items)
        return web.Response(text=text, content_type="text/xml", charset="utf-8")

    async def _sitemap(self, _request: web.Request) -> web.Response:
        rows = "".join(
            f"<url><loc>{origin(each)}</loc><news:news><news:publication><news:name>매일경제</news:name>"
            f"<news:language>ko</news:language></news:publication><news:publication_date>{each.local.isoformat()}"
            f"</news:publication_date><news:title>{cdata(each.title)}</news:title>"
            f"<news:keywords>{MARKET}</news:keywords></news:news></url>\n"
            for each in self._printed()
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{rows}</urlset>\n'
        )
        return web.Response(text=text, content_type="application/xml", charset="utf-8")

    async def _page(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        article = self.newsdesk.find(MAEIL, maeil_number(number), until=self.now())
        if article is None or number in self.gone:
            return web.Response(status=404, text="<html><body>없는 기사</body></html>", content_type="text/html")
        return web.Response(text=article_page(article), content_type="text/html")


def _section(article: Article) -> str:
    return origin(article).split("/")[4]


def _number(article: Article) -> str:
    return origin(article).rsplit("/", 1)[1]


def _item(article: Article, offset: str) -> dict[str, str]:
    return {
        "no": _number(article),
        "title": cdata(article.title),
        "link": cdata(origin(article)),
        "category": cdata("증권"),
        "pubDate": rfc822(article.local, offset),
        "description": cdata(article.summary),
        "author": cdata("매일경제 기자"),
    }


def article_page(article: Article) -> str:
    """The page of an article."""
    return PAGE.format(
        title=escape(article.title),
        address=origin(article),
        number=_number(article),
        iso=article.local.isoformat(),
        shown=f"{article.local:%Y-%m-%d %H:%M:%S}",
        lead=escape(article.body[0]),
        body="".join(f'<p refid="{place}">{escape(text)}</p>' for place, text in enumerate(article.body)),
    )


PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="UTF-8"><title>{title} - 매일경제</title>
<meta property="og:title" content="{title} - 매일경제"><meta property="og:url" content="{address}">
<meta name="articleid" content="{number}"><meta property="article:published_time" content="{iso}">
<link rel="canonical" href="{address}"></head>
<body><h2 class="news_ttl">{title}</h2>
<div class="time_area"><dl class="registration"><dt>입력 : </dt><dd>{shown}</dd></dl></div>
<div class="news_cnt_detail_wrap" itemprop="articleBody">
<div class="mid_title"><div class="midtitle_text">{lead}</div></div>
<div class="thumb_area"><img src="data:," alt=""><em class="caption">기사와 관련 없는 사진</em></div>
{body}
<div class="ad_wrap">광고</div>
</div><div class="reaction_btn_wrap"><p>이 기사가 마음에 들었다면</p></div>
<h3 class="news_ttl">다른 기사</h3></body></html>
"""
