"""How Naver shows an article: rows of its lists (each list spells its keys its own way) and the article page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from sim.naver.newsdesk import Article
from sim.naver.press import origin

CLUSTER_SIZE = 3
TITLE_CUT = 42


def market_row(article: Article, ranking: int | None = None) -> dict[str, object]:
    """A row of `news/list`."""
    return {
        "officeId": article.office,
        "officeHname": article.press,
        "articleId": article.number,
        "title": article.title,
        "datetime": f"{article.local:%Y-%m-%d %H:%M:%S}",
        "type": article.kind,
        "subcontent": article.summary,
        "ranking": ranking,
        "prevRanking": None,
        "sumCount": None,
        "thumbUrl": None,
    }


def focus_row(article: Article) -> dict[str, object]:
    """A row of `news/focus`: other key case than `news/list`, and a time without separators."""
    return {
        "officeID": article.office,
        "officeHName": article.press,
        "articleID": article.number,
        "title": article.title,
        "subcontent": article.summary,
        "date": f"{article.local:%Y%m%d%H%M%S}",
        "time": None,
        "type": article.kind,
        "url": f"{address(article)}?sid=101258{article.section}",
    }


def address(article: Article) -> str:
    """The canonical address."""
    return f"https://n.news.naver.com/mnews/article/{article.office}/{article.number}"


def clusters(articles: Sequence[Article]) -> list[dict[str, object]]:
    """Articles by story, newest first; now and then an article shows up in a second cluster as well."""
    stories: dict[str, list[Article]] = {}
    for article in articles:
        stories.setdefault(article.story, []).append(article)
    groups = list(stories.values())
    for group, following in pairwise(groups):
        if group[0].lot % 11 == 0 and len(following) < CLUSTER_SIZE:
            following.append(group[0])
    return [{"total": len(group), "items": [stock_row(article) for article in group]} for group in groups]


def stock_row(article: Article) -> dict[str, object]:
    """An item of the lists per stock: entities in its texts, minutes only, optional keys missing now and then."""
    title, cut = _entities(article.title), article.title[:TITLE_CUT]
    row: dict[str, object] = {
        "id": article.id,
        "officeId": article.office,
        "articleId": article.number,
        "officeName": article.press,
        "datetime": f"{article.local:%Y%m%d%H%M}",
        "title": _entities(cut) + ("..." if len(article.title) > TITLE_CUT else ""),
        "body": _entities(article.summary),
        "photoType": 0,
        "imageOriginLink": "",
    }
    if len(article.title) <= TITLE_CUT and article.lot % 7 == 0:
        return row
    return row | {"type": int(article.kind), "titleFull": title, "mobileNewsUrl": address(article)}


def _entities(text: str) -> str:
    return escape(text).replace("&#x27;", "&#39;")


def article_page(article: Article) -> str:
    """The page of n.news: the body with paragraphs split by two `<br>`, and blocks that are not the body."""
    title, press = escape(article.title), escape(article.press)
    edited = ""
    if article.edited_at is not None:
        when = article.edited_at.astimezone(article.local.tzinfo)
        edited = f'<span class="media_end_head_info_datestamp_time _ARTICLE_MODIFY_DATE_TIME" \
data-modify-date-time="{when:%Y-%m-%d %H:%M:%S}">{when:%Y.%m.%d.}</span>'
    return PAGE.format(
        title=title,
        press=press,
        summary=escape(article.summary),
        published=f"{article.local:%Y-%m-%d %H:%M:%S}",
        edited=edited,
        origin=origin(article),
        address=address(article),
        lead=escape(article.body[0]),
        body="<br><br>".join(escape(paragraph) for paragraph in article.body),
    )


PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:title" content="{title}">
<meta property="og:url" content="{address}">
<meta property="og:description" content="{summary}">
<meta property="og:article:author" content="{press} | 네이버">
<script>var article = {{"section": "경제"}};</script></head>
<body><div id="ct_wrap"><div id="ct" class="ct_scroll_wrapper">
<div class="media_end_head go_trans">
<a class="media_end_head_top_logo" href="#"><img src="data:," alt="{press}" title="{press}"></a>
<h2 id="title_area" class="media_end_head_headline"><span>{title}</span></h2>
<div class="media_end_head_info_datestamp">
<span class="media_end_head_info_datestamp_time _ARTICLE_DATE_TIME" data-date-time="{published}">{published}</span>
{edited}
<a class="media_end_head_origin_link" href="{origin}">기사원문</a></div></div>
<div id="contents" class="newsct_body"><div id="newsct_article" class="newsct_article _article_body">
<article id="dic_area" class="go_trans _article_content">
<strong class="media_end_summary">{lead}</strong>
<span class="end_photo_org"><img src="data:," alt=""><em class="img_desc">기사와 관련 없는 사진</em></span>
{body}
<div class="ab_sub_heading">관련 기사</div>
<div class="ad_area"><script>ads.push(1);</script><p>광고 문의는 대표번호로</p></div>
<style>.ad_area{{display:none}}</style>
</article></div>
<div class="byline"><span class="byline_s">{press} 기자 (reporter@press.example)</span></div>
<div class="copyright"><p class="c_text">Copyright ⓒ {press}. All rights reserved. 무단 전재 및 재배포 금지.</p></div>
</div></div></div></body></html>
"""
