"""The simulated Hankyung over HTTP: `/feed/{section}` and `/article/{id}`."""

from __future__ import annotations

from html import escape

from aiohttp import web

from core.clock import KST
from sim.http import Now, SimServer
from sim.naver.newsdesk import Article, NewsDesk
from sim.naver.press import HANKYUNG, hankyung_id, hankyung_number, origin
from sim.naver.rss import cdata, feed, rfc822
from sim.naver.stories import COMPANY, MARKET, MEMO

ITEMS = 50
SECTIONS = {"all-news": None, "finance": (MARKET, MEMO), "economy": (COMPANY,)}


class HankyungServer(SimServer):
    """What the newsroom wrote for Hankyung. `gone` are the ids of articles taken down."""

    def __init__(self, newsdesk: NewsDesk, now: Now) -> None:
        super().__init__(now)
        self.newsdesk = newsdesk
        self.gone: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        """The feeds and the article page."""
        return [web.get("/feed/{section}", self._feed), web.get("/article/{id}", self._page)]

    async def _feed(self, request: web.Request) -> web.Response:
        section = request.match_info["section"].removesuffix(".xml")
        if section not in SECTIONS:
            return web.Response(status=404, text="<html><body>404</body></html>", content_type="text/html")
        wanted, now = SECTIONS[section], self.now()
        printed = (each for each in self.newsdesk.articles(until=now, days=3) if each.office == HANKYUNG)
        shown = [each for each in printed if wanted is None or each.section in wanted][:ITEMS]
        items = (_item(each) for each in shown if hankyung_id(each) not in self.gone)
        text = feed("한국경제", "https://www.hankyung.com", rfc822(now.astimezone(KST)), items)
        return web.Response(text=text, content_type="application/rss+xml", charset="utf-8")

    async def _page(self, request: web.Request) -> web.Response:
        known_as = request.match_info["id"]
        article = self.newsdesk.find(HANKYUNG, hankyung_number(known_as), until=self.now())
        if article is None or known_as in self.gone:
            return web.Response(status=404, text="<html><body>없는 기사</body></html>", content_type="text/html")
        return web.Response(text=article_page(article), content_type="text/html")


def _item(article: Article) -> dict[str, str]:
    return {
        "title": cdata(article.title),
        "link": cdata(f"\n {origin(article)}?rss=r \n"),
        "author": cdata(f"{article.press} 기자"),
        "pubDate": rfc822(article.local),
    }


def article_page(article: Article) -> str:
    """The page of an article."""
    return PAGE.format(
        title=escape(article.title),
        address=origin(article),
        iso=article.local.isoformat(),
        shown=f"{article.local:%Y.%m.%d %H:%M}",
        body="<br><br>".join(escape(paragraph) for paragraph in article.body),
    )


PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>{title} | 한국경제</title>
<meta property="og:title" content="{title}"><meta property="og:url" content="{address}">
<meta property="article:published_time" content="{iso}"><script>var page = "<div>";</script></head>
<body><header><nav class="gnb"><a href="/finance">증권</a></nav></header>
<h1 class="headline">{title}</h1>
<div class="article-timestamp"><div class="datetime"><span class="item">입력<span class="txt-date">{shown}</span></span>
</div></div>
<div class="article-body-wrap"><div class="article-body" id="articletxt" itemprop="articleBody">
<figure class="article-figure"><img src="data:," alt=""><figcaption>기사와 관련 없는 사진</figcaption></figure>
{body}
<div class="ad-area-wrap"><script>ads.push(1);</script>광고</div>
</div></div>
<div class="article-copyright">ⓒ 한경닷컴, 무단전재 및 재배포 금지</div></body></html>
"""
