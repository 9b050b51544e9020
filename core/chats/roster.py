"""SQL of people as admins see them, and of invitations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.member import Role
from core.chats.models import InviteRow, UserRow, WatchItemRow


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPerson:
    """What is stored of a person."""

    id: int
    name: str
    role: str
    language: str | None
    app_language: str | None
    joined_at: datetime
    seen_at: datetime


_COLUMNS = tuple(getattr(UserRow, name) for name in StoredPerson.__slots__)


async def lock_people(conn: AsyncConnection, ids: Collection[int]) -> dict[int, StoredPerson]:
    """Those of `ids` that are stored; nobody else changes them until the transaction ends."""
    query = select(*_COLUMNS).where(UserRow.id.in_(ids)).order_by(UserRow.id).with_for_update()
    return {person.id: person for person in await _people(conn, query)}


async def find_person(conn: AsyncConnection, user_id: int) -> StoredPerson | None:
    """The person with this user id."""
    found = await _people(conn, select(*_COLUMNS).where(UserRow.id == user_id))
    return found[0] if found else None


async def list_people(conn: AsyncConnection, query: str, *, limit: int, offset: int) -> list[StoredPerson]:
    """People whose name holds `query` or whose id or stored role it is: those who wait first, then by last seen."""
    waiting_first = (UserRow.role == Role.WAITING).desc()
    statement = _matching(select(*_COLUMNS), query).order_by(waiting_first, UserRow.seen_at.desc(), UserRow.id)
    return await _people(conn, statement.limit(limit).offset(offset))


async def count_people(conn: AsyncConnection, query: str) -> int:
    """How many `list_people` has in all."""
    statement = _matching(select(func.count()).select_from(UserRow), query)
    return int((await conn.execute(statement)).scalar_one())


async def count_by_role(conn: AsyncConnection, *, but: Sequence[int]) -> dict[str, int]:
    """How many people each stored role has, those of `but` left out."""
    query = select(UserRow.role, func.count().label("number")).where(UserRow.id.not_in(but)).group_by(UserRow.role)
    return {row.role: row.number for row in await conn.execute(query)}


async def stored_roles(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, str]:
    """The stored role of each of `ids` that is known."""
    query = select(UserRow.id, UserRow.role).where(UserRow.id.in_(ids))
    return {row.id: row.role for row in await conn.execute(query)}


async def count_watched(conn: AsyncConnection, user_id: int) -> int:
    """How many stocks a person watches."""
    query = select(func.count()).select_from(WatchItemRow).where(WatchItemRow.user_id == user_id)
    return (await conn.execute(query)).scalar_one()


async def ids_of_role(conn: AsyncConnection, role: str) -> list[int]:
    """The ids of everybody with a stored role."""
    return list((await conn.execute(select(UserRow.id).where(UserRow.role == role).order_by(UserRow.id))).scalars())


async def set_role(conn: AsyncConnection, user_id: int, role: str) -> None:
    """Store the role of a person."""
    await conn.execute(update(UserRow).where(UserRow.id == user_id).values(role=role))


async def add_invite(
    conn: AsyncConnection, *, code_hash: str, made_by: int, at: datetime, expires_at: datetime, uses: int
) -> int:
    """Store an invitation; returns its number."""
    values = {"code_hash": code_hash, "made_by": made_by, "made_at": at, "expires_at": expires_at, "uses": uses}
    return (await conn.execute(insert(InviteRow).values(**values).returning(InviteRow.id))).scalar_one()


async def use_invite(conn: AsyncConnection, *, code_hash: str, at: datetime) -> int | None:
    """Use an invitation once; its number, or None when there is none such, it has expired or is used up."""
    good = (InviteRow.code_hash == code_hash, InviteRow.expires_at > at, InviteRow.used < InviteRow.uses)
    statement = update(InviteRow).where(*good).values(used=InviteRow.used + 1).returning(InviteRow.id)
    return (await conn.execute(statement)).scalar_one_or_none()


def _matching(statement: Any, query: str) -> Any:
    if not query:
        return statement
    same = UserRow.name.icontains(query, autoescape=True) | (UserRow.role == query.lower())
    if query.isascii() and query.isdigit() and len(query) <= 18:
        same |= UserRow.id == int(query)
    return statement.where(same)


async def _people(conn: AsyncConnection, statement: Executable) -> list[StoredPerson]:
    return [StoredPerson(**row._mapping) for row in await conn.execute(statement)]
