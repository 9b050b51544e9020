"""SQL of the outbox.

Whoever takes a letter up raises its `attempts`; what is written about it afterwards names them, so a sender that was
thought dead changes nothing of a letter that another one has taken up since.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    RowMapping,
    Select,
    SmallInteger,
    Text,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.models import ChatRow, UserSettingsRow
from core.chats.subscriptions import Mode, held_until
from core.delivery.alert import LIFETIME, LIFETIMES, PERSONAL, Alert, AlertKind, rank_of
from core.delivery.letter import Destination, HookName, Letter, State, Step
from core.delivery.models import OutboxRow

NEWS: Final = "outbox"
"""The channel on which PostgreSQL says, at a commit, that there are new letters."""

LATE: Final = "too late"
"""The error of a letter that was dropped because it expired."""

QUIET: Final = "quiet hours"
"""The error of a letter that was dropped because it would expire within its reader's quiet hours."""

_OPEN = OutboxRow.state.in_((State.WAITING, State.SENDING))
_HELD = (OutboxRow.attempts == 0) & (OutboxRow.not_before > OutboxRow.created_at)
"""Kept back from the beginning, for the end of somebody's quiet hours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxState:
    """How the outbox stands: letters not told yet and the oldest of them, and letters that came to no good end.

    Letters kept for the end of quiet hours count as not told, and are not looked at for the oldest. `repeated` counts
    letters told although they may have arrived before.
    """

    depth: int
    oldest_at: datetime | None
    failed: int
    dropped: int
    parked: int
    repeated: int


_ADD = text(
    """
    INSERT INTO outbox (key, part, kind, facts, hook, chat_id, state, not_before, expires_at, created_at, sent_at, rank)
    SELECT :key, :part, :kind, :facts, hook, chat_id, CASE hook WHEN 'log' THEN 'sent' ELSE 'waiting' END,
        now.at, :expires_at, now.at, CASE hook WHEN 'log' THEN now.at END, :rank
    FROM unnest(CAST(:hooks AS text[]), CAST(:chats AS bigint[])) AS d (hook, chat_id),
        (SELECT CAST(:at AS timestamptz) AS at) AS now
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("facts", type_=JSONB))


async def add(conn: AsyncConnection, alert: Alert, destinations: Collection[Destination], *, at: datetime) -> int:
    """Put an alert into the outbox, once a destination; returns for how many it is new.

    What goes to the log stands there as told: it is the caller who writes it.
    """
    values = {
        "key": alert.key,
        "part": alert.part,
        "kind": alert.kind,
        "facts": dict(alert.facts),
        "hooks": [to.hook for to in destinations],
        "chats": [to.chat_id for to in destinations],
        "at": at,
        "expires_at": at + alert.lifetime,
        "rank": rank_of(alert.kind),
    }
    new = (await conn.execute(_ADD, values)).rowcount
    if new:
        await conn.execute(select(func.pg_notify(NEWS, "")))
    return new


async def add_for(
    conn: AsyncConnection, alert: Alert, people: Select[int, str], *, at: datetime, since: datetime
) -> int:
    """Put an alert into the outbox for everybody in `people` (`user_id`, `mode`); as `add_letters`."""
    assert alert.part == 1
    told = people.subquery()
    facts = literal(dict(alert.facts), JSONB)
    letters = select(literal(alert.key).label("key"), facts.label("facts"), told.c.user_id, told.c.mode)
    return await add_letters(conn, alert.kind, letters, at=at, since=since)


@dataclass(frozen=True, kw_only=True, slots=True)
class Personal:
    """An alert for one person alone, told in this `mode`."""

    user_id: int
    mode: Mode
    alert: Alert


async def add_each(conn: AsyncConnection, letters: Sequence[Personal], *, at: datetime, since: datetime) -> int:
    """Put each of these alerts, all of one kind, into the outbox for its own person; as `add_letters`."""
    if not letters:
        return 0
    (kind,) = {letter.alert.kind for letter in letters}
    given = func.unnest(
        literal([letter.alert.key for letter in letters], ARRAY(Text)),
        literal([json.dumps(dict(letter.alert.facts)) for letter in letters], ARRAY(Text)),
        literal([letter.user_id for letter in letters], ARRAY(BigInteger)),
        literal([letter.mode.value for letter in letters], ARRAY(Text)),
    ).table_valued(column("key", Text), column("facts", Text), column("user_id", BigInteger), column("mode", Text))
    given = given.render_derived()
    columns = given.c.key, cast(given.c.facts, JSONB).label("facts"), given.c.user_id, given.c.mode
    return await add_letters(conn, kind, select(*columns), at=at, since=since)


