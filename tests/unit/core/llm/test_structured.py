from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from core.errors import Malformed
from core.ledger.prices import Tokens
from core.llm.structured import MAX_ANSWER_CHARS, answer_in, response_format, tokens_of


class Inner(BaseModel):
    title: str = "none"


class Verdict(BaseModel):
    score: float
    text: str = Field(max_length=10)
    inner: Inner


def _reply(content: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content}, **choice}]}


def test_the_schema_sent_is_strict_at_every_level() -> None:
    sent = response_format(Verdict)["json_schema"]
    inner = sent["schema"]["$defs"]["Inner"]
    assert sent["strict"] is True
    assert sent["schema"]["required"] == ["score", "text", "inner"]
    assert (inner["required"], inner["additionalProperties"]) == (["title"], False)
    assert "maxLength" not in sent["schema"]["properties"]["text"]
    assert "default" not in inner["properties"]["title"]


def test_an_answer_that_fits_is_validated() -> None:
    assert answer_in(Verdict, _reply('{"score": 1, "text": "ok", "inner": {"title": "t"}}')).score == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        None,
        [],
        {},
        {"choices": []},
        _reply(None),
        _reply(""),
        _reply("삼성전자는 오를 것입니다."),
        _reply('```json\n{"score": 1}\n```'),
        _reply('{"score": "high", "text": "ok", "inner": {}}'),
        _reply('{"score": 1, "text": "far too long a text", "inner": {}}'),
        _reply('{"score": 1, "text": "ok", "inner": {}}', finish_reason="length"),
        _reply('{"score": 1, "text": "ok", "inner": {}}' + " " * MAX_ANSWER_CHARS),
        {"choices": [{"message": {"content": None, "refusal": "no"}}]},
    ],
)
def test_anything_else_is_malformed(reply: Any) -> None:
    with pytest.raises(Malformed):
        answer_in(Verdict, reply)


def test_the_message_names_the_field_and_not_the_answer() -> None:
    with pytest.raises(Malformed) as caught:
        answer_in(Verdict, _reply('{"score": "the secret prompt", "text": "ok", "inner": {}}'))
    assert "score" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_tokens_are_read_and_never_below_zero() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 50}}
    assert tokens_of({"usage": usage}) == Tokens(sent=10, cached=10, received=5)
    assert tokens_of({"choices": []}) is None
    with pytest.raises(Malformed):
        tokens_of({"usage": {"prompt_tokens": -1}})


REPLIES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage", "refusal"]), inner)
    ),
)


@given(REPLIES)
def test_no_reply_breaks_the_reader(reply: Any) -> None:
    for read in (lambda: answer_in(Verdict, reply), lambda: tokens_of(reply)):
        try:
            read()
        except Malformed:
            continue
