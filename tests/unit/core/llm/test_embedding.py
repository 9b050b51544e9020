from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.llm.embedding import (
    DIM,
    MAX_INPUT_TOKENS,
    MAX_INPUTS,
    MAX_TOKENS,
    batches,
    embed_locally,
    tokens_in,
    vectors_in,
)


def test_texts_that_share_phrases_are_nearer_than_those_that_do_not() -> None:
    earnings, again, other, football = embed_locally(
        [
            "삼성전자가 3분기 영업이익 12조원을 기록했다",
            "3분기 영업이익 12조원을 삼성전자가 올렸다",
            "현대차 노조가 파업을 예고했다",
            "손흥민이 토트넘 경기에서 골을 넣었다",
        ]
    )
    assert earnings @ again > 0.5
    assert abs(earnings @ other) < 0.2
    assert abs(earnings @ football) < 0.2


def test_width_case_and_spacing_do_not_matter() -> None:
    one, other = embed_locally(["ＳＫ하이닉스  HBM4 공급", "sk하이닉스 hbm4\n공급"])
    assert one @ other == pytest.approx(1.0)


def test_vectors_are_the_same_in_every_process() -> None:
    # Known slots and signs: a hash that differs by process or machine would move them.
    vector = embed_locally(["HBM4"])[0]
    assert {int(slot): float(np.sign(vector[slot])) for slot in np.flatnonzero(vector)} == {
        77: 1.0,
        621: 1.0,
        677: -1.0,
        1033: -1.0,
        1354: -1.0,
        1387: -1.0,
    }


@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_text_gives_a_vector_of_length_one_or_none_at_all(texts: list[str]) -> None:
    vectors = embed_locally(texts)
    assert vectors.shape == (len(texts), DIM)
    lengths = np.linalg.norm(vectors, axis=1)
    assert all(length == pytest.approx(1.0, abs=1e-5) or length == 0.0 for length in lengths)


@given(st.lists(st.tuples(st.integers(0, 12_000), st.sampled_from("가a")), max_size=120))
def test_requests_hold_every_text_in_order_within_the_limits(sizes: list[tuple[int, str]]) -> None:
    texts = [letter * size for size, letter in sizes]
    made = list(batches(texts))
    sent = [text for batch in made for text in batch]
    assert len(sent) == len(texts)
    assert all(whole.startswith(cut) or cut == " " for whole, cut in zip(texts, sent, strict=True))
    assert all(text and tokens_in(text) <= MAX_INPUT_TOKENS for text in sent)
    assert all(batch and sum(map(tokens_in, batch)) <= MAX_TOKENS for batch in made)


def test_a_request_holds_at_most_the_inputs_allowed() -> None:
    assert [len(batch) for batch in batches(["가"] * (MAX_INPUTS + 1))] == [MAX_INPUTS, 1]


def _reply(*rows: tuple[int, Any]) -> dict[str, Any]:
    return {"data": [{"index": index, "embedding": embedding} for index, embedding in rows]}


def test_vectors_come_in_the_order_asked_in_either_encoding() -> None:
    ones, twos = np.full(DIM, 1, dtype="<f4"), np.full(DIM, 2, dtype="<f4")
    encoded = base64.b64encode(twos.tobytes()).decode()
    vectors = vectors_in(_reply((1, encoded), (0, ones.tolist())), count=2)
    assert vectors[0, 0] == 1
    assert vectors[1, 0] == 2


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"data": "no"},
        _reply((0, [1.0, 2.0])),
        _reply((0, "%%%")),
        _reply((0, "YQ==")),
        _reply((0, [1.0] * DIM), (0, [1.0] * DIM)),
        _reply((0, [float("nan")] * DIM)),
        _reply(),
    ],
)
def test_a_reply_that_does_not_fit_is_malformed(reply: Any) -> None:
    with pytest.raises(Malformed):
        vectors_in(reply, count=1)
