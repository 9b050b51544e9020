"""Invitations: a link an admin makes, good a few times and for a few days."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from core.audit.trail import note
from core.chats import roster
from core.chats.member import Member, Role
from core.errors import UserError
from core.services import Services

MOST_USES: Final = 100
MOST_DAYS: Final = 90
_CODE = re.compile(r"[A-Za-z0-9_-]{16,60}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Invite:
    """An invitation as it is shown once: afterwards only a digest of `code` is known."""

    code: str
    uses: int
    expires_at: datetime


async def make_invite(services: Services, actor: Member, *, uses: int, days: int) -> Invite:
    """A new invitation for `uses` people within `days` days; audited without its code."""
    code, now = secrets.token_urlsafe(16), services.clock.now()
    expires_at = now + timedelta(days=days)
    async with services.db.begin() as conn:
        number = await roster.add_invite(
            conn, code_hash=_digest(code), made_by=actor.id, at=now, expires_at=expires_at, uses=uses
        )
        await note(conn, actor_id=actor.id, action="invite", target=str(number), at=now, uses=uses, days=days)
    return Invite(code=code, uses=uses, expires_at=expires_at)


async def accept_invite(services: Services, member: Member, code: str) -> Member:
    """Let a waiting person in by their invitation; one who is in already uses none up.

    Raises `UserError` for a code that is unknown, expired or used up.
    """
    now = services.clock.now()
    async with services.db.begin() as conn:
        stored = (await roster.lock_people(conn, {member.id})).get(member.id)
        if stored is None or stored.role != Role.WAITING:
            return member
        number = await roster.use_invite(conn, code_hash=_digest(code), at=now) if _CODE.fullmatch(code) else None
        if number is None:
            raise UserError("초대 링크가 맞지 않거나 기한이 지났습니다. 초대한 분께 새 링크를 받아 주세요.")
        await roster.set_role(conn, member.id, Role.MEMBER)
        await note(conn, actor_id=member.id, action="invite_used", target=str(number), at=now)
    return replace(member, role=Role.MEMBER)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
