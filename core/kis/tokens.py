"""The access token: one a day for the app key, kept in PostgreSQL for every process.

KIS issues one a minute at most and messages the owner of the key each time, so a token is shared, used to its end,
and issued by one process at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import KST, Clock
from core.db import Database
from core.errors import QuotaExceeded
from core.kis.errors import Reaction, Refused
from core.kis.models import KisTokenRow
from core.kis.wire import Wire, name_of_key
from core.settings import KisSettings

log = structlog.get_logger(__name__)

_RENEW_BEFORE: Final = timedelta(minutes=10)
_ISSUE_EVERY: Final = timedelta(minutes=1)
_LONGEST_LIFE: Final = timedelta(days=91)
_TOKEN: Final = re.compile(r"[!-~]{1,2000}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """An access token: aware UTC times. It is never printed."""

    text: str
    expires_at: datetime
    issued_at: datetime

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


class SharedToken:
    """The token of one app key."""

    def __init__(self, settings: KisSettings, wire: Wire, *, db: Database, clock: Clock) -> None:
        self._key = name_of_key(settings)
        self._wire, self._db, self._clock = wire, db, clock
        self._known: Token | None = None
        self._rejected: str | None = None
        self._wait_until: datetime | None = None
        self._busy = asyncio.Lock()

    async def current(self) -> str:
        """A token that lives, renewed ten minutes before its end.

        Raises `Refused` (no token to be had), `QuotaExceeded` (with when to try again) or `Unavailable` (database).
        """
        if not self._serves(self._known):
            # One connection a process at most waits for the lock that one process at a time can hold.
            async with self._busy:
                if not self._serves(self._known):
                    self._known = await self._shared()
        assert self._known is not None
        return self._known.text

    def reject(self, token: str) -> None:
        """KIS refused this token: use what another process stored since, else a new one."""
        if self._known is not None and self._known.text == token:
            self._known, self._rejected = None, token

    def _serves(self, token: Token | None) -> bool:
        """Whether a token can be used without trying to renew it first."""
        if token is None:
            return False
        now = self._clock.now()
        waiting = self._wait_until is not None and now < self._wait_until
        return token.expires_at - now > (timedelta() if waiting else _RENEW_BEFORE)

    async def _shared(self) -> Token:
        async with self._db.begin() as conn:
            await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": self._key})
            stored = await _stored(conn, self._key)
            usable = stored if stored is not None and stored.text != self._rejected else None
            if usable is not None and self._serves(usable):
                return usable
            try:
                token = await self._issued(stored.issued_at if stored else None)
            except (Refused, QuotaExceeded):
                if usable is None or usable.expires_at <= self._clock.now():
                    raise
                self._wait_until = self._clock.now() + _ISSUE_EVERY
                return usable
            await _store(conn, self._key, token)
            return token

    async def _issued(self, last_issue: datetime | None) -> Token:
        now = self._clock.now()
        free_at = max(filter(None, (self._wait_until, last_issue and last_issue + _ISSUE_EVERY)), default=now)
        # A wait longer than the rule can ask for is a clock set back, not a wait.
        if now < free_at <= now + _ISSUE_EVERY:
            raise QuotaExceeded("KIS: a token was issued less than a minute ago", retry_at=free_at)
        try:
            token = _token(await self._wire.issue_token(), now)
        except Refused as refusal:
            if refusal.reaction is Reaction.TOKEN_TOO_SOON:
                self._wait_until = now + _ISSUE_EVERY
            raise
        log.info("kis_token_issued", expires_at=token.expires_at.isoformat())
        return token


def _token(body: Mapping[str, Any], at: datetime) -> Token:
    value = body.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Refused(Reaction.GARBLED, "an answer without a token")
    expires_at = _expiry(body, at)
    if not at < expires_at <= at + _LONGEST_LIFE:
        raise Refused(Reaction.GARBLED, "a token that is dead already or lives for ever")
    return Token(text=value, expires_at=expires_at, issued_at=at)


def _expiry(body: Mapping[str, Any], at: datetime) -> datetime:
    """The end of life as KIS writes it, in Seoul time without a zone; by `expires_in` seconds where it is missing."""
    ends = body.get("access_token_token_expired")
    try:
        written = datetime.strptime(ends if isinstance(ends, str) else "", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        return written.replace(tzinfo=KST).astimezone(at.tzinfo)
    except ValueError:
        pass
    try:
        return at + timedelta(seconds=float(body.get("expires_in", "")))
    except (TypeError, ValueError, OverflowError):
        raise Refused(Reaction.GARBLED, "a token without an end") from None


async def _stored(conn: AsyncConnection, key: str) -> Token | None:
    columns = (KisTokenRow.token, KisTokenRow.expires_at, KisTokenRow.issued_at)
    row = (await conn.execute(select(*columns).where(KisTokenRow.key == key))).one_or_none()
    return Token(text=row.token, expires_at=row.expires_at, issued_at=row.issued_at) if row else None


async def _store(conn: AsyncConnection, key: str, token: Token) -> None:
    values = {"token": token.text, "expires_at": token.expires_at, "issued_at": token.issued_at}
    statement = insert(KisTokenRow).values(key=key, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))
