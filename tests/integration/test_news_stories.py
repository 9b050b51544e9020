"""Stories and what follows them: repeats folded, late matches, the move of the price."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.market.bar import Bar
from core.market.queries import store_bars
from core.news.article import Headline
from core.news.following import match_stored, note_moves
from core.news.identity import naver_id_in
from core.news.queries import latest_articles, links_of
from core.news.store import Draft, fold, store_drafts
from core.search.service import collection_of, embed_pending
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from tests.conftest import NOW
from tests.integration.articles import clock_of, list_stocks, store_article
from tests.samples import sample

LEAD = "삼성전자가 북미 고객사와 3조2000억원 규모의 공급계약을 맺었다고 9일 공시했다. 계약 기간은 2029년까지다."


@pytest.fixture(autouse=True)
async def _listed(services: Services) -> None:
    await list_stocks(services)


async def rows(services: Services, query: str, **values: Any) -> list[tuple[Any, ...]]:
    async with services.db.begin() as conn:
        return [tuple(row) for row in await conn.execute(text(query), values)]


async def store(
    services: Services, number: int, title: str, summary: str = "", *, press: str = "가나일보", ago: int = 5
) -> None:
    headline = Headline(
        canonical_id=f"naver:001:{number:010}",
        title=title,
        summary=summary,
        press=press,
        published_at=services.clock.now() - timedelta(minutes=ago),
    )
    async with services.db.begin() as conn:
        draft = Draft(headline=headline, tags=(), matches=())
        await store_drafts(conn, "naver_main", [draft], at=services.clock.now())


async def stories(services: Services) -> list[int]:
    return [story for (story,) in await rows(services, "SELECT story_id FROM article ORDER BY id")]


async def test_near_repeats_are_one_line_with_the_number_of_presses_and_all_links(services: Services) -> None:
    await store(services, 1, "삼성전자, 북미서 3조2000억 수주", LEAD, ago=30)
    await store(services, 2, "[특징주] 삼성전자 '잭팟'", f"(서울=연합뉴스) {LEAD}", press="다라경제", ago=20)
    await store(services, 3, "삼성전자 대형 계약", LEAD.replace("맺었다고", "체결했다고"), press="마바신문", ago=10)
    await store(services, 4, "제주 감귤 풍년", "올해 감귤 농사가 잘됐다는 소식이 제주에서 전해졌다.", ago=5)
    assert await stories(services) == [1, 1, 1, 4]
    async with services.db.begin() as conn:
        listed = await latest_articles(conn, as_of=NOW)
        links = await links_of(conn, 1, as_of=NOW)
        earlier = await latest_articles(conn, as_of=NOW - timedelta(seconds=1))
    assert [(each.title, each.presses) for each in listed] == [
        ("제주 감귤 풍년", 1),
        ("삼성전자, 북미서 3조2000억 수주", 3),
    ]
    assert [press for press, _ in links] == ["다라경제", "마바신문"]
    assert earlier == []


async def test_two_days_later_the_same_words_are_a_new_story(services: Services) -> None:
    await store(services, 1, "삼성전자, 북미서 3조2000억 수주", LEAD)
    clock_of(services).move(timedelta(days=2, minutes=1))
    await store(services, 2, "삼성전자, 북미서 또 수주", LEAD)
    assert await stories(services) == [1, 2]


async def test_folding_twice_or_the_other_way_round_changes_nothing(services: Services) -> None:
    for number in range(1, 4):
        await store(services, number, f"소식 {number}", "")
    async with services.db.begin() as conn:
        assert await fold(conn, {2: 3}) == 1
        assert await fold(conn, {3: 2, 1: 2}) == 1
        assert await fold(conn, {1: 3}) == 0
    assert await stories(services) == [1, 1, 1]


async def test_what_is_said_in_nearly_the_same_words_joins_its_story_when_embedded(services: Services) -> None:
    collection = collection_of(services.llm.embedding_key)
    await services.vectors.open(collection, services.llm.embedding_dim)
    await services.vectors.delete(collection, await services.vectors.keys(collection))
    told = "삼성전자 반도체 공장 증설 계획 발표 소식에 협력사 주가 강세 이어져 관심"
    await store_article(services, 1, "삼성전자 평택 공장 증설 발표…협력사 강세 이어진다", told)
    await store_article(services, 2, "삼성전자 평택 공장 증설 발표에 협력사 강세 이어진다", f"※ {told[1:]}")
    await store_article(services, 3, "삼성전자 5분기 만에 최대 실적", "삼성전자가 이익 5조원을 냈다.")
    await store_article(services, 4, "삼성전자 5분기 만에 최대 실적", "삼성전자가 이익 7조원을 냈다.")
    await rows(services, "UPDATE article SET story_id = id RETURNING id")
    assert await embed_pending(services) == 4
    assert await stories(services) == [1, 1, 3, 4]
    await rows(services, "UPDATE article SET embedded_as = NULL RETURNING id")
    assert await embed_pending(services) == 4
    assert await stories(services) == [1, 1, 3, 4]


async def test_the_recorded_crawl_of_a_stock_is_its_articles_however_often_they_were_listed(services: Services) -> None:
    """8,297 rows of a list that repeats its last page: 3,506 articles."""
    path = sample("news_datasets/naver_finance_item_news_hyundai_005380_2022.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        listed = list(csv.DictReader(file))
    drafts = []
    for row in listed:
        known_as = naver_id_in(row["link"])
        assert known_as is not None
        headline = Headline(
            canonical_id=known_as,
            title=row["title"],
            summary="",
            press=row["press"],
            published_at=datetime.strptime(row["date"], "%Y.%m.%d").replace(tzinfo=UTC),
        )
        drafts.append(Draft(headline=headline, tags=("005380",), matches=()))
    assert len(drafts) == 8_297
    new = 0
    for start in range(0, len(drafts), 500):
        async with services.db.begin() as conn:
            new += await store_drafts(conn, "naver_stock", drafts[start : start + 500], at=NOW)
    ((articles, told),) = await rows(services, "SELECT count(*), count(DISTINCT story_id) FROM article")
    assert new == articles == 3_506
    assert 3_000 < told < 3_506
    wrong = await rows(
        services,
        "SELECT a.title, b.title FROM article a JOIN article b ON b.id = a.story_id "
        "WHERE abs(extract(epoch FROM a.published_at - b.published_at)) > 2 * 86400",
    )
    assert wrong == []


# Following.


def bar(day: date, close: int, split_ratio: float | None = None) -> Bar:
    return Bar(day=day, open=close, high=close, low=close, close=close, volume=1, value=close, split_ratio=split_ratio)


THURSDAY, FRIDAY, MONDAY = date(2026, 2, 19), date(2026, 2, 20), date(2026, 2, 23)


async def hold(services: Services, *bars: Bar) -> None:
    async with services.db.begin() as conn:
        await store_bars(conn, "005930", bars, source="test", at=services.clock.now())


MOVES = "SELECT move_percent, move_day FROM match ORDER BY article_id"


async def test_the_move_is_that_of_the_first_session_that_closed_after_the_article(services: Services) -> None:
    await store_article(services, 1, "삼성전자 소식", published_at=NOW - timedelta(hours=3))
    await store_article(services, 2, "삼성전자 다른 소식", published_at=NOW - timedelta(minutes=5))
    await hold(services, bar(THURSDAY, 100_000), bar(FRIDAY, 103_000))
    assert await note_moves(services) == 1
    assert await rows(services, MOVES) == [(3.0, FRIDAY), (None, None)]
    assert await note_moves(services) == 0
    clock_of(services).move(timedelta(days=3))
    assert await note_moves(services) == 0
    await hold(services, bar(MONDAY, 51_500, split_ratio=0.5))
    assert await note_moves(services) == 1
    assert await rows(services, MOVES) == [(3.0, FRIDAY), (0.0, MONDAY)]


async def test_a_session_that_has_not_closed_is_not_used_though_its_bar_is_stored(services: Services) -> None:
    clock_of(services).at = NOW - timedelta(hours=4)
    await store_article(services, 1, "삼성전자 소식")
    await hold(services, bar(THURSDAY, 100_000), bar(FRIDAY, 103_000))
    assert await note_moves(services) == 0
    clock_of(services).at = NOW
    assert await note_moves(services) == 1


async def test_a_name_that_is_listed_later_is_found_in_what_was_stored_before(services: Services) -> None:
    await store(services, 1, "라마전자, 상장 첫날 급등")
    await store(services, 2, "삼성전자, 신고가")
    assert await match_stored(services) == 2
    assert await match_stored(services) == 0
    clock_of(services).move(timedelta(minutes=1))
    async with services.db.begin() as conn:
        new = Stock(code="012345", name="라마전자", market=Market.KOSDAQ)
        await upsert_stocks(conn, [new], at=services.clock.now())
    assert await match_stored(services) == 2
    assert await rows(services, "SELECT article_id, code FROM match ORDER BY 1") == [(1, "012345"), (2, "005930")]
