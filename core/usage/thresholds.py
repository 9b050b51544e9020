"""When the admins are told about usage: shares of the budgets, and providers that fail. Each once a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst_date
from core.delivery.alert import Alert, AlertKind
from core.delivery.service import tell_admins
from core.ledger.calls import budget_period, spent
from core.ledger.models import UsageAlertRow
from core.runs.run import Run
from core.services import Services
from core.usage.aggregates import stored_figures
from core.usage.figures import Use, added

Facts = Mapping[str, str | int | float | None]

BUDGET_PERCENTS: Final = (80, 100)
ERROR_PERCENT: Final = 20
LEAST_CALLS: Final = 20
"""Fewer calls of a provider in a day say nothing about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """One threshold in its period and where the figure stands.

    `subject` is "day" or "month" for the budget, the provider for its errors; `percent` is the figure now. `reached` is
    also true where a call did not fit what was left of the budget. `told_at` is when the admins were told.
    """

    kind: AlertKind
    subject: str
    period: str
    level: int
    percent: float
    reached: bool
    told_at: datetime | None = None
    facts: Facts = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names it in the alerts."""
        return f"{self.kind}:{self.subject}:{self.period}:{self.level}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldAlert:
    """One threshold that was reached."""

    kind: AlertKind
    subject: str
    period: str
    level: int
    at: datetime
    told_at: datetime | None
    facts: Mapping[str, Any]


def budget_thresholds(subject: str, period: str, used: Decimal, limit: Decimal) -> list[Threshold]:
    """Both thresholds of a budget. Of a budget of nothing every cent is all of it."""
    percent = float(used * 100 / limit) if limit else 100.0 * bool(used)
    facts: Facts = {"period": subject, "spent_usd": float(used), "limit_usd": float(limit)}
    return [
        Threshold(
            kind=AlertKind.BUDGET,
            subject=subject,
            period=period,
            level=level,
            percent=percent,
            reached=bool(used) and used * 100 >= limit * level,
            facts={**facts, "percent": level},
        )
        for level in BUDGET_PERCENTS
    ]


def error_thresholds(day: date, uses: Mapping[str, Use]) -> list[Threshold]:
    """The threshold of every provider that was called on the day."""
    found = []
    for provider, use in uses.items():
        ended = use.succeeded + use.failed
        percent = round(use.failed * 100 / ended, 1) if ended else 0.0
        found.append(
            Threshold(
                kind=AlertKind.ERROR_RATE,
                subject=provider,
                period=str(day),
                level=ERROR_PERCENT,
                percent=percent,
                reached=ended >= LEAST_CALLS and use.failed * 100 >= ended * ERROR_PERCENT,
                facts={"provider": provider, "failed": use.failed, "calls": ended, "percent": percent},
            )
        )
    return found


async def thresholds(services: Services, conn: AsyncConnection) -> list[Threshold]:
    """Every threshold of the running day and month, with what was told. Errors are as of the last refresh."""
    now, llm = services.clock.now(), services.settings.llm
    today = kst_date(now)
    so_far = await spent(conn, at=now)
    month = f"{today:%Y-%m}"
    uses: dict[str, list[Use]] = {}
    for each in await stored_figures(conn, today, date.max):
        uses.setdefault(each.provider, []).append(each.use)
    found = [
        *budget_thresholds("day", await budget_period(conn, today), so_far.today, Decimal(str(llm.daily_budget_usd))),
        *budget_thresholds("month", month, so_far.month, Decimal(str(llm.monthly_budget_usd))),
        *error_thresholds(today, {provider: added(each) for provider, each in sorted(uses.items())}),
    ]
    return await _with_history(conn, found)


async def tell_reached(services: Services, run: Run) -> int:
    """Tell the admins of every threshold reached and not told of in its period; returns how many."""
    async with services.db.read() as conn:
        due = [each for each in await thresholds(services, conn) if each.reached and each.told_at is None]
    told = 0
    for each in due:
        async with run.begin() as conn:
            if await _first(conn, each, at=services.clock.now()):
                await tell_admins(services, conn, Alert(kind=each.kind, key=each.key, facts=each.facts))
                told += 1
    return told


async def newest_alerts(conn: AsyncConnection, *, limit: int = 10) -> list[ToldAlert]:
    """The thresholds reached last, newest first."""
    query = text(
        "SELECT kind, subject, period, level, at, told_at, facts FROM usage_alert "
        "ORDER BY at DESC, id DESC LIMIT :limit"
    )
    found = (await conn.execute(query.columns(facts=JSONB), {"limit": limit})).mappings()
    return [ToldAlert(**dict(row) | {"kind": AlertKind(row["kind"])}) for row in found]


async def _with_history(conn: AsyncConnection, found: Iterable[Threshold]) -> list[Threshold]:
    """The thresholds with what is stored of them: a stop noted by a call, and when they were told."""
    listed = list(found)
    query = text("SELECT kind, subject, period, level, told_at FROM usage_alert WHERE period = ANY(:periods)")
    rows = await conn.execute(query, {"periods": [each.period for each in listed]})
    known = {(row.kind, row.subject, row.period, row.level): row.told_at for row in rows}
    return [
        replace(each, reached=True, told_at=known[key])
        if (key := (each.kind, each.subject, each.period, each.level)) in known
        else each
        for each in listed
    ]


async def _first(conn: AsyncConnection, reached: Threshold, *, at: datetime) -> bool:
    """Write down that it was told, unless somebody else did."""
    values = {
        "kind": reached.kind,
        "subject": reached.subject,
        "period": reached.period,
        "level": reached.level,
        "at": at,
        "told_at": at,
        "facts": dict(reached.facts),
    }
    statement = insert(UsageAlertRow).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "subject", "period", "level"],
        set_={"told_at": at, "facts": statement.excluded.facts},
        where=UsageAlertRow.told_at.is_(None),
    )
    return (await conn.execute(statement.returning(UsageAlertRow.id))).first() is not None
