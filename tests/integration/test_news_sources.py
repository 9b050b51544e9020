"""Every source of news over its simulated site: what it brings, and what its failures do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.chats import service as chats
from core.clock import ManualClock, kst
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable
from core.news.again import forget_removed, look_again
from core.news.searching import search_stocks, share_of, spend, whose_turn
from core.news.service import Crawled, crawl
from core.news.sources import PAGE_SITES, SOURCES, Source
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from sim.naver.press import hankyung_id, origin
from tests.conftest import OpenServices
from tests.integration.articles import clock_of, list_stocks
from tests.integration.newsroom import Newsroom, open_newsroom

BODY = "삼성전자가 9조원 규모의 공급계약을 맺었다고 공시했다. 회사는 이번 계약이 성장의 발판이 될 것이라고 설명했다."


@pytest.fixture
async def room(clock: ManualClock) -> AsyncIterator[Newsroom]:
    async with open_newsroom(clock) as opened:
        yield opened


@pytest.fixture
async def services(open_test_services: OpenServices, room: Newsroom) -> AsyncIterator[Services]:
    async with open_test_services(news=room.settings()) as opened:
        await list_stocks(opened, priority=["005930"])
        yield opened


async def rows(services: Services, query: str) -> list[tuple[Any, ...]]:
    async with services.db.begin() as conn:
        return [tuple(row) for row in await conn.execute(text(query))]


async def read(services: Services, source: Source) -> Crawled:
    """Read a source as its job does."""
    return await crawl(services, source, asked=["삼성전자"] if source.key == "naver_search" else None)


def print_for(room: Newsroom, source: Source, title: str, *, ago: int = 30) -> None:
    office = {"hankyung": "015", "mk": "009", "mk_sitemap": "009"}.get(source.key, "001")
    room.plant(title, BODY, ago=ago, office=office, codes=("005930",))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
async def test_every_source_brings_an_article_about_a_stock_once(
    services: Services, room: Newsroom, source: Source
) -> None:
    print_for(room, source, "삼성전자, 9조 수주")
    assert await read(services, source) == Crawled(new=1)
    assert await read(services, source) == Crawled(seen=1)
    ((title, url, code, published),) = await rows(
        services, "SELECT title, url, code, published_at FROM article a JOIN match m ON m.article_id = a.id"
    )
    assert code == "005930"
    assert "삼성전자" in title or "Samsung" in title
    assert url.startswith("https://")
    late = timedelta(minutes=15) if source.key == "reddit" else timedelta(minutes=30)
    assert published == services.clock.now() - late
    assert await rows(services, f"SELECT last_items FROM source_status WHERE source = '{source.key}'") == [(1,)]


FAULTS: list[tuple[dict[str, Any], type[StockPilotError], str]] = [
    ({"status": 429, "headers": {"Retry-After": "90"}}, QuotaExceeded, "quota"),
    ({"status": 403}, Blocked, "blocked"),
    ({"effect": "empty"}, Malformed, "malformed"),
    ({"effect": "html"}, Malformed, "malformed"),
    ({"effect": "truncate"}, Unavailable, "unavailable"),
    ({"effect": "close"}, Unavailable, "unavailable"),
    ({"status": 503}, Unavailable, "unavailable"),
    ({"body": '{"rows": [1]}'}, Malformed, "malformed"),
    ({"body": b"\xff\xfe\x00<\x00a"}, Malformed, "malformed"),
]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize(("fault", "error", "kind"), FAULTS, ids=lambda each: str(each)[:30])
async def test_every_failure_of_every_source_is_typed_and_over_when_it_is_over(
    services: Services,
    room: Newsroom,
    source: Source,
    fault: dict[str, Any],
    error: type[StockPilotError],
    kind: str,
) -> None:
    if source.key == "reddit" and kind == "unavailable" and "status" not in fault:
        pytest.skip("the client repeats broken connections for seconds")
    print_for(room, source, "삼성전자, 9조 수주")
    await read(services, source)
    print_for(room, source, "삼성전자, 새 공장 짓는다", ago=20)
    site = room.site_of(source.key)
    path = "/new" if source.key == "reddit" else ""
    site.faults.add(path=path, times=30, **fault)
    with pytest.raises(error) as raised:
        await read(services, source)
    assert "test-news" not in str(raised.value)
    assert await rows(services, "SELECT count(*) FROM article") == [(1,)]
    state = f"SELECT failure_kind, failures_in_row FROM source_status WHERE source = '{source.key}'"
    assert await rows(services, state) == [(kind, 1)]
    site.faults.clear()
    clock_of(services).move(timedelta(hours=1))
    assert (await read(services, source)).new == 1
    assert (await rows(services, state))[0][1] == 0


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (404, {}, Malformed),
        (302, {"Location": "/subreddits/search"}, Malformed),
        (403, {}, Blocked),
        (401, {"WWW-Authenticate": 'Bearer realm="reddit", error="invalid_token"'}, Blocked),
    ],
)
async def test_what_reddit_refuses_names_the_reaction(
    services: Services, room: Newsroom, status: int, headers: dict[str, str], error: type[StockPilotError]
) -> None:
    """A subreddit that does not exist is a redirect or 404, a private or quarantined one 403."""
    room.reddit.faults.add(path="/new", status=status, headers=headers, times=30)
    with pytest.raises(error) as raised:
        await crawl(services, SOURCES["reddit"])
    assert "test-news" not in str(raised.value)
    if error is Malformed:
        assert "NEWS_REDDIT_SUBREDDITS" in str(raised.value)


# One article, many names.


async def test_the_presss_own_page_and_navers_copy_are_one_article(services: Services, room: Newsroom) -> None:
    printed = room.plant("삼성전자, 9조 수주", BODY, office="015", codes=("005930",))
    assert (await crawl(services, SOURCES["hankyung"])).new == 1
    assert (await crawl(services, SOURCES["naver_main"])).new == 0
    assert (await read(services, SOURCES["naver_search"])).new == 0
    naver = f"naver:015:{printed.number}"
    assert await rows(services, "SELECT canonical_id, url FROM article") == [
        (f"hankyung:{hankyung_id(printed)}", origin(printed))
    ]
    assert await rows(services, "SELECT known_as FROM article_alias") == [(naver,)]
    places = "SELECT source, url LIKE '%naver.com%' FROM article_source WHERE source <> 'press' ORDER BY 1"
    assert await rows(services, places) == [("hankyung", False), ("naver_main", True), ("naver_search", True)]


async def test_readings_at_the_same_time_store_each_article_once(services: Services, room: Newsroom) -> None:
    """An admin may ask a source while its job reads it, and sources show the same articles."""
    for number in range(6):
        room.plant(f"삼성전자, {number}번째 수주", BODY + "수주" * number, office="015", codes=("005930",))
    keys = ("naver_main", "hankyung", "naver_main", "naver_search", "hankyung", "naver_stock")
    await asyncio.gather(*(read(services, SOURCES[key]) for key in keys))
    for key in keys:
        assert (await read(services, SOURCES[key])).new == 0
    stories = await rows(services, "SELECT count(DISTINCT coalesce(story_id, id)) FROM article")
    assert stories == [(6,)]
    assert await rows(services, "SELECT canonical_id FROM article GROUP BY 1 HAVING count(*) > 1") == []


async def test_an_article_known_under_two_numbers_becomes_one_story_when_that_comes_out(
    open_test_services: OpenServices, room: Newsroom
) -> None:
    """Without its pages Naver's list does not say whose article it is; the search does."""
    without_pages = room.settings() | {"sources": ("naver_main",)}
    async with open_test_services(news=without_pages) as services:
        await list_stocks(services)
        room.plant("[단독] 알립니다", "내용 없음", office="009", codes=("005930",))
        room.plant("삼성전자", "내용", office="009", codes=("005930",))
        room.naver.faults.add(path="/mnews/", status=404, times=99)
        await crawl(services, SOURCES["mk"])
        await rows(services, "UPDATE article SET fingerprint = 'x' || id, sketch = '{}' RETURNING id")
        await crawl(services, SOURCES["naver_main"])
        assert await rows(services, "SELECT count(*) FROM article WHERE title = '삼성전자'") == [(2,)]
        await read(services, SOURCES["naver_search"])
        found = await rows(services, "SELECT count(DISTINCT story_id) FROM article WHERE title = '삼성전자'")
        assert found == [(1,)]


