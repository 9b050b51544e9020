"""The simulated OpenAI-compatible endpoint over HTTP, at `/v1` and, as OpenRouter has it, at `/api/v1`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from aiohttp import web

from core.clock import kst_date
from core.llm.embedding import embed_locally
from sim.http import Now, SimServer, json_body, json_response
from sim.llm.misbehaviour import Mode, Said, misbehaved
from sim.llm.opinion import Opinion
from sim.llm.prompt import read_prompt
from sim.llm.schema import answer
from sim.llm.tokens import PrefixCache, tokens_in

CHAT_MODELS: Mapping[str, date | None] = {
    "gpt-6-luna": None,
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": None,
    "deepseek/deepseek-v3.2": None,
}
"""Model id and the day it leaves."""

EMBEDDING_MODEL, DIMENSIONS = "text-embedding-3-small", 1536
MAX_INPUTS, MAX_INPUT_TOKENS, MAX_REQUEST_TOKENS = 2_048, 8_192, 300_000
NOT_STRICT = frozenset({"default", "minLength", "maxLength", "allOf", "oneOf", "not", "if"})
"""Schema keywords that strict structured output refuses."""


class Refused(Exception):
    """A request the service answers with an error body."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, code=code, param=param)


def error_body(
    message: str, *, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None
) -> dict[str, object]:
    """An error as these services write it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


class LlmServer(SimServer):
    """Models that answer in any schema after `latency` seconds; embeddings after a quarter of that."""

    def __init__(self, now: Now, *, latency: float = 0.2, api_key: str = "demo-llm-key") -> None:
        super().__init__(now)
        self.latency = latency
        self.api_key = api_key
        self.models: dict[str, date | None] = dict(CHAT_MODELS)
        self.spoiled: list[Mode] = []
        self._spoiling: list[Mode] = []
        self._prefixes = PrefixCache()

    def misbehave(self, mode: Mode, times: int = 1) -> None:
        """Spoil the next `times` chat answers."""
        self._spoiling += [mode] * times

    def limit_rate(self, *, times: int = 1, retry_after: float = 1.0) -> None:
        """Answer the next `times` requests with 429."""
        body = orjson.dumps(error_body("Rate limit reached for requests.", kind="requests", code="rate_limit_exceeded"))
        self.faults.add(times=times, status=429, body=body, headers={"Retry-After": f"{retry_after:g}"})

    def routes(self) -> list[web.RouteDef]:
        """Models, chat completions and embeddings under both prefixes."""
        return [
            route
            for prefix in ("/v1", "/api/v1")
            for route in (
                web.get(f"{prefix}/models", self._list),
                web.post(f"{prefix}/chat/completions", self._chat),
                web.post(f"{prefix}/embeddings", self._embed),
            )
        ]

    async def _list(self, request: web.Request) -> web.Response:
        try:
            self._check_key(request)
        except Refused as refusal:
            return json_response(refusal.body, refusal.status)
        offered = {name: day for name, day in self.models.items() if self._offers(name)} | {EMBEDDING_MODEL: None}
        return json_response({"object": "list", "data": [_listed(name, day) for name, day in offered.items()]})

    async def _chat(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            self._check_key(request)
            self._check_chat(body)
        except Refused as refusal:
            return json_response(refusal.body, refusal.status)
        await asyncio.sleep(self.latency)
        return json_response(self._completion(body))

    async def _embed(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            self._check_key(request)
            texts = _inputs(body)
        except Refused as refusal:
            return json_response(refusal.body, refusal.status)
        await asyncio.sleep(self.latency / 4)
        return json_response(await asyncio.to_thread(_embeddings, texts, body))

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.api_key:
            message = f"Incorrect API key provided: {given[:4]}****."
            raise Refused(message, status=401, code="invalid_api_key")

    def _offers(self, model: str) -> bool:
        shutdown = self.models.get(model)
        return model in self.models and (shutdown is None or kst_date(self.now()) < shutdown)

    def _check_chat(self, body: Mapping[str, Any]) -> None:
        model = str(body.get("model"))
        if not self._offers(model):
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise Refused(message, status=404, code="model_not_found")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise Refused("'messages' must be a list that is not empty.", param="messages")
        asked = body.get("response_format") or {}
        if asked.get("type") == "json_schema" and asked.get("json_schema", {}).get("strict"):
            for problem in strict_problems(asked["json_schema"].get("schema", {})):
                message = f"Invalid schema for response_format '{asked['json_schema'].get('name')}': {problem}"
                raise Refused(message, param="response_format")

    def _completion(self, body: Mapping[str, Any]) -> dict[str, object]:
        said = self._said(body)
        prompt = orjson.dumps(body["messages"]).decode()
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        said = _within(said, limit)
        sent, received = tokens_in(prompt), tokens_in(said.content or said.refusal or "")
        cached = self._prefixes.cached(str(body["model"]), prompt)
        message = {"role": "assistant", "content": said.content, "refusal": said.refusal}
        return {
            "id": f"chatcmpl-{hashlib.sha256(prompt.encode()).hexdigest()[:24]}",
            "object": "chat.completion",
            "created": int(self.now().timestamp()),
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}],
            "usage": {
                "prompt_tokens": sent,
                "completion_tokens": received,
                "total_tokens": sent + received,
                "prompt_tokens_details": {"cached_tokens": min(cached, sent)},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }

    def _said(self, body: Mapping[str, Any]) -> Said:
        prompt = read_prompt(body["messages"])
        opinion, asked = Opinion(str(body["model"]), prompt), body.get("response_format") or {}
        value: Any = opinion.sentence("summary")
        if asked.get("type") == "json_schema":
            value = answer(asked["json_schema"].get("schema", {}), opinion)
        elif asked.get("type") == "json_object":
            value = {"answer": value}
        if self._spoiling:
            mode = self._spoiling.pop(0)
            self.spoiled.append(mode)
            return misbehaved(mode, value, prompt)
        return Said(content=value if isinstance(value, str) else orjson.dumps(value).decode())


def _listed(name: str, shutdown: date | None) -> dict[str, object]:
    row: dict[str, object] = {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "system"}
    return row | {"shutdown_date": f"{shutdown}"} if shutdown else row


def _within(said: Said, limit: int | None) -> Said:
    """What is said, cut to the limit of output tokens."""
    content = said.content or ""
    if limit is None or tokens_in(content) <= limit:
        return said
    while content and tokens_in(content) > limit:
        content = content[: len(content) * 9 // 10]
    return Said(content=content, finish_reason="length")


def strict_problems(schema: Any, at: str = "()") -> Iterator[str]:
    """Why strict structured output refuses `schema`, problem by problem."""
    if isinstance(schema, list):
        for part in schema:
            yield from strict_problems(part, at)
    if not isinstance(schema, dict):
        return
    for keyword in NOT_STRICT & set(schema):
        yield f"In context={at}, '{keyword}' is not permitted."
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            yield f"In context={at}, 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", [])) != set(properties or {}):
            yield f"In context={at}, 'required' must include every key in properties."
    for name, part in schema.items():
        if name in ("properties", "$defs"):
            for key, each in part.items():
                yield from strict_problems(each, f"{at}.{key}")
        elif name in ("items", "anyOf"):
            yield from strict_problems(part, at)


def _inputs(body: Mapping[str, Any]) -> Sequence[str]:
    if body.get("model") != EMBEDDING_MODEL:
        message = f"The model `{body.get('model')}` does not exist or you do not have access to it."
        raise Refused(message, status=404, code="model_not_found")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise Refused("'$.input' is invalid.", param="input")
    if len(texts) > MAX_INPUTS:
        raise Refused(f"'$.input' is too long: at most {MAX_INPUTS} items.", param="input")
    counts = [tokens_in(text) for text in texts]
    if max(counts) > MAX_INPUT_TOKENS:
        raise Refused(f"This model's maximum context length is {MAX_INPUT_TOKENS} tokens.", param="input")
    if sum(counts) > MAX_REQUEST_TOKENS:
        code = "max_tokens_per_request"
        raise Refused(f"Requested more than {MAX_REQUEST_TOKENS} tokens, max {code}.", code=code)
    return texts


def _embeddings(texts: Sequence[str], body: Mapping[str, Any]) -> dict[str, object]:
    import numpy as np

    vectors = embed_locally(texts)
    vectors[~vectors.any(axis=1), 0] = 1.0  # a text of one letter still has a direction
    vectors = vectors[:, : int(body.get("dimensions") or DIMENSIONS)]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4")
    coded = body.get("encoding_format") == "base64"
    rows = (base64.b64encode(row.tobytes()).decode() if coded else row.tolist() for row in vectors)
    used = sum(map(tokens_in, texts))
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": place, "embedding": row} for place, row in enumerate(rows)],
        "model": EMBEDDING_MODEL,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
