from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.queries import words_in
from core.search.service import collection_of


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("삼성전자의 영업이익은", ["삼성전자", "영업이익"]),
        ("미국에서 반도체를", ["미국", "반도체"]),
        ("회의 주가", ["회의", "주가"]),
        ("HBM4의 수주", ["HBM4", "수주"]),
        ("삼성 삼성", ["삼성"]),
        ("  ", []),
        ("\x00", []),
    ],
)
def test_words_lose_the_particles_at_their_ends(query: str, expected: list[str]) -> None:
    assert words_in(query) == expected


@given(st.text())
def test_any_query_gives_at_most_eight_words_that_are_not_empty(query: str) -> None:
    words = words_in(query)
    assert len(words) <= 8
    assert all(words)


def test_vectors_of_different_methods_live_apart() -> None:
    names = {collection_of(key) for key in ("local:ngram-1", "local:ngram-2", "openai:text-embedding-3-small")}
    assert names == {"article_local_ngram_1", "article_local_ngram_2", "article_openai_text_embedding_3_small"}
