"""What the tests of delivery share: hooks that keep what they are told, and letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text

from core.db import Database
from core.delivery import queries
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Delivered, Destination, HookName, Letter, Outcome
from tests.conftest import NOW


class Kept:
    """A hook that keeps what it is told and answers as `answer` says."""

    def __init__(self, answer: Callable[[Letter], Outcome] = lambda _: Delivered()) -> None:
        self.letters: list[Letter] = []
        self._answer = answer

    async def deliver(self, letter: Letter) -> Outcome:
        """Keep it."""
        self.letters.append(letter)
        return self._answer(letter)

    @property
    def told(self) -> list[tuple[int | None, str]]:
        """Where what was told, in order."""
        return [(letter.to.chat_id, letter.alert.key) for letter in self.letters]


class Held(Kept):
    """A hook that takes its time: until `let_go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.most = self._now = 0

    async def deliver(self, letter: Letter) -> Outcome:
        """Keep it, and wait."""
        self._now += 1
        self.most = max(self.most, self._now)
        outcome = await super().deliver(letter)
        await self.let_go.wait()
        self._now -= 1
        return outcome


def make_alert(key: str, kind: AlertKind = AlertKind.STRATEGY_RECOVERED) -> Alert:
    """An alert."""
    return Alert(kind=kind, key=key, facts={"strategy": "rsi"})


async def put(
    db: Database, key: str, chats: Iterable[int] = (1,), kind: AlertKind = AlertKind.STRATEGY_RECOVERED
) -> None:
    """Put an alert for these chats into the outbox."""
    async with db.begin() as conn:
        to = [Destination(HookName.TELEGRAM, chat) for chat in chats]
        await queries.add(conn, make_alert(key, kind), to, at=NOW)


async def rows(db: Database, columns: str = "chat_id, key, state, repeated") -> list[tuple[Any, ...]]:
    """The outbox, in the order written."""
    async with db.read() as conn:
        return [tuple(row) for row in await conn.execute(text(f"SELECT {columns} FROM outbox ORDER BY id"))]
