from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from html import unescape

import httpx
import pytest
from bs4 import BeautifulSoup

from core.clock import KST, ManualClock, kst
from sim.market import SimMarket
from sim.naver.newsdesk import Article, NewsDesk
from sim.naver.server import NaverServer
from tests.unit.sim.conftest import FRIDAY


@pytest.fixture(scope="module")
def desk(market: SimMarket) -> NewsDesk:
    return NewsDesk(market)


@pytest.fixture
async def client(desk: NewsDesk, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    server = NaverServer(desk, clock.now)
    async with httpx.AsyncClient(base_url=await server.start()) as client:
        yield client
    await server.stop()


@pytest.fixture
def newest(desk: NewsDesk, clock: ManualClock) -> Article:
    return next(article for article in desk.articles(until=clock.now()) if article.edited_at and article.codes)


async def test_the_market_list_is_spelled_as_naver_does(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/domestic/news/list", params={"category": "MAINNEWS"})).json()
    rows = body["articles"]
    assert len(rows) == 20
    assert {"officeId", "officeHname", "articleId", "title", "datetime", "subcontent", "type"} <= set(rows[0])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["datetime"]) for row in rows)
    assert all(len(row["officeId"]) == 3 and len(row["articleId"]) == 10 for row in rows)


async def test_pages_follow_one_another_without_overlap(client: httpx.AsyncClient) -> None:
    asked = {"category": "FLASHNEWS", "pageSize": "10"}
    pages = [
        (await client.get("/api/domestic/news/list", params=asked | {"page": str(page)})).json()["articles"]
        for page in (1, 2, 3)
    ]
    ids = [row["officeId"] + row["articleId"] for rows in pages for row in rows]
    assert len(set(ids)) == 30


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/domestic/news/list", {"category": "main"}),
        ("/api/domestic/news/list", {"category": "MAINNEWS", "date": "2026-11-20"}),
        ("/api/domestic/detail/news", {"itemCode": "005930", "pageSize": "100"}),
        ("/api/domestic/detail/news", {"itemCode": "005930", "page": "200"}),
        ("/api/domestic/news/focus", {"sid": "999"}),
    ],
)
async def test_a_bad_query_is_400_with_a_detail_code(
    client: httpx.AsyncClient, path: str, asked: dict[str, str]
) -> None:
    refused = await client.get(path, params=asked)
    assert refused.status_code == 400
    assert set(refused.json()) == {"detailCode", "message"}


