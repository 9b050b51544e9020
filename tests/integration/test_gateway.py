from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import text
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.db import Database
from core.errors import (
    Blocked,
    BudgetExceeded,
    Malformed,
    NotConfigured,
    QuotaExceeded,
    StockPilotError,
    Unavailable,
    Unsupported,
)
from core.llm.embedding import DIM
from core.llm.gateway import Gateway
from core.settings import Settings
from tests.llm_endpoint import Answer, Endpoint, completion, open_endpoint, refusal

LUNA, DEEPSEEK = "openai:gpt-6-luna", "openrouter:deepseek/deepseek-v3.2"
OK = completion('{"word": "네"}', sent=1000, cached=400, received=200)
SECRET = "sk-test-key-of-nobody-000000"  # the endpoint is on the loopback


class Word(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with open_endpoint() as opened:
        yield opened


OpenGateway = Callable[..., Gateway]


@pytest.fixture
async def open_gateway(
    endpoint: Endpoint, database: Database, clock: ManualClock, test_settings: Callable[..., Settings]
) -> AsyncIterator[OpenGateway]:
    opened: list[Gateway] = []

    def build(*, key: str | None = SECRET, **llm: Any) -> Gateway:
        provider = {"api_key": key, "base_url": endpoint.url}
        built = test_settings(openai=provider, openrouter=provider, llm={"timeout_seconds": 5} | llm)
        opened.append(Gateway(built, db=database, clock=clock))
        return opened[-1]

    yield build
    for gateway in opened:
        await gateway.close()


async def _ask(gateway: Gateway, model_key: str = LUNA) -> Word:
    messages = [{"role": "user", "content": "한 마디만 하세요"}]
    return await gateway.complete(
        model_key=model_key,
        purpose="test",
        messages=messages,
        schema=Word,
        request_id="r1",
        user_id=7,
        code="005930",
    )


async def _usage(database: Database) -> list[Any]:
    async with database.begin() as conn:
        return list((await conn.execute(text("SELECT * FROM usage_record ORDER BY id"))).all())


async def test_an_answer_is_validated_and_its_call_recorded(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database, clock: ManualClock
) -> None:
    endpoint.will(OK)
    assert (await _ask(open_gateway())).word == "네"
    (row,) = await _usage(database)
    assert (row.provider, row.model, row.endpoint) == ("openai", "gpt-6-luna", "chat/completions")
    assert (row.tokens_in, row.tokens_cached, row.tokens_out) == (1000, 400, 200)
    assert row.cost_usd == Decimal("0.000164")  # 600 × $0.10 + 400 × $0.01 + 200 × $0.50, a million tokens each
    assert (row.status_code, row.error_code) == (200, None)
    assert (row.purpose, row.request_id, row.user_id, row.code) == ("test", "r1", 7, "005930")
    assert row.settled_at == clock.now()
    assert row.response_ms >= 0


async def test_the_schema_and_the_cap_on_the_answer_are_sent(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(OK)
    gateway = open_gateway()
    await _ask(gateway)
    await _ask(gateway, DEEPSEEK)
    first, second = endpoint.asked
    assert first["response_format"]["json_schema"]["strict"] is True
    assert first["max_completion_tokens"] == second["max_tokens"] > 0
    assert second["model"] == "deepseek/deepseek-v3.2"


async def test_without_a_key_a_model_is_not_configured(open_gateway: OpenGateway, database: Database) -> None:
    gateway = open_gateway(key=None)
    with pytest.raises(NotConfigured):
        await _ask(gateway)
    with pytest.raises(NotConfigured):
        await _ask(gateway, "nobody:model")
    assert not gateway.configured(LUNA)
    assert await _usage(database) == []


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(refusal(429, retry_after="7"), id="too many calls"),
        pytest.param(refusal(500), id="server error"),
        pytest.param(refusal(503), id="overloaded"),
        pytest.param(Answer(drop=True), id="connection cut"),
        pytest.param(Answer(hang=True), id="too slow"),
    ],
)
async def test_what_may_pass_is_tried_again(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database, first: Answer
) -> None:
    endpoint.will(first, OK)
    assert (await _ask(open_gateway(timeout_seconds=0.4))).word == "네"
    failed, succeeded = await _usage(database)
    assert failed.error_code
    assert failed.settled_at is not None
    assert succeeded.error_code is None


async def test_the_pause_a_provider_asks_for_is_kept(
    open_gateway: OpenGateway, endpoint: Endpoint, clock: ManualClock
) -> None:
    endpoint.will(refusal(429, retry_after="7"), OK)
    before = clock.now()
    await _ask(open_gateway())
    assert (clock.now() - before).total_seconds() == 7


