"""Structured output: the strict JSON schema sent to a model, and the reading of what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from core.errors import Malformed
from core.ledger.prices import Tokens

T = TypeVar("T", bound=BaseModel)

MAX_ANSWER_CHARS = 60_000
_UNSUPPORTED = frozenset({"default", "title", "minLength", "maxLength"})
"""Schema keywords that strict structured output refuses; Pydantic still checks them on the way back."""


class _CachedTokens(BaseModel):
    cached_tokens: int | None = Field(None, ge=0, le=10**8)


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0, le=10**8)
    completion_tokens: int = Field(0, ge=0, le=10**8)
    prompt_tokens_details: _CachedTokens | None = None


class _Counted(BaseModel):
    usage: _Usage | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


@cache
def response_format(schema: type[BaseModel]) -> Mapping[str, Any]:
    """The `response_format` that makes a model answer in `schema`, every field required, nothing added."""
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "strict": True, "schema": _strict(schema.model_json_schema())},
    }


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    strict = {name: _strict(value) for name, value in node.items() if name not in _UNSUPPORTED}
    if "properties" in node:
        # Under `properties` the keys are field names, which may be called like a keyword.
        strict["properties"] = {name: _strict(value) for name, value in node["properties"].items()}
        strict |= {"additionalProperties": False, "required": list(node["properties"])}
    return strict


def tokens_of(reply: Any) -> Tokens | None:
    """The tokens a reply says it took; None when it says nothing. Raises `Malformed`."""
    usage = _validated(_Counted, reply).usage
    if usage is None:
        return None
    cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
    return Tokens(sent=usage.prompt_tokens, cached=min(cached, usage.prompt_tokens), received=usage.completion_tokens)


def answer_in(schema: type[T], reply: Any) -> T:
    """The answer of a chat completion as a `schema`.

    Raises `Malformed` for prose, refusals, cut, over-long or invalid answers; the message says what is
    wrong by field and never repeats the answer.
    """
    choice = _validated(_Completion, reply).choices[0]
    content = choice.message.content
    if choice.message.refusal or not content:
        raise Malformed("the model gave no answer")
    if choice.finish_reason == "length" or len(content) > MAX_ANSWER_CHARS:
        raise Malformed("the answer is too long")
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        raise Malformed(_problems(error)) from None


def _validated(schema: type[T], reply: Any) -> T:
    try:
        return schema.model_validate(reply)
    except ValidationError as error:
        raise Malformed(_problems(error)) from None


def _problems(error: ValidationError) -> str:
    found: Sequence[Any] = error.errors(include_input=False, include_url=False, include_context=False)
    # `loc` may hold a key the model made up, so it is cut as any outside text is.
    listed = (f"{'.'.join(str(part)[:40] for part in item['loc']) or 'answer'}: {item['type']}" for item in found[:5])
    return "; ".join(listed)
