from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.errors import Unavailable
from core.search.service import (
    Mode,
    collection_of,
    embed_pending,
    reconcile,
    search_articles,
    similar_articles,
)
from core.services import Services
from core.vectors import VectorStore
from tests.conftest import OpenServices
from tests.integration.articles import list_stocks, store_article

MODES: tuple[Mode, ...] = ("meaning", "words", "both")


@pytest.fixture
async def services(open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services with listed stocks and an empty collection: Milvus is shared by the tests, databases are not."""
    async with open_test_services() as opened:
        collection = collection_of(opened.llm.embedding_key)
        await opened.vectors.open(collection, opened.llm.embedding_dim)
        await opened.vectors.delete(collection, await opened.vectors.keys(collection))
        await list_stocks(opened)
        yield opened


async def marked(services: Services) -> list[str | None]:
    async with services.db.begin() as conn:
        return list((await conn.execute(text("SELECT embedded_as FROM article ORDER BY id"))).scalars())


async def titles_like(services: Services, words: str, **asked: object) -> list[str]:
    found = await similar_articles(services, words, as_of=services.clock.now(), **asked)  # type: ignore[arg-type]
    return [hit.article.title for hit in found]


async def test_every_article_gets_its_vector_once(services: Services) -> None:
    for number in range(3):
        await store_article(services, number, f"삼성전자 소식 {number}")
    assert await embed_pending(services) == 3
    assert await embed_pending(services) == 0
    assert await marked(services) == [services.llm.embedding_key] * 3
    assert await services.vectors.count(collection_of(services.llm.embedding_key)) == 3


async def test_more_articles_than_a_batch_are_all_embedded(services: Services) -> None:
    for number in range(203):
        await store_article(services, number, f"소식 {number}호")
    assert await embed_pending(services) == 203


async def test_the_nearest_in_wording_comes_first(services: Services) -> None:
    await store_article(services, 1, "제주 감귤 풍년에 값 내려")
    await store_article(services, 2, "삼성전자 3분기 영업이익 급증", "반도체 업황이 살아났다")
    await embed_pending(services)
    hits = await similar_articles(services, "삼성전자 영업이익 급증", as_of=services.clock.now())
    assert [hit.article.title for hit in hits] == ["삼성전자 3분기 영업이익 급증", "제주 감귤 풍년에 값 내려"]
    assert hits[0].score > 0.4 > hits[1].score


async def test_nothing_seen_or_published_after_the_moment_is_found(services: Services) -> None:
    now = services.clock.now()
    await store_article(services, 1, "삼성전자 수주 소식 하나", seen_at=now - timedelta(hours=2))
    await store_article(services, 2, "삼성전자 수주 소식 둘", published_at=now - timedelta(hours=3), seen_at=now)
    await store_article(services, 3, "삼성전자 수주 소식 셋", published_at=now + timedelta(minutes=5), seen_at=now)
    await embed_pending(services)
    asked = "삼성전자 수주 소식"
    assert sorted(await titles_like(services, asked)) == ["삼성전자 수주 소식 둘", "삼성전자 수주 소식 하나"]
    for mode in MODES:
        hits = await search_articles(services, asked, as_of=now - timedelta(hours=1), mode=mode)
        assert [hit.article.title for hit in hits] == ["삼성전자 수주 소식 하나"]


async def test_one_article_a_story_and_none_of_the_story_asked_from(services: Services) -> None:
    await store_article(services, 1, "현대차, 신차 공개", "현대차가 신차를 공개했다")
    await store_article(services, 2, "[속보] 현대차, 신차 공개", "현대차가 신차를 공개했다")
    await store_article(services, 3, "현대차 노조, 신차 협상")
    await embed_pending(services)
    assert len(await titles_like(services, "현대차 신차 공개")) == 2
    assert await titles_like(services, "현대차 신차 공개", exclude=(2,)) == ["현대차 노조, 신차 협상"]


async def test_a_stock_narrows_the_search(services: Services) -> None:
    await store_article(services, 1, "삼성전자, 신제품 공개 행사")
    await store_article(services, 2, "현대차, 신제품 공개 행사")
    await embed_pending(services)
    assert await titles_like(services, "신제품 공개 행사", code="005380") == ["현대차, 신제품 공개 행사"]
    for mode in MODES:
        hits = await search_articles(
            services,
            "신제품 공개",
            code="005380",
            as_of=services.clock.now(),
            mode=mode,
        )
        assert [hit.article.title for hit in hits] == ["현대차, 신제품 공개 행사"]


async def test_a_vector_without_its_article_is_never_shown(services: Services) -> None:
    await store_article(services, 1, "삼성전자 수주 소식")
    await embed_pending(services)
    async with services.db.begin() as conn:
        await conn.execute(text("TRUNCATE article CASCADE"))
    assert await titles_like(services, "삼성전자 수주 소식") == []


async def test_vectors_that_were_lost_are_made_again_and_strays_are_removed(services: Services) -> None:
    for number in (1, 2, 3):
        await store_article(services, number, f"삼성전자 소식 {number}")
    await embed_pending(services)
    collection = collection_of(services.llm.embedding_key)
    await services.vectors.delete(collection, [2])
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE article SET embedded_as = NULL WHERE id = 3"))
    assert await reconcile(services) == 1
    assert await services.vectors.keys(collection) == {1}
    assert await embed_pending(services) == 2
    assert await services.vectors.keys(collection) == {1, 2, 3}
    assert await reconcile(services) == 0


async def test_vectors_of_another_method_are_made_again(services: Services) -> None:
    await store_article(services, 1, "삼성전자 소식")
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE article SET embedded_as = 'openai:another'"))
    assert await embed_pending(services) == 1


async def test_texts_without_letters_are_neither_stored_nor_found(services: Services) -> None:
    await store_article(services, 1, "·")
    assert await embed_pending(services) == 1
    assert await embed_pending(services) == 0
    assert await titles_like(services, "·") == []
    assert await search_articles(services, " ", as_of=services.clock.now(), mode="words") == []


async def test_words_are_found_with_any_particle_and_in_any_case(services: Services) -> None:
    await store_article(services, 1, "HBM 공급난", "삼성전자가 hbm4를 늘린다")
    await store_article(services, 2, "삼성전자의 HBM4 증산")
    await store_article(services, 3, "삼성전자 배당")
    hits = await search_articles(services, "삼성전자는 Hbm4를", as_of=services.clock.now(), mode="words")
    assert [hit.article.title for hit in hits] == ["삼성전자의 HBM4 증산", "HBM 공급난"]


@pytest.mark.parametrize("query", ["100%", "a_b", "\\", "%", "';DROP TABLE article;--"])
async def test_signs_of_the_query_language_are_letters(services: Services, query: str) -> None:
    await store_article(services, 1, "매출 100 증가 aXb")
    await store_article(services, 2, f"기호 {query} 그대로")
    hits = await search_articles(services, query, as_of=services.clock.now(), mode="words")
    assert [hit.article.title for hit in hits] == [f"기호 {query} 그대로"]


async def test_only_what_was_published_since_is_found(services: Services) -> None:
    now = services.clock.now()
    await store_article(services, 1, "삼성전자 옛 소식", published_at=now - timedelta(days=9))
    await store_article(services, 2, "삼성전자 새 소식")
    await embed_pending(services)
    for mode in MODES:
        hits = await search_articles(services, "삼성전자 소식", since=now - timedelta(days=1), as_of=now, mode=mode)
        assert [hit.article.title for hit in hits] == ["삼성전자 새 소식"]


async def test_what_both_orders_find_comes_before_what_one_finds(services: Services) -> None:
    await store_article(services, 1, "유상증자 결정 공시")
    await store_article(services, 2, "공시 서식 안내")
    await store_article(services, 3, "무상증자 결정", "무상증자를 결정했다")
    await embed_pending(services)
    hits = await search_articles(services, "유상증자 공시", as_of=services.clock.now())
    assert hits[0].article.title == "유상증자 결정 공시"
    assert hits[0].score == pytest.approx(2 / 61)
    assert len(hits) == 3


async def test_a_dead_vector_store_is_unavailable_and_words_still_work(
    open_test_services: OpenServices, unused_tcp_port: int
) -> None:
    async with open_test_services(milvus={"uri": f"http://127.0.0.1:{unused_tcp_port}"}) as services:
        await store_article(services, 1, "삼성전자 소식")
        assert isinstance(services.vectors, VectorStore)
        with pytest.raises(Unavailable):
            await similar_articles(services, "삼성전자", as_of=services.clock.now())
        with pytest.raises(Unavailable):
            await embed_pending(services)
        assert await marked(services) == [None]
        assert len(await search_articles(services, "삼성전자", as_of=services.clock.now(), mode="words")) == 1
