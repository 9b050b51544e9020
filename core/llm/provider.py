"""OpenAI-compatible providers: their clients, and what their failures mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import SecretStr

from core.errors import Blocked, Malformed, NotConfigured, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.ledger.prices import Tokens
from core.logs import redact
from core.settings import Settings

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """One endpoint. `output_limit` is what it calls the cap on output tokens."""

    name: str
    api_key: SecretStr | None
    base_url: str
    output_limit: str


def providers(settings: Settings) -> Mapping[str, Provider]:
    """Every provider by name, with or without a key."""
    openai, openrouter = settings.openai, settings.openrouter
    listed = (
        Provider(
            name="openai",
            api_key=openai.api_key,
            base_url=openai.base_url,
            output_limit="max_completion_tokens",
        ),
        Provider(
            name="openrouter", api_key=openrouter.api_key, base_url=openrouter.base_url, output_limit="max_tokens"
        ),
    )
    return {provider.name: provider for provider in listed}


class Failure(Exception):
    """One failed attempt: the error to raise, and what the ledger and the retry need to know.

    `wait` is the provider's own Retry-After in seconds; `free` means nothing can have been billed; `tokens` are
    what the reply says it took.
    """

    def __init__(
        self,
        error: StockPilotError,
        *,
        code: str,
        status: int | None = None,
        retry: bool = False,
        wait: float = 0.0,
        free: bool = False,
        tokens: Tokens | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error, self.code, self.status = error, code, status
        self.retry, self.wait, self.free, self.tokens = retry, wait, free, tokens


def open_client(provider: Provider, *, timeout: float) -> AsyncOpenAI:
    """A client of `provider`; raises `NotConfigured` without a key. Its own retries are off: ours are recorded."""
    if provider.api_key is None:
        raise NotConfigured(f"{provider.name}: no API key")
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    return AsyncOpenAI(
        api_key=provider.api_key.get_secret_value(),
        base_url=provider.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(trust_env=False),
    )


async def read_json(opened: AbstractAsyncContextManager[Any], *, max_bytes: int) -> Any:
    """The JSON of a streamed response of at most `max_bytes`; raises `Failure` with a `Malformed` otherwise."""
    body = bytearray()
    async with opened as response:
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise malformed(f"reply over {max_bytes:,} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise malformed("reply is not JSON") from None


def malformed(message: str, tokens: Tokens | None = None) -> Failure:
    """An answer came, but not one that can be used; it took `tokens` as far as that is known."""
    return Failure(Malformed(message), code="malformed", status=200, tokens=tokens)


@asynccontextmanager
async def translated(name: str, *, at: datetime) -> AsyncIterator[None]:
    """Turn every error of the client of provider `name` into a `Failure`."""
    import httpx2
    import openai

    try:
        yield
    except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as error:
        raise Failure(Unavailable(f"{name}: timed out"), code="timeout", retry=True) from error
    except openai.APIStatusError as error:
        raise _status_failure(name, error, at) from error
    except openai.APIConnectionError as error:
        raise Failure(Unavailable(f"{name}: no connection"), code="connection", retry=True, free=True) from error
    except (openai.APIError, httpx2.HTTPError) as error:
        raise Failure(Unavailable(f"{name}: {type(error).__name__}"), code="broken_reply", retry=True) from error


def _status_failure(name: str, error: APIStatusError, at: datetime) -> Failure:
    status = error.status_code
    code = redact(str(error.code or status))[:100]
    if status == 402 or code in _OUT_OF_MONEY:
        return Failure(QuotaExceeded(f"{name}: out of credit"), code=code, status=status, free=True)
    if status == 429:
        wait = _retry_after(error.response.headers)
        reason = QuotaExceeded(f"{name}: too many calls", retry_at=at + timedelta(seconds=wait or 60))
        return Failure(reason, code=code, status=status, retry=True, wait=wait, free=True)
    if status in {401, 403}:
        return Failure(Blocked(f"{name}: refused with {status}"), code=code, status=status, free=True)
    if status in {408, 409} or status >= 500:
        wait = _retry_after(error.response.headers)
        unavailable = Unavailable(f"{name}: status {status}")
        return Failure(unavailable, code=code, status=status, retry=True, wait=wait, free=True)
    return Failure(Unsupported(f"{name}: status {status}"), code=code, status=status, free=True)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header; 0 when there is none or it is a date, which these providers do not send."""
    try:
        return min(max(float(headers.get("retry-after", 0)), 0.0), 86_400.0)
    except ValueError:
        return 0.0
