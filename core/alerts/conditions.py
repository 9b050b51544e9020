"""Conditions that people set on stocks: kept, and told when they hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.alerts.condition import MOST, Condition, ConditionKind, Wanted
from core.alerts.models import AlertRuleRow
from core.alerts.queries import USUAL
from core.alerts.rules import EARLY, part_passed
from core.chats.models import UserRow
from core.chats.queries import lock_user
from core.chats.subscriptions import Mode, may_be_told
from core.delivery.alert import LIFETIMES, AlertKind
from core.delivery.queries import add_letters
from core.errors import UserError
from core.market.models import QuoteRow
from core.services import Services
from core.stocks.models import StockRow

_HOLDS: Final = f"""
    CASE w.kind
        WHEN '{ConditionKind.PRICE_ABOVE}' THEN q.price >= w.threshold
        WHEN '{ConditionKind.PRICE_BELOW}' THEN q.price <= w.threshold
        WHEN '{ConditionKind.CHANGE_EITHER}' THEN abs(q.change) * 100 >= w.threshold * (q.price - q.change)
        WHEN '{ConditionKind.CHANGE_UP}' THEN q.change * 100 >= w.threshold * (q.price - q.change)
        WHEN '{ConditionKind.CHANGE_DOWN}' THEN -q.change * 100 >= w.threshold * (q.price - q.change)
        WHEN '{ConditionKind.VOLUME_TIMES}' THEN coalesce((SELECT q.volume >= w.threshold * :part * b.volume
            FROM ({USUAL}) AS b WHERE b.last_close = q.price - q.change), false)
        ELSE false
    END
"""
"""Whether a condition `w` holds at the quote `q`; a change is compared exactly, a volume to that usual by then."""

_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(7304)")
"""Two that mark conditions at once would lock them in orders of their own."""

_FIRE: Final = text(
    f"""
    UPDATE alert_rule w SET last_fired_at = :at
    FROM quote q
    WHERE q.code = w.code AND q.at >= :since AND q.volume > 0
        AND (w.last_fired_at IS NULL OR w.last_fired_at + w.cooldown_seconds * INTERVAL '1 second' <= :at)
        AND {_HOLDS}
    """
)


async def tell_conditions(services: Services, conn: AsyncConnection) -> int:
    """Tell everybody whose conditions hold by fresh quotes of the open session; returns how many letters are new.

    Two statements, however many conditions: those that fire are marked with the instant, and those so marked are told.
    """
    now, calendar = services.clock.now(), services.calendar
    session = calendar.latest_session(now)
    opens, closes = calendar.opens(session), calendar.closes(session)
    since = max(opens, now - LIFETIMES[AlertKind.CONDITION_MET])
    if since > closes:
        return 0
    await conn.execute(_ONE_AT_A_TIME)
    part = max(part_passed(now, opens, closes), EARLY)
    fired = await conn.execute(_FIRE, {"at": now, "since": since, "part": part, "before": session})
    if not fired.rowcount:
        return 0
    facts = {
        "code": StockRow.code,
        "name": StockRow.name,
        "at": func.to_char(func.timezone("UTC", QuoteRow.at), 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
        "rule": AlertRuleRow.id,
        "condition": AlertRuleRow.kind,
        "threshold": AlertRuleRow.threshold,
        "price": QuoteRow.price,
        "change_percent": QuoteRow.change_percent,
        "volume": QuoteRow.volume,
    }
    key = literal("rule:") + func.concat(AlertRuleRow.id, ":", int(now.timestamp()))
    pairs = [part for name, column in facts.items() for part in (literal(name), column)]
    letters = (
        select(
            key.label("key"),
            func.jsonb_build_object(*pairs).label("facts"),
            AlertRuleRow.user_id,
            literal(Mode.ON.value).label("mode"),
        )
        .join(QuoteRow, QuoteRow.code == AlertRuleRow.code)
        .join(StockRow, StockRow.code == AlertRuleRow.code)
        .join(UserRow, UserRow.id == AlertRuleRow.user_id)
        .where(AlertRuleRow.last_fired_at == now, may_be_told(services))
    )
    return await add_letters(conn, AlertKind.CONDITION_MET, letters, at=now, since=now)


async def conditions_of(conn: AsyncConnection, user_id: int) -> list[Condition]:
    """A person's conditions, in the order they were set."""
    query = select(AlertRuleRow.__table__, StockRow.name).join(StockRow, StockRow.code == AlertRuleRow.code)
    rows = await conn.execute(query.where(AlertRuleRow.user_id == user_id).order_by(AlertRuleRow.id))
    return [_condition(row) for row in rows]


async def add_condition(services: Services, user_id: int, code: str, wanted: Wanted) -> bool:
    """Keep a condition; False where the same one was there already, which then has the new cooldown.

    Raises `UserError` past `MOST` conditions.
    """
    same = (
        AlertRuleRow.user_id == user_id,
        AlertRuleRow.code == code,
        AlertRuleRow.kind == wanted.kind,
        AlertRuleRow.threshold == wanted.threshold,
    )
    seconds = int(wanted.cooldown.total_seconds())
    async with services.db.begin() as conn:
        await lock_user(conn, user_id=user_id)
        if (await conn.execute(update(AlertRuleRow).where(*same).values(cooldown_seconds=seconds))).rowcount:
            return False
        count = select(func.count()).select_from(AlertRuleRow).where(AlertRuleRow.user_id == user_id)
        if (await conn.execute(count)).scalar_one() >= MOST:
            raise UserError("조건은 {most}개까지 둘 수 있습니다. 쓰지 않는 조건을 지워 주세요: /alerts", most=MOST)
        values = {"user_id": user_id, "code": code, "kind": wanted.kind, "threshold": wanted.threshold}
        added = insert(AlertRuleRow).values(**values, cooldown_seconds=seconds, created_at=services.clock.now())
        await conn.execute(added)
        return True


async def delete_condition(conn: AsyncConnection, user_id: int, number: int) -> bool:
    """Forget a person's condition of this number of ours; False where they have none such."""
    mine = (AlertRuleRow.id == number, AlertRuleRow.user_id == user_id)
    return (await conn.execute(delete(AlertRuleRow).where(*mine))).rowcount == 1


def _condition(row: Row[Any]) -> Condition:
    last: datetime | None = row.last_fired_at
    return Condition(
        id=row.id,
        code=row.code,
        name=row.name,
        kind=ConditionKind(row.kind),
        threshold=row.threshold,
        cooldown=timedelta(seconds=row.cooldown_seconds),
        last_fired_at=last,
    )