@pytest.mark.parametrize(
    ("answer", "error", "calls"),
    [
        pytest.param(refusal(401, "invalid_api_key"), Blocked, 1, id="wrong key"),
        pytest.param(refusal(404, "model_not_found"), Unsupported, 1, id="no such model"),
        pytest.param(refusal(400), Unsupported, 1, id="request refused"),
        pytest.param(refusal(402), QuotaExceeded, 1, id="out of credit"),
        pytest.param(refusal(429, "insufficient_quota"), QuotaExceeded, 1, id="out of quota"),
        pytest.param(refusal(429, retry_after="3600"), QuotaExceeded, 1, id="an hour's pause"),
        pytest.param(refusal(429), QuotaExceeded, 3, id="too many calls throughout"),
        pytest.param(refusal(500), Unavailable, 3, id="broken throughout"),
        pytest.param(completion("오를 것 같습니다."), Malformed, 2, id="prose"),
        pytest.param(completion('{"word": 3}'), Malformed, 2, id="schema violated"),
        pytest.param(completion('{"word": "a", "extra": 1}'), Malformed, 2, id="fields invented"),
        pytest.param(completion(""), Malformed, 2, id="empty answer"),
        pytest.param(completion('{"word": "'), Malformed, 2, id="cut answer"),
        pytest.param(completion('{"word": "' + "가" * 100_000 + '"}'), Malformed, 2, id="huge answer"),
        pytest.param(Answer(body=orjson.dumps(OK.body) + b" " * 3_000_000), Malformed, 2, id="huge body"),
        pytest.param(Answer(body=b"<html>gateway</html>"), Malformed, 2, id="html"),
        pytest.param(Answer(body=b""), Malformed, 2, id="empty body"),
    ],
)
async def test_each_misbehaviour_is_a_typed_error_and_recorded(
    open_gateway: OpenGateway,
    endpoint: Endpoint,
    database: Database,
    answer: Answer,
    error: type[StockPilotError],
    calls: int,
) -> None:
    endpoint.will(answer)
    with pytest.raises(error) as caught:
        await _ask(open_gateway())
    assert type(caught.value) is error
    rows = await _usage(database)
    assert len(rows) == len(endpoint.asked) == calls
    assert all(row.error_code and row.settled_at for row in rows)