async def test_maeils_feed_and_sitemap_bring_one_article_and_no_politics(services: Services, room: Newsroom) -> None:
    room.plant("삼성전자, 9조 수주", BODY, office="009", codes=("005930",))
    for number in range(6):
        room.plant(f"국회 소식 {number}호", "정치 이야기이다.", office="009")
    await crawl(services, SOURCES["mk"])
    await crawl(services, SOURCES["mk_sitemap"])
    sections = await rows(services, "SELECT DISTINCT split_part(url, '/', 5) FROM article ORDER BY 1")
    assert ("society",) not in sections
    assert await rows(services, "SELECT count(*) FROM article WHERE title LIKE '삼성%'") == [(1,)]


async def test_pages_of_a_press_are_read_only_when_named(open_test_services: OpenServices, room: Newsroom) -> None:
    async with open_test_services(news=room.settings() | {"sources": ()}) as services:
        await list_stocks(services)
        room.plant("삼성전자, 9조 수주", BODY, office="015", codes=("005930",))
        assert (await crawl(services, SOURCES["hankyung"])).new == 1
        assert not [asked for asked in room.hankyung.requests if asked.path.startswith("/article")]
        assert await rows(services, "SELECT body, partial FROM article") == [(None, False)]


async def test_a_lead_before_a_paywall_is_kept_as_partial(services: Services, room: Newsroom) -> None:
    room.plant("삼성전자, 9조 수주", "전문은 한경 프리미엄9에서 볼 수 있다.", office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    assert await rows(services, "SELECT partial FROM article") == [(True,)]


async def test_lists_that_answer_and_bring_nothing_new_for_days_are_a_failure(
    services: Services, room: Newsroom
) -> None:
    print_for(room, SOURCES["hankyung"], "삼성전자, 9조 수주")
    assert (await crawl(services, SOURCES["hankyung"])).new == 1
    clock_of(services).move(timedelta(days=2))
    print_for(room, SOURCES["hankyung"], "삼성전자, 새 공장 짓는다", ago=60 * 47)
    clock_of(services).move(timedelta(hours=1))
    assert (await crawl(services, SOURCES["hankyung"])).new == 1
    clock_of(services).move(timedelta(hours=1))
    with pytest.raises(Unavailable, match="nothing newer than"):
        await crawl(services, SOURCES["hankyung"])
    assert await rows(services, "SELECT count(*) FROM article") == [(2,)]
    state = "SELECT failure_kind, failures_in_row FROM source_status WHERE source = 'hankyung'"
    assert await rows(services, state) == [("stale", 1)]
    print_for(room, SOURCES["hankyung"], "삼성전자, 배당 늘린다")
    assert (await crawl(services, SOURCES["hankyung"])).new == 1


async def test_pages_of_another_shape_are_a_failure_and_one_odd_page_is_not(services: Services, room: Newsroom) -> None:
    state = "SELECT failure_kind, failures_in_row FROM source_status WHERE source = 'naver_page'"
    page = "<html><body><div class='new'>삼성전자</div></body></html>"
    for number in range(7):
        room.plant(f"삼성전자, {number}번째 수주", BODY + str(number), office="001", codes=("005930",))
    room.naver.faults.add(path="/mnews/", body=page, times=1)
    assert (await crawl(services, SOURCES["naver_main"])).new == 7
    assert await rows(services, state) == [(None, 0)]
    for number in range(6):
        room.plant(f"삼성전자, {number}번째 공장", BODY + "공장" * number, office="014", codes=("005930",))
    room.naver.faults.add(path="/mnews/", body=page, times=6)
    assert (await crawl(services, SOURCES["naver_main"])).new == 6
    assert await rows(services, state) == [("malformed", 1)]
    assert await rows(services, "SELECT count(*) FROM article WHERE partial") == [(7,)]


# Searching.


async def test_descriptions_of_a_search_are_matched_and_not_kept(services: Services, room: Newsroom) -> None:
    room.plant("반도체 훈풍", BODY, office="014", codes=("005930",))
    room.plant("삼성전자라는 말만 있는 글의 제목", "삼성전자판 이야기", office="014")
    assert (await read(services, SOURCES["naver_search"])).new >= 1
    about = "SELECT summary FROM article a JOIN match m ON m.article_id = a.id WHERE title = '반도체 훈풍'"
    assert await rows(services, about) == [("",)]


async def test_watched_stocks_go_first_and_the_rest_by_turns(services: Services) -> None:
    member = await chats.meet(services, user_id=1, name="김하늘")
    await chats.watch(services, member, "0126Z0")
    at = services.clock.now()
    async with services.db.begin() as conn:
        first = [turn.code for turn in await whose_turn(conn, limit=3)]
        await spend(conn, first, at=at)
        second = [turn.code for turn in await whose_turn(conn, limit=4)]
    assert first[:2] == second[:2] == ["0126Z0", "005930"]
    assert first[2] not in second[2:]


def test_what_is_left_of_a_day_is_spread_over_its_runs() -> None:
    noon = kst(date(2026, 2, 20), time(12))
    assert [share_of(left, noon) for left in (0, -5, 72, 7_200, 25_000)] == [0, 0, 1, 100, 347]
    assert share_of(1_000_000, noon) == 400
    assert share_of(500, kst(date(2026, 2, 20), time(23, 59))) == 400


async def test_calls_are_counted_before_they_are_made_and_end_with_the_day(
    open_test_services: OpenServices, room: Newsroom
) -> None:
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    async with open_test_services(news=room.settings() | {"naver_daily_calls": 98}) as services:
        await list_stocks(services, priority=["005930", "000660"])
        searched = await search_stocks(services, SOURCES["naver_search"])
        assert (searched.asked, searched.new, searched.left) == (2, 1, 96)
        assert [asked.query["query"] for asked in room.search.requests] == ["SK하이닉스", "삼성전자"]
        assert await rows(services, "SELECT calls FROM news_search_day") == [(2,)]
        room.search.daily_calls = 2
        with pytest.raises(QuotaExceeded, match="Query limit exceeded"):
            await search_stocks(services, SOURCES["naver_search"])
        asked = len(room.search.requests)
        assert (await search_stocks(services, SOURCES["naver_search"])).asked == 0
        assert len(room.search.requests) == asked
        clock_of(services).move(timedelta(days=1))
        assert (await search_stocks(services, SOURCES["naver_search"])).asked > 0


async def test_told_that_it_goes_too_fast_it_waits_and_goes_on(services: Services, room: Newsroom) -> None:
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    body = '{"errorMessage": "Rate limit exceeded.", "errorCode": "012"}'
    room.search.faults.add(status=429, body=body, times=1)
    searched = await search_stocks(services, SOURCES["naver_search"])
    assert searched.asked == 5
    assert searched.new == 1


async def test_one_search_may_find_nothing_and_a_whole_run_may_not(services: Services, room: Newsroom) -> None:
    """The service answers 200 with an empty list: only the sum of many searches shows it."""
    search, clock = SOURCES["naver_search"], clock_of(services)
    state = "SELECT failure_kind, failures_in_row, last_items, told FROM source_status WHERE source = 'naver_search'"
    told = "SELECT DISTINCT key FROM outbox WHERE kind IN ('source_failed', 'source_recovered') ORDER BY key"
    async with services.db.begin() as conn:
        more = [Stock(code=f"9{number:05}", name=f"조용한회사{number}", market=Market.KOSDAQ) for number in range(25)]
        await upsert_stocks(conn, more, at=clock.now())
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    assert (await search_stocks(services, search)).new == 1
    assert await rows(services, state) == [(None, 0, 1, False)]
    empty = '{"total": 0, "start": 1, "display": 0, "items": []}'
    for run in (1, 2, 3):
        clock.move(timedelta(minutes=10))
        room.search.faults.add(body=empty, times=30)
        searched = await search_stocks(services, search)
        assert (searched.asked, searched.found) == (30, 0)
        assert await rows(services, state) == [("empty", run, 1, run > 1)]
    assert await rows(services, told) == [("source:naver_search:1:failed",)]
    clock.move(timedelta(hours=1))
    assert (await search_stocks(services, search)).asked == 30
    assert await rows(services, state) == [("empty", 0, 1, False)]
    assert await rows(services, told) == [("source:naver_search:1:failed",), ("source:naver_search:1:recovered",)]


async def test_few_searches_without_anything_say_nothing(services: Services, room: Newsroom) -> None:
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    await search_stocks(services, SOURCES["naver_search"])
    room.search.faults.add(body='{"items": []}', times=5)
    assert (await search_stocks(services, SOURCES["naver_search"])).asked == 5
    assert await rows(services, "SELECT failures_in_row FROM source_status WHERE source = 'naver_search'") == [(0,)]


@pytest.mark.parametrize("api", ["developers", "hub"])
async def test_both_hosts_are_asked_in_their_own_way_and_a_wrong_key_is_told_as_such(
    open_test_services: OpenServices, room: Newsroom, api: str
) -> None:
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    given = room.settings() | {"naver_search_api": api}
    async with open_test_services(news=given) as services:
        await list_stocks(services)
        assert (await read(services, SOURCES["naver_search"])).new == 1
        path = room.search.requests[-1].path
        assert path == ("/search/v1/news" if api == "hub" else "/v1/search/news.json")
    async with open_test_services(news=given | {"naver_client_secret": "wrong"}) as services:
        with pytest.raises(Blocked, match="024 NID AUTH Result Invalid"):
            await read(services, SOURCES["naver_search"])


# Changes.


async def test_a_changed_headline_is_read_matched_and_embedded_again(services: Services, room: Newsroom) -> None:
    printed = room.plant("삼성전자, 9조 수주", BODY, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    (before,) = await rows(services, "UPDATE article SET embedded_as = 'x' RETURNING id, first_seen_at, story_id")
    clock_of(services).move(timedelta(minutes=10))
    replant(room, printed, title="현대차, 9조 수주", body=BODY.replace("삼성전자", "현대차"))
    assert await crawl(services, SOURCES["hankyung"]) == Crawled(seen=1, revised=1)
    assert await crawl(services, SOURCES["hankyung"]) == Crawled(seen=1)
    ((*kept, title, body, embedded, edited),) = await rows(
        services, "SELECT id, first_seen_at, story_id, title, body, embedded_as, edited_at FROM article"
    )
    assert tuple(kept) == before
    assert (title, embedded, edited) == ("현대차, 9조 수주", None, services.clock.now())
    assert "현대차가" in body
    assert await rows(services, "SELECT code FROM match") == [("005380",)]
    assert await rows(services, "SELECT title FROM article_revision") == [("삼성전자, 9조 수주",)]


async def test_before_the_edit_an_article_says_what_it_said_then(services: Services, room: Newsroom) -> None:
    from core.news.queries import get_article, latest_articles

    printed = room.plant("삼성전자, 9조 수주", BODY, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    then = services.clock.now()
    clock_of(services).move(timedelta(minutes=10))
    replant(room, printed, title="삼성전자, 수주 취소", body="삼성전자의 수주가 취소됐다. " * 20)
    await crawl(services, SOURCES["hankyung"])
    async with services.db.begin() as conn:
        (before,) = await latest_articles(conn, as_of=then)
        (after,) = await latest_articles(conn, as_of=services.clock.now())
        shown = await get_article(conn, before.id, as_of=then)
    assert (before.title, after.title) == ("삼성전자, 9조 수주", "삼성전자, 수주 취소")
    assert before == shown
    assert before.body == BODY
    assert (before.edited_at, after.edited_at) == (None, services.clock.now())


def replant(room: Newsroom, printed: Any, **changed: Any) -> None:
    """Let a printed article be another one under the same number."""
    from dataclasses import replace

    body = changed.pop("body")
    planted = room.desk._planted
    planted[planted.index(printed)] = replace(printed, body=(body,), **changed)


async def test_a_text_edited_under_the_same_headline_is_found_by_reading_again(
    services: Services, room: Newsroom
) -> None:
    printed = room.plant("삼성전자, 9조 수주", BODY, ago=5, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    replant(room, printed, body="삼성전자와 현대차가 함께 9조원 규모의 계약을 맺었다.")
    site = PAGE_SITES["hankyung_page"]
    assert (await look_again(services, site)).edited == 0
    clock_of(services).move(timedelta(hours=1))
    assert (await look_again(services, site)).edited == 1
    assert await rows(services, "SELECT code FROM match ORDER BY 1") == [("005380",), ("005930",)]
    assert await crawl(services, SOURCES["hankyung"]) == Crawled(seen=1)
    asked = len(room.hankyung.requests)
    assert (await look_again(services, site)).edited == 0
    assert len(room.hankyung.requests) == asked


async def test_a_list_that_shows_less_takes_nothing_away(services: Services, room: Newsroom) -> None:
    printed = room.plant("삼성전자, 미국에서 9조원 규모의 반도체 수주", BODY * 2 + "현대차도 맺었다.", office="015")
    await crawl(services, SOURCES["naver_main"])
    await read(services, SOURCES["naver_search"])
    stored = "SELECT title, summary <> '', body <> '' FROM article"
    before = await rows(services, stored)
    assert before == [(printed.title, True, True)]
    room.naver.faults.add(path="/mnews/", status=404, times=9)
    for title, seen in (
        ("삼성전자, 미국에서 9조원 규모…", printed.title),
        ("삼성전자, 계약 취소", "삼성전자, 계약 취소"),
    ):
        (planted,) = room.desk._planted
        replant(room, planted, title=title, body=BODY)
        await read(services, SOURCES["naver_search"])
        assert await rows(services, stored) == [(seen, True, True)]
        assert await rows(services, "SELECT code FROM match ORDER BY 1") == [("005380",), ("005930",)]


async def test_a_text_that_went_behind_a_paywall_is_kept(services: Services, room: Newsroom) -> None:
    printed = room.plant("삼성전자, 9조 수주", BODY * 5, ago=30, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    clock_of(services).move(timedelta(hours=2))
    replant(room, printed, body="삼성전자가 9조원. 전문은 한경 프리미엄9에서 볼 수 있다.")
    assert (await look_again(services, PAGE_SITES["hankyung_page"])).edited == 0
    assert await rows(services, "SELECT length(body) > 300, partial FROM article") == [(True, False)]
    (planted,) = room.desk._planted
    replant(room, planted, title="삼성전자, 10조 수주", body="전문은 한경 프리미엄9에서 볼 수 있다.")
    assert (await crawl(services, SOURCES["hankyung"])).revised == 1
    assert await rows(services, "SELECT title, length(body) > 300, partial FROM article") == [
        ("삼성전자, 10조 수주", True, False)
    ]


async def test_an_article_taken_down_is_marked_and_kept(services: Services, room: Newsroom) -> None:
    for title in ("삼성전자, 9조 수주", "현대차, 새 공장"):
        room.plant(title, f"{title} 소식. {BODY}", ago=5, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    clock_of(services).move(timedelta(hours=1))
    room.hankyung.gone.add(hankyung_id(room.desk._planted[0]))
    assert (await look_again(services, PAGE_SITES["hankyung_page"])).gone == 1
    assert await rows(services, "SELECT title, body IS NULL FROM article WHERE gone_at IS NOT NULL") == [
        ("삼성전자, 9조 수주", False)
    ]


async def test_a_site_that_has_moved_takes_no_article_down(services: Services, room: Newsroom) -> None:
    for number in range(4):
        room.plant(f"삼성전자, {number + 1}번째 수주", f"{number}. {BODY}", ago=5, office="015", codes=("005930",))
    await crawl(services, SOURCES["hankyung"])
    clock_of(services).move(timedelta(hours=1))
    room.hankyung.faults.add(path="/article/", status=410, times=99)
    assert (await look_again(services, PAGE_SITES["hankyung_page"])).gone == 0
    assert await rows(services, "SELECT count(*) FROM article WHERE gone_at IS NOT NULL") == [(0,)]
    state = "SELECT failure_kind FROM source_status WHERE source = 'hankyung_page'"
    assert await rows(services, state) == [("blocked",)]


async def test_of_a_removed_post_only_the_headline_stays(services: Services, room: Newsroom) -> None:
    room.plant("삼성전자, 9조 수주", BODY, codes=("005930",))
    await crawl(services, SOURCES["reddit"])
    assert await forget_removed(services, SOURCES["reddit"]) == 0
    (post,) = room.reddit.posts()
    room.reddit.removed.add(post.name)
    assert await forget_removed(services, SOURCES["reddit"]) == 1
    ((title, body, summary),) = await rows(
        services, "SELECT title, body, summary FROM article WHERE gone_at IS NOT NULL"
    )
    assert title.startswith("Samsung Electronics")
    assert (body, summary) == (None, "")
    assert await forget_removed(services, SOURCES["reddit"]) == 0
