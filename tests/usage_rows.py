"""Rows of calls and handles of jobs, for tests of usage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import Database
from core.ledger.models import UsageRecordRow

AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
"""15:50 in Seoul."""


@dataclass
class FreeRun:
    """A run of a job outside its envelope: nothing fences it."""

    db: Database
    slot: datetime = AT
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    done: int = 0

    def begin(
        self, *, checkpoint: Mapping[str, Any] | None = None, done: int = 0
    ) -> AbstractAsyncContextManager[AsyncConnection]:
        """A write transaction."""
        return self.db.begin()

    def progress(self, *, done: int = 0, failed: int = 0, total: int | None = None) -> None:
        """Count items."""
        self.done += done

    def warn(self, message: str) -> None:
        """Note something odd."""
        self.warnings.append(message)


def make_row(**changes: Any) -> dict[str, Any]:
    """A settled call to a model, changed."""
    values: dict[str, Any] = {
        "at": AT,
        "settled_at": AT,
        "provider": "openai",
        "endpoint": "chat/completions",
        "model": "gpt-6-luna",
        "purpose": "predict",
        "tokens_in": 100,
        "tokens_cached": 40,
        "tokens_out": 20,
        "cost_usd": Decimal("0.01"),
        "status_code": 200,
        "error_code": None,
        "response_ms": 800,
        "user_id": None,
        "request_id": "r",
        "code": None,
    }
    return values | changes


def make_outside(**changes: Any) -> dict[str, Any]:
    """An unpaid call."""
    unpaid: dict[str, Any] = {"provider": "kis", "endpoint": "inquire-price", "model": "", "purpose": "ask"}
    unpaid |= {"tokens_in": 0, "tokens_cached": 0, "tokens_out": 0, "cost_usd": Decimal(0)}
    return make_row(**unpaid | changes)


async def add_rows(db: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write calls."""
    async with db.begin() as conn:
        await conn.execute(insert(UsageRecordRow), [dict(row) for row in rows])


async def rows_of(db: Database, query: str, **values: Any) -> list[Any]:
    """What a query brings."""
    async with db.read() as conn:
        return list((await conn.execute(text(query), values)).all())
