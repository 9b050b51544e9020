"""The clock a person lives by: their quiet hours follow it. Times in messages stay those of Seoul."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.models import UserSettingsRow
from core.errors import UserError

SEOUL: Final = "Asia/Seoul"
LONGEST: Final = 40

_KNOWN: Final = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :zone)")


async def zone_named(conn: AsyncConnection, name: str) -> str:
    """The time zone of that name, however it is capitalised; raises `UserError` for what is none.

    PostgreSQL must know it too: it reckons everybody's quiet hours in one statement, which one bad name would break.
    """
    zone = _by_lower_case().get(name.strip().replace(" ", "_").lower())
    if zone is None or not (await conn.execute(_KNOWN, {"zone": zone})).scalar_one():
        raise UserError("{zone}: 모르는 시간대입니다. 예: /settings zone Asia/Tokyo", zone=name[:LONGEST])
    return zone


@cache
def _by_lower_case() -> dict[str, str]:
    places = (name for name in available_timezones() if "/" in name or name == "UTC")
    return {name.lower(): name for name in places if len(name) <= LONGEST}


async def zone_of(conn: AsyncConnection, user_id: int) -> str:
    """The time zone of a person, Seoul's unless they chose one."""
    query = select(UserSettingsRow.time_zone).where(UserSettingsRow.user_id == user_id)
    return (await conn.execute(query)).scalar_one_or_none() or SEOUL


async def set_zone(conn: AsyncConnection, user_id: int, zone: str) -> None:
    """Let a known person live by the clock of that zone, one of `zone_named`."""
    statement = insert(UserSettingsRow).values(user_id=user_id, time_zone=zone)
    await conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"time_zone": zone}))
