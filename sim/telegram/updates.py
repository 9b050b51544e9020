"""The bot's incoming updates: one queue read by long polling or emptied by a webhook, never by both."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from sim.telegram.errors import ApiError, conflict

Json = dict[str, Any]

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds sent only when asked for by name."""

_TERMINATED = "terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK_SET = "terminated by setWebhook request"
_WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class UpdateQueue:
    """Updates in order until confirmed. An update is confirmed by asking for a later one."""

    def __init__(self, first_id: int = 500_000_001) -> None:
        self._next_id = first_id
        self._pending: deque[Json] = deque()
        self._allowed: frozenset[str] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._arrived = asyncio.Event()
        self.webhook_url = ""
        self.webhook_secret = ""
        self.webhook_error: tuple[int, str] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def polled(self) -> bool:
        """Whether a getUpdates call is waiting now."""
        return self._poll is not None

    @property
    def allowed(self) -> list[str]:
        """Kinds asked for by name; empty means the default."""
        return sorted(self._allowed or ())

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Remember which kinds to send; None leaves it as it is, nothing in it means the default."""
        if kinds is not None:
            self._allowed = frozenset(kinds) or None

    def put(self, kind: str, body: Json) -> None:
        """Queue an update, unless the bot has not asked for its kind."""
        if kind in NOT_BY_DEFAULT if self._allowed is None else kind not in self._allowed:
            return
        self._pending.append({"update_id": self._next_id, kind: body})
        self._next_id += 1
        self._arrived.set()
        self._wake()

    def _wake(self, error: ApiError | None = None) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            if error:
                poll.set_exception(error)
            else:
                poll.set_result(None)

    async def poll(self, *, offset: int, limit: int, timeout: float) -> list[Json]:
        """The oldest unconfirmed updates, waiting up to `timeout` seconds for one.

        A newer call ends an older one that still waits with 409, as the real server does, so of two pollers each
        keeps throwing the other out. Raises `ApiError` 409, also while a webhook is set.
        """
        if self.webhook_url:
            raise conflict(_WEBHOOK_ACTIVE)
        self._wake(conflict(_TERMINATED))
        self._confirm(offset)
        if not self._pending and timeout > 0:
            mine = self._poll = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait((mine,), timeout=timeout)
            finally:
                if self._poll is mine:
                    self._poll = None
            if mine.done():
                mine.result()
        return [self._pending[i] for i in range(min(limit, len(self._pending)))]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._pending) > -offset:
                self._pending.popleft()
        while offset > 0 and self._pending and self._pending[0]["update_id"] < offset:
            self._pending.popleft()

    def drop_pending(self) -> None:
        """Forget everything unconfirmed."""
        self._pending.clear()

    def release(self) -> None:
        """End a waiting poll with what there is: the server stops."""
        self._wake()

    def set_webhook(self, url: str, secret: str) -> None:
        """Send updates to `url` from now on, or keep them for polling when it is empty."""
        if url:
            self._wake(conflict(_WEBHOOK_SET))
        self.webhook_url, self.webhook_secret, self.webhook_error = url, secret, None
        self._arrived.set()

    async def for_webhook(self) -> Json:
        """The oldest unconfirmed update once there is one and a webhook to take it."""
        while not (self._pending and self.webhook_url):
            self._arrived.clear()
            await self._arrived.wait()
        return self._pending[0]

    def confirm_first(self, update: Json) -> None:
        """The webhook took `update`."""
        self._confirm(update["update_id"] + 1)
