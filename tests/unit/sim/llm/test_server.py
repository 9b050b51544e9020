from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import date, time
from typing import Any

import numpy as np
import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel, ConfigDict

from core.clock import ManualClock, kst
from sim.llm.server import LlmServer, strict_problems

ASKED: Any = [
    {"role": "system", "content": "분석가입니다. " * 300},
    {"role": "user", "content": "삼성전자는 어떻습니까?"},
]


class View(BaseModel):
    model_config = ConfigDict(extra="forbid")

    up: float
    flat: float
    down: float
    summary: str


FORMAT: Any = {
    "type": "json_schema",
    "json_schema": {"name": "View", "strict": True, "schema": View.model_json_schema()},
}


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[LlmServer]:
    server = LlmServer(clock.now, latency=0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: LlmServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key="demo-llm-key", base_url=f"{server.url}/v1", max_retries=0, timeout=5, http_client=_direct()
    ) as client:
        yield client


def _direct() -> Any:
    return openai.DefaultAsyncHttpxClient(trust_env=False)


async def ask(client: AsyncOpenAI, model: str = "gpt-6-luna", **options: Any) -> Any:
    return await client.chat.completions.create(model=model, messages=ASKED, **options)


async def test_a_structured_answer_fits_its_schema_and_is_billed(client: AsyncOpenAI) -> None:
    reply = await ask(client, response_format=FORMAT)
    view = View.model_validate_json(reply.choices[0].message.content)
    assert view.up + view.flat + view.down == pytest.approx(1)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.prompt_tokens_details.cached_tokens == 0


async def test_a_long_prefix_seen_before_is_cached_in_steps(client: AsyncOpenAI) -> None:
    await ask(client)
    cached = (await ask(client)).usage.prompt_tokens_details.cached_tokens
    assert cached >= 1_024
    assert cached % 128 == 0
    assert (await ask(client, model="gpt-4o-mini")).usage.prompt_tokens_details.cached_tokens == 0


async def test_the_same_server_is_openrouter_at_its_own_prefix(server: LlmServer) -> None:
    base_url = f"{server.url}/api/v1"
    async with AsyncOpenAI(api_key="demo-llm-key", base_url=base_url, max_retries=0, http_client=_direct()) as client:
        reply = await ask(client, model="deepseek/deepseek-v3.2", response_format=FORMAT)
        View.model_validate_json(reply.choices[0].message.content)


async def test_models_name_the_day_they_leave_and_are_gone_after_it(client: AsyncOpenAI, clock: ManualClock) -> None:
    models = {model.id: model for model in (await client.models.list()).data}
    assert models["gpt-4o"].model_dump()["shutdown_date"] == "2027-01-14"
    assert "text-embedding-3-small" in models
    await ask(client, model="gpt-4o")
    clock.at = kst(date(2027, 1, 14), time(9))
    with pytest.raises(openai.NotFoundError) as gone:
        await ask(client, model="gpt-4o")
    assert gone.value.code == "model_not_found"
    assert "gpt-4o" not in {model.id for model in (await client.models.list()).data}


async def test_a_wrong_key_is_401(server: LlmServer) -> None:
    async with AsyncOpenAI(
        api_key="wrong", base_url=f"{server.url}/v1", max_retries=0, http_client=_direct()
    ) as client:
        for call in (client.models.list(), ask(client), client.embeddings.create(model="x", input="y")):
            with pytest.raises(openai.AuthenticationError):
                await call


async def test_a_rate_limit_says_when_to_come_back(server: LlmServer, client: AsyncOpenAI) -> None:
    server.limit_rate(retry_after=2)
    with pytest.raises(openai.RateLimitError) as limited:
        await ask(client)
    assert limited.value.response.headers["retry-after"] == "2"
    assert limited.value.code == "rate_limit_exceeded"
    await ask(client)


async def test_server_errors_and_silence_reach_the_client(server: LlmServer, client: AsyncOpenAI) -> None:
    server.faults.add(path="/chat/completions", status=500, body="{}")
    with pytest.raises(openai.InternalServerError):
        await ask(client)
    server.faults.add("hang", path="/chat/completions")
    with pytest.raises(openai.APITimeoutError):
        await ask(client, timeout=0.1)


async def test_misbehaviour_lasts_as_often_as_asked(server: LlmServer, client: AsyncOpenAI) -> None:
    server.misbehave("prose", times=2)
    for _ in range(2):
        assert not (await ask(client, response_format=FORMAT)).choices[0].message.content.startswith("{")
    View.model_validate_json((await ask(client, response_format=FORMAT)).choices[0].message.content)
    assert server.spoiled == ["prose", "prose"]
    server.misbehave("refusal")
    refused = (await ask(client, response_format=FORMAT)).choices[0].message
    assert (refused.content, bool(refused.refusal)) == (None, True)


async def test_an_answer_over_the_token_limit_is_cut(client: AsyncOpenAI) -> None:
    reply = await ask(client, response_format=FORMAT, max_completion_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens <= 5


async def test_a_schema_that_is_not_strict_is_refused(client: AsyncOpenAI) -> None:
    loose: Any = {"type": "object", "properties": {"x": {"type": "string", "minLength": 3}}}
    assert len(list(strict_problems(loose))) == 3
    assert not list(strict_problems(View.model_json_schema()))
    with pytest.raises(openai.BadRequestError, match="response_format"):
        await ask(
            client,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": loose}},
        )


async def test_embeddings_of_like_texts_are_near_and_both_codings_agree(client: AsyncOpenAI) -> None:
    texts = ["삼성전자 3분기 영업이익 증가", "삼성전자, 3분기 영업이익이 증가했다", "단풍 절정 주말 나들이"]
    coded = await client.embeddings.create(model="text-embedding-3-small", input=texts)
    plain = await client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    vectors = np.array([row.embedding for row in coded.data], dtype=np.float32)
    assert vectors.shape == (3, 1_536)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors, [row.embedding for row in plain.data], atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2] + 0.2
    assert coded.usage.total_tokens > 0


async def test_embeddings_are_sent_as_base64_when_asked(server: LlmServer) -> None:
    import httpx

    async with httpx.AsyncClient(headers={"Authorization": "Bearer demo-llm-key"}) as client:
        asked = {"model": "text-embedding-3-small", "input": ["가"], "encoding_format": "base64"}
        row = (await client.post(f"{server.url}/v1/embeddings", json=asked)).json()["data"][0]
    assert len(base64.b64decode(row["embedding"])) == 1_536 * 4


@pytest.mark.parametrize("texts", [["가"] * 2_049, [""], [], ["가" * 9_000], ["가" * 8_000] * 38])
async def test_embedding_limits_are_the_providers(client: AsyncOpenAI, texts: list[str]) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.embeddings.create(model="text-embedding-3-small", input=texts)