async def add_letters(
    conn: AsyncConnection, kind: AlertKind, letters: Select[str, Any, int, str], *, at: datetime, since: datetime
) -> int:
    """Put letters to people into the outbox: each its `key` and `facts`, once to its `user_id`, in this `mode`.

    Returns how many are new. One statement, however many they are. They are worth telling for the lifetime of their
    kind from `since`, when it happened. Whoever has quiet hours now is told when they end; what is not worth telling
    any more by then is written down as dropped.
    """
    expires_at = since + LIFETIMES.get(kind, LIFETIME)
    each = letters.subquery()
    settings = each.outerjoin(UserSettingsRow, UserSettingsRow.user_id == each.c.user_id)
    told = select(each, held_until(at).label("held")).select_from(settings).subquery()
    late = told.c.held >= expires_at
    values: dict[str, Any] = {
        "key": told.c.key,
        "part": literal(1, BigInteger),
        "kind": literal(kind.value),
        "facts": told.c.facts,
        "hook": literal(HookName.TELEGRAM.value),
        "chat_id": told.c.user_id,
        "silent": told.c.mode == Mode.SILENT.value,
        "state": case((late, State.DROPPED.value), else_=State.WAITING.value),
        "not_before": told.c.held,
        "expires_at": literal(expires_at),
        "created_at": literal(at),
        "error": case((late, QUIET)),
        "rank": literal(rank_of(kind), SmallInteger),
    }
    statement = upsert(OutboxRow).from_select(list(values), select(*values.values()))
    new = (await conn.execute(statement.on_conflict_do_nothing())).rowcount
    if new:
        await conn.execute(select(func.pg_notify(NEWS, "")))
    return new


_IN_ORDER = text(
    "SELECT set_config(name, 'off', false) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort',"
    " 'enable_hashjoin', 'enable_mergejoin', 'jit']) AS settings (name)"
)


async def walk_in_order(conn: AsyncConnection) -> None:
    """Have this connection read the outbox by its indexes only, for as long as it lives.

    An outbox that has just filled has no statistics yet; guessing it small, PostgreSQL would compare every letter with
    every other one for each that is taken up.
    """
    await conn.execute(_IN_ORDER)


_CLAIM = text(
    """
    UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE state = 'waiting' AND id = (
        SELECT coalesce(first.id, o.id)
        FROM outbox o LEFT JOIN LATERAL (
            SELECT id, state, not_before FROM outbox e
            WHERE e.chat_id = o.chat_id AND e.id <= o.id
                AND (e.state = 'sending' OR (e.state = 'waiting' AND e.expires_at > :at
                    AND (e.attempts > 0 OR e.not_before <= :at)))
            ORDER BY e.id LIMIT 1
        ) AS first ON true
        WHERE o.state = 'waiting' AND o.not_before <= :at AND o.expires_at > :at AND o.hook = ANY(:hooks)
            AND (o.chat_id IS NULL OR o.chat_id <> ALL(:busy))
            AND (first.id IS NULL OR (first.state = 'waiting' AND first.not_before <= :at))
        ORDER BY o.rank, o.id LIMIT 1
    )
    RETURNING id, key, part, kind, facts, hook, chat_id, created_at, attempts, repeated, silent
    """
)


async def claim(
    conn: AsyncConnection, *, at: datetime, hooks: Collection[HookName], busy: Collection[int]
) -> Letter | None:
    """Take up a letter that may be told at `at` by one of `hooks`, in a chat that is not `busy`.

    The letter of the lowest rank calls its chat, the oldest of several; taken up is the first of those left for that
    chat, and only when none of them is on its way. So what is urgent overtakes other chats and takes along what stands
    before it in its own. One kept for the end of quiet hours holds up none. Commit before telling it.
    """
    row = (await conn.execute(_CLAIM, {"at": at, "hooks": list(hooks), "busy": list(busy)})).mappings().first()
    return _letter(row) if row else None


async def settle(conn: AsyncConnection, letter: Letter, becomes: Step, *, at: datetime) -> bool:
    """Write down what became of a letter; False when it is not in the hands of whoever took it up so any more."""
    values: dict[str, Any] = {
        "state": becomes.state,
        "not_before": becomes.not_before,
        "repeated": becomes.repeated,
        "error": becomes.error,
        "sent_at": at if becomes.state is State.SENT else None,
    }
    mine = (OutboxRow.id == letter.id, OutboxRow.attempts == letter.attempts, OutboxRow.state == State.SENDING)
    return (await conn.execute(update(OutboxRow).where(*mine).values(**values))).rowcount == 1


async def recover(conn: AsyncConnection) -> int:
    """Let the letters that a dead sender had taken up wait again, marked as perhaps repeated; returns how many."""
    lost = update(OutboxRow).where(OutboxRow.state == State.SENDING)
    return (await conn.execute(lost.values(state=State.WAITING, repeated=True))).rowcount


async def drop_late(conn: AsyncConnection, *, at: datetime) -> int:
    """Drop the letters that are not worth telling any more; returns how many."""
    late = update(OutboxRow).where(OutboxRow.state == State.WAITING, OutboxRow.expires_at <= at)
    return (await conn.execute(late.values(state=State.DROPPED, error=LATE))).rowcount


