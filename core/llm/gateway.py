"""The one door to language models and embeddings: budget, call, record, retry, fall back.

Prompts, answers and keys are never logged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from core.clock import Clock, kst_date
from core.db import Database
from core.errors import BudgetExceeded, Malformed, NotConfigured, StockPilotError, Unavailable, Unsupported
from core.ledger.calls import Budget, Call, Outcome, note_stop, reserve, settle
from core.ledger.prices import Price, Tokens, price_of
from core.llm.embedding import DIM, LOCAL_KEY, Embedded, batches, embed_locally, tokens_in, vectors_in
from core.llm.provider import Failure, malformed, open_client, providers, read_json, translated
from core.llm.structured import answer_in, response_format, tokens_of
from core.settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=BaseModel)
V = TypeVar("V")
Message = Mapping[str, str]

MAX_OUTPUT_TOKENS = 6_000
"""Most tokens one answer may take, reasoning included."""
_MAX_BYTES = 2_000_000
_MAX_EMBEDDING_BYTES = 100_000_000
_PAUSES = (1.0, 3.0)
"""Seconds before the second and the third attempt."""
_LONGEST_WAIT = 20.0
"""A provider that asks for a longer pause is not waited for."""
_REPAIR = "앞의 답은 요구한 형식이 아니었습니다({problem}). 설명 없이 스키마에 맞는 JSON 하나만 다시 답하세요."


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A provider answered. `shutdown` has the day each model leaves, for those that have one."""

    latency_ms: int
    models: int
    shutdown: Mapping[str, date]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ask(Generic[V]):
    """One call to make: the tokens it may take, how to send it, and how to read its reply."""

    most: Tokens
    send: Callable[[AsyncOpenAI], AbstractAsyncContextManager[Any]]
    read: Callable[[Any], V]
    max_bytes: int = _MAX_BYTES


class _ListedModel(BaseModel):
    id: str
    shutdown_date: date | None = None


class _ModelList(BaseModel):
    data: list[_ListedModel]


