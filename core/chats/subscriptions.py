"""What a person is told of, and how: by kind on, silently or not at all, and never in their quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, DateTime, Select, Time, and_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.member import Role
from core.chats.models import ChatRow, SubscriptionRow, UserRow, UserSettingsRow
from core.services import Services


class PersonalKind(StrEnum):
    """What a person can choose to be told of. `HIGH_LOW` is a high or low of 52 weeks."""

    REPORT = "report"
    NEWS = "news"
    DISCLOSURE = "disclosure"
    PRICE = "price"
    VOLUME = "volume"
    FLOW = "flow"
    HIGH_LOW = "high_low"
    SIGNAL = "signal"
    BRIEF = "brief"


class Mode(StrEnum):
    """How somebody is told: with a sound, without one, or not at all."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"

    @property
    def following(self) -> Mode:
        """The mode a press of the button leads to: on, silent, off, and on again."""
        modes = list(Mode)
        return modes[(modes.index(self) + 1) % len(modes)]


DEFAULTS: Final[Mapping[PersonalKind, Mode]] = {
    PersonalKind.REPORT: Mode.SILENT,
    PersonalKind.NEWS: Mode.SILENT,
    PersonalKind.DISCLOSURE: Mode.ON,
    PersonalKind.PRICE: Mode.ON,
    PersonalKind.VOLUME: Mode.SILENT,
    PersonalKind.FLOW: Mode.SILENT,
    PersonalKind.HIGH_LOW: Mode.ON,
    PersonalKind.SIGNAL: Mode.SILENT,
    PersonalKind.BRIEF: Mode.ON,
}
"""How somebody is told who has not chosen: what cannot wait makes a sound."""


async def modes_of(conn: AsyncConnection, user_id: int) -> Mapping[PersonalKind, Mode]:
    """How a person is told of every kind, in the order of the kinds."""
    query = select(SubscriptionRow.kind, SubscriptionRow.mode).where(SubscriptionRow.user_id == user_id)
    chosen = {row.kind: Mode(row.mode) for row in await conn.execute(query)}
    return {kind: chosen.get(kind, DEFAULTS[kind]) for kind in PersonalKind}


async def choose(conn: AsyncConnection, user_id: int, kind: PersonalKind, mode: Mode) -> None:
    """Tell a known person of a kind in this way from now on."""
    statement = insert(SubscriptionRow).values(user_id=user_id, kind=kind, mode=mode)
    await conn.execute(statement.on_conflict_do_update(index_elements=["user_id", "kind"], set_={"mode": mode}))


def subscribed(services: Services, kind: PersonalKind) -> Select[int, str]:
    """`user_id` and `mode` (on or silent) of everybody who is to be told of a kind: to be composed into statements.

    Left out is who may not use the bot, or blocked it. A person's private chat has their own id.
    """
    theirs = and_(SubscriptionRow.user_id == UserRow.id, SubscriptionRow.kind == kind.value)
    mode = func.coalesce(SubscriptionRow.mode, DEFAULTS[kind].value)
    query = select(UserRow.id.label("user_id"), mode.label("mode")).outerjoin(SubscriptionRow, theirs)
    return query.where(mode != Mode.OFF.value, may_be_told(services))


def may_be_told(services: Services) -> ColumnElement[bool]:
    """Whether a row of `user` is of somebody who may use the bot and has not blocked it."""
    telegram = services.settings.telegram
    waits = UserRow.role.not_in([Role.BLOCKED.value, Role.MEMBER.value, Role.ADMIN.value])
    let_in = waits if telegram.sign_up == "open" else and_(waits, UserRow.id.in_(telegram.allowed_ids))
    entered = or_(UserRow.role.in_([Role.MEMBER.value, Role.ADMIN.value]), let_in, UserRow.id.in_(telegram.admin_ids))
    gone = select(ChatRow.id).where(ChatRow.id == UserRow.id, ChatRow.reachable.is_(False)).exists()
    return and_(entered, ~gone)


async def quiet_hours(conn: AsyncConnection, user_id: int) -> tuple[time, time] | None:
    """From when until when, by their own clock, a person is told nothing."""
    query = select(UserSettingsRow.quiet_from, UserSettingsRow.quiet_until).where(UserSettingsRow.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None or row[0] is None or row[1] is None:
        return None
    return row[0], row[1]


async def set_quiet_hours(conn: AsyncConnection, user_id: int, hours: tuple[time, time] | None) -> None:
    """Tell a known person nothing between these times of their clock, which may lie across midnight; None ends it."""
    start, end = hours or (None, None)
    statement = insert(UserSettingsRow).values(user_id=user_id, quiet_from=start, quiet_until=end)
    changed = {"quiet_from": start, "quiet_until": end}
    await conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=changed))


def held_until(at: datetime) -> ColumnElement[datetime]:
    """When a person may be told what happens at `at`: then, or when their quiet hours end.

    An expression over a row of `user_settings`, which may be all null. Hours that begin later than they end lie across
    midnight. By the clock of the person's time zone, its changes of offset included.
    """
    instant, zone = literal(at, DateTime(timezone=True)), UserSettingsRow.time_zone
    start, end = UserSettingsRow.quiet_from, UserSettingsRow.quiet_until
    clock = func.timezone(zone, instant, type_=DateTime())
    now, today = cast(clock, Time), func.date_trunc("day", clock, type_=DateTime())
    tomorrow = today + literal(timedelta(days=1))
    whole = DateTime(timezone=True)
    return case(
        (and_(start < end, now >= start, now < end), func.timezone(zone, today + end, type_=whole)),
        (and_(start > end, now >= start), func.timezone(zone, tomorrow + end, type_=whole)),
        (and_(start > end, now < end), func.timezone(zone, today + end, type_=whole)),
        else_=instant,
    )