async def hold_back(conn: AsyncConnection, *, at: datetime) -> int:
    """Keep what waits for people whose quiet hours have begun meanwhile until these end; returns how many.

    What would expire in them is dropped. What was taken up before may have arrived, and goes on being told.
    """
    hours = select(UserSettingsRow.user_id, held_until(at).label("end")).where(UserSettingsRow.quiet_from.is_not(None))
    quiet = hours.subquery()
    late = OutboxRow.expires_at <= quiet.c.end
    kept = update(OutboxRow).where(
        OutboxRow.state == State.WAITING,
        OutboxRow.attempts == 0,
        OutboxRow.not_before <= at,
        OutboxRow.kind.in_(PERSONAL),
        OutboxRow.chat_id == quiet.c.user_id,
        quiet.c.end > at,
    )
    values = {
        "not_before": quiet.c.end,
        "state": case((late, State.DROPPED.value), else_=OutboxRow.state),
        "error": case((late, QUIET), else_=OutboxRow.error),
    }
    return (await conn.execute(kept.values(**values))).rowcount


async def drop_chat(conn: AsyncConnection, *, chat_id: int, reason: str, at: datetime) -> int:
    """Drop all that waits for a chat that cannot be reached, and mark the chat; returns how many were dropped.

    The chat need not be known: that of a person who never wrote to the bot is not.
    """
    gone = upsert(ChatRow).values(id=chat_id, kind="private" if chat_id > 0 else "group", reachable=False, seen_at=at)
    await conn.execute(gone.on_conflict_do_update(index_elements=["id"], set_={"reachable": False}))
    waiting = update(OutboxRow).where(OutboxRow.chat_id == chat_id, OutboxRow.state == State.WAITING)
    return (await conn.execute(waiting.values(state=State.DROPPED, error=reason))).rowcount


_MOVE = text(
    """
    UPDATE outbox o SET chat_id = :new
    WHERE chat_id = :old AND NOT EXISTS (
        SELECT FROM outbox e
        WHERE e.key = o.key AND e.part = o.part AND e.hook = o.hook AND e.chat_id = :new
    )
    """
)


async def move_chat(conn: AsyncConnection, *, old: int, new: int, at: datetime) -> int:
    """Address all of a chat to its new id; returns how many letters. What is told there already is dropped.

    What has ended moves too, so that nothing told under the old id is told again under the new one.
    """
    known = upsert(ChatRow).values(id=new, kind="supergroup", reachable=True, seen_at=at)
    await conn.execute(known.on_conflict_do_nothing())
    moved = (await conn.execute(_MOVE, {"old": old, "new": new})).rowcount
    await drop_chat(conn, chat_id=old, reason="told under the new id", at=at)
    return moved


async def waiting(conn: AsyncConnection, *, hooks: Collection[HookName], at: datetime) -> int:
    """How many letters to these hooks are not told yet; one kept until after `at` is not waited for."""
    due = ~_HELD | (OutboxRow.not_before <= at)
    query = select(func.count()).select_from(OutboxRow).where(_OPEN, due, OutboxRow.hook.in_(hooks))
    return (await conn.execute(query)).scalar_one()


async def outbox_state(conn: AsyncConnection, *, since: datetime | None = None) -> OutboxState:
    """How the outbox stands; the letters that came to no good end are those written since `since`, or all kept."""
    counted = (OutboxRow.created_at >= since,) if since else ()

    def count(state: State) -> Any:
        return func.count().filter(OutboxRow.state == state, *counted)

    repeated = func.count().filter(OutboxRow.repeated, *counted)
    query = select(
        func.count().filter(_OPEN).label("depth"),
        func.min(OutboxRow.created_at).filter(_OPEN, ~_HELD).label("oldest_at"),
        count(State.FAILED).label("failed"),
        count(State.DROPPED).label("dropped"),
        count(State.PARKED).label("parked"),
        repeated.label("repeated"),
    )
    if since:
        query = query.where(_OPEN | (OutboxRow.created_at >= since))
    return OutboxState(**(await conn.execute(query)).one()._mapping)


async def prune(conn: AsyncConnection, *, before: datetime, kinds: Collection[AlertKind] | None = None) -> int:
    """Forget the letters written before `before`, of these kinds or all, that have come to an end; returns how many."""
    ended = delete(OutboxRow).where(OutboxRow.created_at < before, ~_OPEN)
    if kinds is not None:
        ended = ended.where(OutboxRow.kind.in_(kinds))
    return (await conn.execute(ended)).rowcount


def _letter(row: RowMapping) -> Letter:
    alert = Alert(kind=AlertKind(row["kind"]), key=row["key"], facts=row["facts"], part=row["part"])
    return Letter(
        id=row["id"],
        alert=alert,
        to=Destination(HookName(row["hook"]), row["chat_id"]),
        at=row["created_at"],
        attempts=row["attempts"],
        repeated=row["repeated"],
        silent=row["silent"],
    )