class Gateway:
    """Calls models by `provider:model` keys. Every attempt is one usage row; none is made beyond the budget."""

    def __init__(self, settings: Settings, *, db: Database, clock: Clock) -> None:
        self._settings = settings
        self._db, self._clock = db, clock
        self._providers = providers(settings)
        self._clients: dict[str, AsyncOpenAI] = {}
        self._opening = asyncio.Lock()
        self._budget = Budget(
            daily=Decimal(str(settings.llm.daily_budget_usd)), monthly=Decimal(str(settings.llm.monthly_budget_usd))
        )
        self._beyond = self._budget.raised(settings.llm.cheaper_extra_percent)

    def configured(self, model_key: str) -> bool:
        """Whether the provider of `provider:model` is known and has a key."""
        provider = self._providers.get(model_key.partition(":")[0])
        return provider is not None and provider.api_key is not None

    async def complete(
        self,
        *,
        model_key: str,
        purpose: str,
        messages: Sequence[Message],
        schema: type[T],
        request_id: str,
        user_id: int | None = None,
        code: str | None = None,
    ) -> T:
        """The model's answer in `schema`.

        An answer that does not fit the schema is asked for once more. Raises `NotConfigured`,
        `BudgetExceeded`, `QuotaExceeded`, `Blocked`, `Unavailable`, `Unsupported` (no such model) or `Malformed`.
        """
        name, _, model = model_key.partition(":")
        call = Call(
            provider=name,
            endpoint="chat/completions",
            model=model,
            purpose=purpose,
            request_id=request_id,
            user_id=user_id,
            code=code,
        )
        try:
            return await self._persist(call, self._question(call, messages, schema))
        except Malformed as error:
            log.info("llm_repair", model=model_key, purpose=purpose, problem=str(error))
            again = [*messages, {"role": "user", "content": _REPAIR.format(problem=error)}]
            return await self._persist(call, self._question(call, again, schema))

    async def complete_any(self, model_keys: Sequence[str], **asked: Any) -> tuple[str, Any]:
        """The first model of `model_keys` that answers, and its answer; takes what `complete` takes.

        Raises the last model's error when none does. A used-up budget moves on to the cheaper model at once, or stops
        where the settings name none.
        """
        last: StockPilotError = NotConfigured("no model is configured")
        keys = deque(dict.fromkeys(model_keys))
        while keys:
            key = keys.popleft()
            try:
                return key, await self.complete(model_key=key, **asked)
            except BudgetExceeded:
                if self.cheaper_key in (None, key):
                    raise
                keys = deque([self.cheaper_key])
            except (NotConfigured, Unavailable, Unsupported, Malformed) as error:
                log.warning("llm_fallback", model=key, error=type(error).__name__)
                last = error
        raise last

    @property
    def cheaper_key(self) -> str | None:
        """The model that may still be asked when the budget is used up, up to a limit of its own; None to stop."""
        llm = self._settings.llm
        return llm.cheaper_model if llm.at_budget == "cheaper" and self.configured(llm.cheaper_model) else None

    @property
    def embedding_key(self) -> str:
        """Names the embedding in use; vectors of different keys do not compare."""
        openai = self._settings.openai
        return LOCAL_KEY if openai.api_key is None else f"openai:{openai.embedding_model}"

    @property
    def embedding_dim(self) -> int:
        """Length of a vector."""
        return DIM

    async def embed(self, texts: Sequence[str], *, request_id: str = "embed", code: str | None = None) -> Embedded:
        """One vector a text, by OpenAI or, without a key, locally.

        With a key a failure is an error (as in `complete`), never a local vector: the two do not compare.
        """
        import numpy as np

        if self.embedding_key == LOCAL_KEY:
            vectors = await asyncio.to_thread(embed_locally, texts)
            return Embedded(key=LOCAL_KEY, dim=DIM, vectors=vectors)
        model = self._settings.openai.embedding_model
        call = Call(
            provider="openai", endpoint="embeddings", model=model, purpose="embed", request_id=request_id, code=code
        )
        parts = [await self._persist(call, _embedding_of(batch, model)) for batch in batches(texts)]
        return Embedded(
            key=self.embedding_key, dim=DIM, vectors=np.concatenate([np.zeros((0, DIM), np.float32), *parts])
        )

    async def probe(self, provider: str) -> Probe:
        """Ask `provider` for its models, once; raises as `complete` does. Costs nothing and is not recorded."""
        started = perf_counter()
        try:
            reply = await self._exchange(
                provider, lambda client: client.models.with_streaming_response.list(), max_bytes=20 * _MAX_BYTES
            )
        except Failure as failure:
            raise failure.error from failure
        try:
            models = _ModelList.model_validate(reply).data
        except ValidationError:
            raise Malformed(f"{provider}: the list of models is not one") from None
        return Probe(
            latency_ms=_milliseconds_since(started),
            models=len(models),
            shutdown={model.id: model.shutdown_date for model in models if model.shutdown_date},
        )

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _question(self, call: Call, messages: Sequence[Message], schema: type[T]) -> _Ask[T]:
        provider = self._providers.get(call.provider)
        if provider is None:
            raise NotConfigured(f"unknown provider: {call.provider}")
        asked: dict[str, Any] = {
            "model": call.model,
            "messages": list(messages),
            "response_format": response_format(schema),
            provider.output_limit: MAX_OUTPUT_TOKENS,
        }
        letters = sum(len(message["content"]) for message in messages) + len(str(asked["response_format"]))
        return _Ask(
            most=Tokens(sent=letters, received=MAX_OUTPUT_TOKENS),
            send=lambda client: client.chat.completions.with_streaming_response.create(**asked),
            read=lambda reply: answer_in(schema, reply),
        )

    async def _persist(self, call: Call, ask: _Ask[V]) -> V:
        """Attempt until it works, is known not to, or was tried three times."""
        for pause in (*_PAUSES, None):
            try:
                return await self._attempt(call, ask)
            except Failure as failure:
                if pause is None or not failure.retry or failure.wait > _LONGEST_WAIT:
                    raise failure.error from failure
                log.info("llm_retry", provider=call.provider, model=call.model, code=failure.code)
                await self._clock.sleep(max(pause, failure.wait))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, call: Call, ask: _Ask[V]) -> V:
        await self._client(call.provider)
        key = f"{call.provider}:{call.model}"
        price = price_of(key, kst_date(self._clock.now()))
        record = await self._reserve(
            call, price.cost(ask.most), self._beyond if key == self.cheaper_key else self._budget
        )
        started = perf_counter()
        try:
            value, tokens = await self._call(call, ask)
        except Failure as failure:
            await self._settle(record, price, failure.tokens, started, failure)
            raise
        await self._settle(record, price, tokens, started)
        return value

    async def _reserve(self, call: Call, estimate: Decimal, budget: Budget) -> int:
        now = self._clock.now()
        try:
            async with self._db.begin() as conn:
                return await reserve(conn, call, estimate=estimate, budget=budget, at=now)
        except BudgetExceeded as stop:
            async with self._db.begin() as conn:
                await note_stop(conn, stop.period, at=now)
            raise

    async def _call(self, call: Call, ask: _Ask[V]) -> tuple[V, Tokens | None]:
        reply = await self._exchange(call.provider, ask.send, max_bytes=ask.max_bytes)
        tokens = None
        try:
            tokens = tokens_of(reply)
            return ask.read(reply), tokens
        except Malformed as error:
            raise malformed(str(error), tokens) from None

    async def _settle(
        self, record: int, price: Price, tokens: Tokens | None, started: float, failure: Failure | None = None
    ) -> None:
        """Complete the record. A cancelled call never comes here: what it cost is unknown, so its estimate stands."""
        outcome = Outcome(
            tokens=tokens or Tokens(),
            cost_usd=Decimal(0) if failure and failure.free else price.cost(tokens) if tokens else None,
            status_code=failure.status if failure else 200,
            error_code=failure.code if failure else None,
            response_ms=_milliseconds_since(started),
        )
        async with self._db.begin() as conn:
            await settle(conn, record, outcome, at=self._clock.now())

    async def _exchange(
        self, name: str, send: Callable[[AsyncOpenAI], AbstractAsyncContextManager[Any]], *, max_bytes: int
    ) -> Any:
        client = await self._client(name)
        async with translated(name, at=self._clock.now()), asyncio.timeout(self._settings.llm.timeout_seconds):
            return await read_json(send(client), max_bytes=max_bytes)

    async def _client(self, name: str) -> AsyncOpenAI:
        async with self._opening:
            if name not in self._clients:
                if name not in self._providers:
                    raise NotConfigured(f"unknown provider: {name}")
                # In a thread, for the first one imports the library, which takes half a second.
                self._clients[name] = await asyncio.to_thread(
                    open_client, self._providers[name], timeout=self._settings.llm.timeout_seconds
                )
            return self._clients[name]


def _embedding_of(batch: Sequence[str], model: str) -> _Ask[Any]:
    return _Ask(
        most=Tokens(sent=sum(tokens_in(text) for text in batch)),
        send=lambda client: client.embeddings.with_streaming_response.create(
            input=list(batch), model=model, encoding_format="base64"
        ),
        read=lambda reply: vectors_in(reply, count=len(batch)),
        max_bytes=_MAX_EMBEDDING_BYTES,
    )


def _milliseconds_since(started: float) -> int:
    return round((perf_counter() - started) * 1000)
