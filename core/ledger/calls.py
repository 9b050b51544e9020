"""The ledger of paid calls: money is reserved before a call and settled after it.

Days and months are Seoul's. A reservation that is never settled (a crash, an answer that never came)
keeps counting with its estimate, so the budget errs on the side of spending less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Interval, bindparam, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst, kst_date
from core.errors import BudgetExceeded
from core.ledger.models import UsageAlertRow, UsageRecordRow
from core.ledger.prices import Tokens

_LOCK = 0x75736167
"""Advisory lock that makes reading the sum and writing the reservation one step across processes."""

LONGEST_CALL = timedelta(minutes=10)
"""A reservation older than this belongs to a call that never came back."""

# What a reset archived counts for the month only; calls under way at that moment go on counting for the day.
# The predicate on the cost is that of the index of paid calls: unpaid ones are by far the most rows.
_SPENT = text(
    """
    WITH archive AS (SELECT last_id, at FROM usage_archive WHERE day = :date ORDER BY id DESC LIMIT 1)
    SELECT coalesce(sum(cost_usd) FILTER (WHERE u.at >= :day AND u.at < :next_day AND (archive.last_id IS NULL
            OR u.id > archive.last_id OR u.settled_at > archive.at
            OR (u.settled_at IS NULL AND u.at > archive.at - :longest))), 0) AS today,
        coalesce(sum(cost_usd), 0) AS month
    FROM usage_record u LEFT JOIN archive ON true
    WHERE u.at >= :month AND u.at < :next_month AND u.cost_usd > 0
    """
).bindparams(bindparam("longest", LONGEST_CALL, Interval))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What is about to be paid for. `code` is the stock it is about, `user_id` who asked."""

    provider: str
    endpoint: str
    model: str
    purpose: str
    request_id: str
    user_id: int | None = None
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """The most that may be spent, in US dollars."""

    daily: Decimal
    monthly: Decimal

    def raised(self, percent: int) -> Budget:
        """The same budget and `percent` of it more."""
        return Budget(daily=self.daily * (100 + percent) / 100, monthly=self.monthly * (100 + percent) / 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What was spent or is reserved, in US dollars."""

    today: Decimal
    month: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a call ended. `cost_usd` None leaves the estimate standing: nobody knows what it cost."""

    tokens: Tokens
    cost_usd: Decimal | None
    status_code: int | None
    error_code: str | None
    response_ms: int


async def spent(conn: AsyncConnection, *, at: datetime) -> Spent:
    """What the Seoul day (since its last reset) and month around `at` have cost so far, reservations included."""
    day = kst_date(at)
    bounds = {
        "date": day,
        "day": kst(day),
        "next_day": kst(day + timedelta(days=1)),
        "month": kst(day.replace(day=1)),
        "next_month": kst(next_month(day)),
    }
    row = (await conn.execute(_SPENT, bounds)).one()
    return Spent(today=row.today, month=row.month)


def next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


async def alone(conn: AsyncConnection) -> None:
    """Hold off reservations everywhere until the transaction ends."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def note_stop(conn: AsyncConnection, subject: str, *, at: datetime) -> None:
    """Remember that a call did not fit the budget of the "day" or "month" around `at`, for the admins to be told.

    The estimate of a call is reserved whole, so spending stops a little short of the last cent.
    """
    day = kst_date(at)
    values = {
        "kind": "budget",
        "subject": subject,
        "period": await budget_period(conn, day) if subject == "day" else f"{day:%Y-%m}",
        "level": 100,
        "at": at,
    }
    await conn.execute(upsert(UsageAlertRow).values(**values).on_conflict_do_nothing())


async def budget_period(conn: AsyncConnection, day: date) -> str:
    """The name of the day's budget: the day, and after a reset the number of its archive with it."""
    query = text("SELECT max(id) FROM usage_archive WHERE day = :day")
    number = (await conn.execute(query, {"day": day})).scalar_one()
    return f"{day}" if number is None else f"{day}.{number}"


async def reserve(conn: AsyncConnection, call: Call, *, estimate: Decimal, budget: Budget, at: datetime) -> int:
    """Set `estimate` aside and return the number of the record to settle.

    Raises `BudgetExceeded` when today or this month would pass its budget. Other reservations wait until
    the caller's transaction ends, so keep it short and commit before the call.
    """
    await alone(conn)
    so_far = await spent(conn, at=at)
    if so_far.today + estimate > budget.daily:
        raise BudgetExceeded(f"daily budget of ${budget.daily:.2f} is used up", period="day")
    if so_far.month + estimate > budget.monthly:
        raise BudgetExceeded(f"monthly budget of ${budget.monthly:.2f} is used up", period="month")
    result = await conn.execute(
        insert(UsageRecordRow)
        .values(
            at=at,
            cost_usd=estimate,
            provider=call.provider,
            endpoint=call.endpoint,
            model=call.model,
            purpose=call.purpose,
            user_id=call.user_id,
            request_id=call.request_id,
            code=call.code,
        )
        .returning(UsageRecordRow.id)
    )
    return result.scalar_one()


async def settle(conn: AsyncConnection, record_id: int, outcome: Outcome, *, at: datetime) -> None:
    """Complete a reservation with what the call really took."""
    cost = {} if outcome.cost_usd is None else {"cost_usd": outcome.cost_usd}
    await conn.execute(
        update(UsageRecordRow)
        .where(UsageRecordRow.id == record_id)
        .values(
            settled_at=at,
            tokens_in=outcome.tokens.sent,
            tokens_cached=outcome.tokens.cached,
            tokens_out=outcome.tokens.received,
            status_code=outcome.status_code,
            error_code=outcome.error_code,
            response_ms=outcome.response_ms,
            **cost,
        )
    )