async def test_the_topic_list_has_other_key_case_and_numbers_as_text(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/domestic/news/focus", params={"sid": "402", "date": f"{FRIDAY:%Y%m%d}"})).json()
    assert (body["page"], body["pageSize"], body["articleTotal"]) == ("1", "20", "0")
    row = body["articles"][0]
    assert {"officeID", "officeHName", "articleID", "date", "time", "url"} <= set(row)
    assert re.fullmatch(r"\d{14}", row["date"])
    assert row["url"].startswith(f"https://n.news.naver.com/mnews/article/{row['officeID']}/{row['articleID']}")


async def test_the_topic_list_falls_back_to_an_earlier_day(client: httpx.AsyncClient, clock: ManualClock) -> None:
    clock.at = kst(FRIDAY, time(0, 0, 1))
    body = (await client.get("/api/domestic/news/focus", params={"sid": "402", "date": f"{FRIDAY:%Y%m%d}"})).json()
    assert body["date"] == "20261119"
    assert all(row["date"].startswith("20261119") for row in body["articles"])


async def test_the_list_per_stock_is_clusters_with_entities_and_missing_keys(
    client: httpx.AsyncClient, desk: NewsDesk, clock: ManualClock
) -> None:
    clusters = (await client.get("/api/news/stock/005930", params={"pageSize": "100"})).json()
    items = [item for cluster in clusters for item in cluster["items"]]
    assert all(cluster["total"] == len(cluster["items"]) for cluster in clusters)
    assert any(len(cluster["items"]) > 1 for cluster in clusters)
    assert len({item["id"] for item in items}) < len(items)
    assert any("&quot;" in item["title"] or "&#39;" in item["body"] for item in items)
    assert any("titleFull" not in item for item in items)
    assert all(re.fullmatch(r"\d{12}", item["datetime"]) for item in items)
    truth = {article.id: article for article in desk.articles(until=clock.now(), days=21)}
    assert all("005930" in truth[item["id"]].tags for item in items)
    assert all(unescape(item.get("titleFull", item["title"])) == truth[item["id"]].title for item in items)


async def test_both_lists_per_stock_hold_the_same_clusters(client: httpx.AsyncClient) -> None:
    mobile = (await client.get("/api/news/stock/005930", params={"pageSize": "15"})).json()
    desktop = (await client.get("/api/domestic/detail/news", params={"itemCode": "005930", "pageSize": "15"})).json()
    assert desktop == {"clusters": mobile}
    assert (await client.get("/api/news/stock/AAPL")).json() == []


async def test_the_page_holds_the_article_under_the_documented_selectors(
    client: httpx.AsyncClient, newest: Article
) -> None:
    answer = await client.get(f"/mnews/article/{newest.office}/{newest.number}", params={"sid": "101"})
    page = BeautifulSoup(answer.content, "lxml")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert page.select_one("h2#title_area").get_text() == newest.title  # type: ignore[union-attr]
    published = page.select_one("span._ARTICLE_DATE_TIME")["data-date-time"]  # type: ignore[index]
    assert datetime.strptime(str(published), "%Y-%m-%d %H:%M:%S").replace(tzinfo=KST) == newest.at
    assert page.select_one("span._ARTICLE_MODIFY_DATE_TIME[data-modify-date-time]") is not None
    assert page.select_one('meta[property="og:article:author"]')["content"] == f"{newest.press} | 네이버"  # type: ignore[index]
    assert page.select_one("a.media_end_head_origin_link[href]") is not None
    assert page.select_one("span.byline_s") is not None


async def test_the_body_is_left_when_the_other_blocks_are_removed(client: httpx.AsyncClient, newest: Article) -> None:
    answer = await client.get(f"/article/{newest.office}/{newest.number}")
    body = BeautifulSoup(answer.content, "lxml").select_one("#dic_area")
    assert body is not None
    assert "기사와 관련 없는 사진" in body.get_text()
    blocks = "script, style, .end_photo_org, em.img_desc, strong.media_end_summary, .ab_sub_heading, .ad_area"
    for block in body.select(blocks):
        block.decompose()
    paragraphs = [text.strip() for text in body.get_text("\n").split("\n") if text.strip()]
    assert tuple(paragraphs) == newest.body
    assert "<br/><br/>" in str(body)


async def test_an_article_of_later_and_an_unknown_one_are_404(
    client: httpx.AsyncClient, newest: Article, clock: ManualClock
) -> None:
    assert (await client.get("/mnews/article/001/0000000000")).status_code == 404
    clock.at = newest.at - timedelta(seconds=1)
    assert (await client.get(f"/mnews/article/{newest.office}/{newest.number}")).status_code == 404


async def test_the_retired_page_is_gone(client: httpx.AsyncClient) -> None:
    assert (await client.get("/item/news_news.naver", params={"code": "005930"})).status_code == 410


async def test_hostile_text_is_escaped_on_the_page(
    desk: NewsDesk, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    planted = desk.plant('<b>"급등"</b>', "<script>alert(1)</script> 무시하라", clock.now(), ["005930"])
    page = BeautifulSoup((await client.get(f"/mnews/article/{planted.office}/{planted.number}")).content, "lxml")
    assert "<script>alert(1)</script> 무시하라" in page.select_one("#dic_area").get_text()  # type: ignore[union-attr]
