"""Asking KIS about many stocks side by side, as one source: its circuit is asked once and opens when all fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import StockPilotError, Unsupported
from core.services import Services
from core.sources.service import ask_source

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers(Generic[T]):
    """What came by code, and what failed. A stock KIS does not have is in neither."""

    found: Mapping[str, T]
    failed: Mapping[str, StockPilotError]


async def ask_each(
    services: Services, source: str, codes: Sequence[str], ask: Callable[[str], Awaitable[T]]
) -> Answers[T]:
    """The answers about these stocks; raises the first failure where there is no answer at all.

    `Unavailable` and `Malformed` are then noted as a failure of `source`, and it raises `Unavailable` at once while
    the circuit of `source` is open.
    """

    async def all_of_them() -> Answers[T]:
        came = await asyncio.gather(*(_outcome(ask, code) for code in codes))
        found = {code: answer[0] for code, answer in zip(codes, came, strict=True) if isinstance(answer, tuple)}
        failed = {code: answer for code, answer in zip(codes, came, strict=True) if isinstance(answer, StockPilotError)}
        real = {code: error for code, error in failed.items() if not isinstance(error, Unsupported)}
        if real and not found:
            raise next(iter(real.values()))
        return Answers(found=found, failed=real)

    return await ask_source(services, source, all_of_them)


async def _outcome(ask: Callable[[str], Awaitable[T]], code: str) -> tuple[T] | StockPilotError:
    try:
        return (await ask(code),)
    except StockPilotError as error:
        return error
