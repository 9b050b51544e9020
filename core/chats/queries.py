"""SQL of members, chats and watchlists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.models import ChatRow, UserRow, WatchItemRow


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredUser:
    """What is stored of a person; `new` says that they were not known before."""

    role: str
    language: str | None
    joined_at: datetime
    watched: tuple[str, ...]
    new: bool


_SEEN = text(
    "SELECT role, language, joined_at, "
    "ARRAY(SELECT code FROM watch_item WHERE user_id = :id ORDER BY added_at, code) AS watched "
    'FROM "user" WHERE id = :id AND name = :name AND seen_at >= :since '
    "AND app_language IS NOT DISTINCT FROM CAST(:app_language AS text)"
)


async def seen_user(
    conn: AsyncConnection, *, user_id: int, name: str, app_language: str | None, since: datetime
) -> StoredUser | None:
    """A person known by this very name and language of their app, and seen since `since`."""
    values = {"id": user_id, "name": name, "app_language": app_language, "since": since}
    row = (await conn.execute(_SEEN, values)).one_or_none()
    return StoredUser(**dict(row._mapping, watched=tuple(row.watched)), new=False) if row else None


async def upsert_user(
    conn: AsyncConnection, *, user_id: int, name: str, app_language: str | None, role: str, at: datetime
) -> StoredUser:
    """A person, stored now with `role` or seen again with the one they have."""
    seen = {"name": name, "app_language": app_language, "seen_at": at}
    statement = insert(UserRow).values(id=user_id, role=role, joined_at=at, **seen)
    statement = statement.on_conflict_do_update(index_elements=["id"], set_=seen)
    new = literal_column("xmax = 0", Boolean).label("new")
    row = await conn.execute(statement.returning(UserRow.role, UserRow.language, UserRow.joined_at, new))
    watched = await watched_codes(conn, user_id=user_id)
    return StoredUser(**row.one()._mapping, watched=tuple(watched))


async def lock_user(conn: AsyncConnection, *, user_id: int) -> None:
    """Let nobody else change what belongs to this person until the transaction ends."""
    await conn.execute(select(UserRow.id).where(UserRow.id == user_id).with_for_update())


async def set_language(conn: AsyncConnection, *, user_id: int, language: str) -> None:
    """Remember the language a person chose."""
    await conn.execute(update(UserRow).where(UserRow.id == user_id).values(language=language))


async def languages_of(conn: AsyncConnection, user_id: int) -> tuple[str | None, str | None]:
    """The language a person chose and that of their app, None where they did not or are not known."""
    query = select(UserRow.language, UserRow.app_language).where(UserRow.id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return (row.language, row.app_language) if row else (None, None)


async def upsert_chat(conn: AsyncConnection, *, chat_id: int, kind: str, reachable: bool, at: datetime) -> None:
    """Remember a chat and whether the bot can write there."""
    statement = insert(ChatRow).values(id=chat_id, kind=kind, reachable=reachable, seen_at=at)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"kind": kind, "reachable": reachable, "seen_at": at}
        )
    )


async def add_watch(conn: AsyncConnection, *, user_id: int, code: str, at: datetime) -> bool:
    """Watch a stock; False when it was watched already."""
    statement = insert(WatchItemRow).values(user_id=user_id, code=code, added_at=at).on_conflict_do_nothing()
    return (await conn.execute(statement)).rowcount == 1


async def remove_watch(conn: AsyncConnection, *, user_id: int, code: str) -> bool:
    """Stop watching a stock; False when it was not watched."""
    statement = delete(WatchItemRow).where(WatchItemRow.user_id == user_id, WatchItemRow.code == code)
    return (await conn.execute(statement)).rowcount == 1


async def watcher_counts(conn: AsyncConnection) -> dict[str, int]:
    """How many people watch each stock that somebody watches, by its code."""
    rows = await conn.execute(select(WatchItemRow.code, func.count()).group_by(WatchItemRow.code))
    return {row[0]: row[1] for row in rows}


_WATCHED = text("SELECT code FROM watch_item WHERE user_id = :user_id ORDER BY added_at, code")


async def watched_codes(conn: AsyncConnection, *, user_id: int | None = None) -> list[str]:
    """The codes one person watches in the order added, or everybody's in code order."""
    if user_id is None:
        return list((await conn.execute(select(WatchItemRow.code).distinct().order_by(WatchItemRow.code))).scalars())
    return list((await conn.execute(_WATCHED, {"user_id": user_id})).scalars())