async def test_a_broken_answer_is_paid_for_and_a_refused_call_is_not(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(completion("말로 답합니다", sent=1000, received=100), refusal(401))
    with pytest.raises(Blocked):
        await _ask(open_gateway())
    broken, refused = await _usage(database)
    assert broken.cost_usd == Decimal("0.00015")
    assert refused.cost_usd == 0


async def test_one_repair_may_save_a_broken_answer(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(completion("말로 답합니다"), OK)
    assert (await _ask(open_gateway())).word == "네"
    repair = endpoint.asked[1]["messages"][-1]["content"]
    assert "JSON" in repair
    assert "말로 답합니다" not in repair


async def test_beyond_the_budget_no_call_is_made(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(OK)
    with pytest.raises(BudgetExceeded):
        await _ask(open_gateway(daily_budget_usd=0.0001))
    assert endpoint.asked == []


async def test_a_crowd_of_calls_stops_at_the_budget(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(OK)
    gateway = open_gateway(daily_budget_usd=0.01)
    ended = await asyncio.gather(*(_ask(gateway) for _ in range(12)), return_exceptions=True)
    assert all(isinstance(each, Word | BudgetExceeded) for each in ended)
    assert any(isinstance(each, BudgetExceeded) for each in ended)
    assert sum(row.cost_usd for row in await _usage(database)) <= Decimal("0.01")


def _asked(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "?"}]
    return {"purpose": "test", "messages": messages, "schema": Word, "request_id": "r1"} | changes


CHEAPER = {"at_budget": "cheaper", "cheaper_model": LUNA, "cheaper_extra_percent": 100}


async def test_at_the_budget_the_cheaper_model_goes_on_up_to_its_own_limit(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(completion('{"word": "네"}', sent=0, received=6000))
    gateway = open_gateway(**CHEAPER, daily_budget_usd=0.05)
    ended = await asyncio.gather(
        *(gateway.complete_any(["openai:gpt-4o", DEEPSEEK], **_asked()) for _ in range(50)), return_exceptions=True
    )
    answered = [each[0] for each in ended if isinstance(each, tuple)]
    assert set(answered) == {LUNA}  # one answer of gpt-4o alone may cost more than the budget
    assert sum(isinstance(each, BudgetExceeded) for each in ended) == 50 - len(answered) > 0
    costs = [row.cost_usd for row in await _usage(database)]
    assert Decimal("0.05") < sum(costs) <= Decimal("0.10")


async def test_other_models_stop_at_the_budget_while_the_cheaper_one_goes_on(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(completion('{"word": "네"}', sent=0, received=6000))
    gateway = open_gateway(**CHEAPER, daily_budget_usd=0.01)
    for _ in range(3):
        await _ask(gateway)
    with pytest.raises(BudgetExceeded):
        await _ask(gateway, DEEPSEEK)
    await _ask(gateway)
    assert {row.model for row in await _usage(database)} == {"gpt-6-luna"}


@pytest.mark.parametrize("llm", [{}, {"at_budget": "stop", "cheaper_model": LUNA}])
async def test_without_the_setting_a_used_up_budget_stops(
    open_gateway: OpenGateway, endpoint: Endpoint, llm: dict[str, Any]
) -> None:
    endpoint.will(OK)
    gateway = open_gateway(daily_budget_usd=0.0001, **llm)
    with pytest.raises(BudgetExceeded):
        await gateway.complete_any([DEEPSEEK, LUNA], **_asked())
    assert gateway.cheaper_key is None
    assert endpoint.asked == []


async def test_a_call_that_did_not_fit_is_noted_once_for_the_admins(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(OK)
    gateway = open_gateway(monthly_budget_usd=0.0001)
    for _ in range(2):
        with pytest.raises(BudgetExceeded):
            await _ask(gateway)
    async with database.begin() as conn:
        (row,) = (await conn.execute(text("SELECT * FROM usage_alert"))).all()
    assert (row.kind, row.subject, row.period, row.level, row.told_at) == ("budget", "month", "2026-02", 100, None)


def test_a_cheaper_model_must_be_named(test_settings: Callable[..., Settings]) -> None:
    for name in ("", "gpt-6-luna", "openai:"):
        with pytest.raises(ValidationError, match="LLM_CHEAPER_MODEL"):
            test_settings(llm={"at_budget": "cheaper", "cheaper_model": name})


async def test_a_cancelled_call_keeps_its_reservation(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    endpoint.will(Answer(hang=True))
    task = asyncio.create_task(_ask(open_gateway()))
    await endpoint.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = await _usage(database)
    assert row.settled_at is None
    assert row.cost_usd > 0


async def test_the_next_model_answers_when_the_first_cannot(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(refusal(404), OK)
    asked: dict[str, Any] = {
        "purpose": "test",
        "messages": [{"role": "user", "content": "?"}],
        "schema": Word,
        "request_id": "r1",
    }
    key, answer = await open_gateway().complete_any(["nobody:model", LUNA, DEEPSEEK], **asked)
    assert (key, answer.word) == (DEEPSEEK, "네")
    endpoint.will(refusal(404))
    with pytest.raises(Unsupported):
        await open_gateway().complete_any([LUNA, DEEPSEEK], **asked)


async def test_neither_prompt_nor_answer_nor_key_is_logged(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(completion("비밀 답변"), refusal(500))
    with capture_logs() as logs, pytest.raises(Unavailable):
        await _ask(open_gateway())
    assert logs
    written = str(logs)
    assert not any(secret in written for secret in ("한 마디만", "비밀 답변", SECRET))


async def test_texts_are_embedded_by_the_provider_and_recorded(
    open_gateway: OpenGateway, endpoint: Endpoint, database: Database
) -> None:
    rows = [{"index": index, "embedding": [float(index)] * DIM} for index in range(2)]
    endpoint.will(Answer(body={"data": rows, "usage": {"prompt_tokens": 30}}))
    embedded = await open_gateway().embed(["가", "나"])
    assert embedded.key == "openai:text-embedding-3-small"
    assert embedded.vectors.shape == (2, DIM)
    assert embedded.vectors[1, 0] == 1.0
    (row,) = await _usage(database)
    assert (row.endpoint, row.tokens_in, row.cost_usd) == ("embeddings", 30, Decimal("0.0000006"))


async def test_no_texts_make_no_call(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    assert (await open_gateway().embed([])).vectors.shape == (0, DIM)
    assert endpoint.asked == []


async def test_an_embedding_that_fails_is_an_error_and_never_a_local_vector(
    open_gateway: OpenGateway, endpoint: Endpoint
) -> None:
    endpoint.will(refusal(401))
    with pytest.raises(Blocked):
        await open_gateway().embed(["가"])


async def test_without_a_key_texts_are_embedded_locally(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    gateway = open_gateway(key=None)
    embedded = await gateway.embed(["삼성전자 실적", "삼성전자 실적"])
    assert embedded.key == gateway.embedding_key == "local:ngram-1"
    assert np.array_equal(embedded.vectors[0], embedded.vectors[1])
    assert endpoint.asked == []


async def test_a_probe_reads_the_models_and_the_days_they_leave(open_gateway: OpenGateway, endpoint: Endpoint) -> None:
    endpoint.will(Answer(body={"data": [{"id": "gpt-4o", "shutdown_date": "2027-01-14"}, {"id": "gpt-6-luna"}]}))
    probe = await open_gateway().probe("openai")
    assert probe.models == 2
    assert {model: f"{day}" for model, day in probe.shutdown.items()} == {"gpt-4o": "2027-01-14"}
    endpoint.will(refusal(503))
    with pytest.raises(Unavailable):
        await open_gateway().probe("openai")
    with pytest.raises(NotConfigured):
        await open_gateway(key=None).probe("openai")
