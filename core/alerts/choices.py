"""What a person chose to be told of, and when not: all that /alerts shows and changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from core.alerts.condition import Condition
from core.alerts.conditions import conditions_of, delete_condition
from core.chats.member import Member
from core.chats.subscriptions import Mode, PersonalKind, choose, modes_of, quiet_hours, set_quiet_hours
from core.chats.zones import zone_of
from core.errors import UserError
from core.services import Services

QuietHours = tuple[time, time]

_HOURS = re.compile(r"([01]?[0-9]|2[0-3]):?([0-5][0-9])\s*[-~]\s*([01]?[0-9]|2[0-3]):?([0-5][0-9])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """How somebody is told of each kind, their quiet hours by the clock of `zone`, and their conditions in the order
    set."""

    modes: Mapping[PersonalKind, Mode]
    quiet: QuietHours | None
    zone: str
    conditions: tuple[Condition, ...]


async def choices_of(services: Services, member: Member) -> Choices:
    """What a member chose."""
    async with services.db.read() as conn:
        modes = await modes_of(conn, member.id)
        quiet, zone = await quiet_hours(conn, member.id), await zone_of(conn, member.id)
        conditions = tuple(await conditions_of(conn, member.id))
    return Choices(modes=modes, quiet=quiet, zone=zone, conditions=conditions)


async def choose_mode(services: Services, member: Member, kind: PersonalKind, mode: Mode) -> None:
    """Tell a member of a kind in this way from now on."""
    async with services.db.begin() as conn:
        await choose(conn, member.id, kind, mode)


async def keep_quiet(services: Services, member: Member, hours: QuietHours | None) -> None:
    """Tell a member nothing between these times of their clock; None ends it."""
    async with services.db.begin() as conn:
        await set_quiet_hours(conn, member.id, hours)


async def drop_condition(services: Services, member: Member, number: int) -> bool:
    """Forget a member's condition of this number of ours; False where they have none such."""
    async with services.db.begin() as conn:
        return await delete_condition(conn, member.id, number)


def parse_hours(written: str) -> QuietHours:
    """Quiet hours as somebody writes them: `22:00-07:00`. Raises `UserError` that says what is expected."""
    found = _HOURS.fullmatch(written.strip())
    start, end = (time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))) if found else (None, None)
    if start is None or end is None or start == end:
        raise UserError("시작과 끝 시각을 적어 주세요. 예: /alerts quiet 22:00-07:00, 끄려면 /alerts quiet off")
    return start, end
