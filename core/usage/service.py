"""Statistics of outside calls, the month's costs, and the reset of the day's budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import trail
from core.clock import kst, kst_date
from core.errors import UserError
from core.ledger.calls import alone, next_month, spent
from core.ledger.models import UsageArchiveRow
from core.services import Services
from core.usage import queries
from core.usage.aggregates import figures_of, stored_figures
from core.usage.figures import DayFigures, added, by, ranked
from core.usage.overview import Alerts, Batch, Bucket, Budgets, Costs, Overview, OwnUse, Span
from core.usage.queries import Hour
from core.usage.thresholds import newest_alerts, thresholds

MEAN_OVER = 7
"""The most whole days a forecast looks back."""


async def overview(services: Services, span: Span) -> Overview:
    """The calls of a span: kept figures of the days before today, today's from its rows since the last reset."""
    now = services.clock.now()
    today = kst_date(now)
    await services.calls.flush()
    async with services.db.read() as conn:
        archive = await queries.newest_archive(conn, today)
        after = archive.last_id if archive and span is Span.TODAY else 0
        first = today - timedelta(days=span.days - 1)
        figures = [*await stored_figures(conn, first, today), *await figures_of(conn, today, after=after)]
        budgets = await _budgets(services, conn)
        if span is Span.TODAY:
            models, outside = await queries.totals_of(conn, today, after=after)
            purposes = await queries.purposes_of(conn, kst(today), kst(today + timedelta(days=1)), after=after)
            users = await queries.users_of(conn, today, after=after)
            buckets = hourly(await queries.hours_of(conn, today, after=after))
        else:
            models = added(each.use for each in figures if each.model)
            outside = added(each.use for each in figures if not each.model)
            purposes, users, buckets = {}, {}, daily(figures, first, today)
    return Overview(
        span=span,
        at=now,
        since=archive.at if archive and span is Span.TODAY else None,
        budgets=budgets,
        models=models,
        outside=outside,
        by_model=by(figures, lambda each: each.model or None),
        by_endpoint=by(figures, lambda each: f"{each.provider} {each.endpoint}"),
        by_error=by(figures, lambda each: f"{each.provider} {each.error_code}" if each.error_code else None),
        by_purpose=ranked(purposes),
        by_user=ranked(users),
        buckets=buckets,
        lost=services.calls.lost,
    )


def daily(figures: Iterable[DayFigures], first: date, last: date) -> tuple[Bucket, ...]:
    """A bucket for every day in [first, last]."""
    grouped: defaultdict[date, list[DayFigures]] = defaultdict(list)
    for each in figures:
        grouped[each.day].append(each)
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    return tuple(
        Bucket(
            label=f"{day:%m.%d}",
            cost={name: use.cost_usd for name, use in by(grouped[day], lambda each: each.model or None).items()},
            calls=sum(each.use.calls for each in grouped[day]),
            failed=sum(each.use.failed for each in grouped[day]),
        )
        for day in days
    )


def hourly(hours: Iterable[Hour]) -> tuple[Bucket, ...]:
    """A bucket for every hour of the day."""
    grouped: defaultdict[int, list[Hour]] = defaultdict(list)
    for each in hours:
        grouped[each.hour].append(each)
    return tuple(
        Bucket(
            label=f"{hour:02}",
            cost={each.model: each.cost_usd for each in grouped[hour] if each.model},
            calls=sum(each.calls for each in grouped[hour]),
            failed=sum(each.failed for each in grouped[hour]),
        )
        for hour in range(24)
    )


async def costs(services: Services) -> Costs:
    """The month's costs and their forecast."""
    now = services.clock.now()
    today = kst_date(now)
    first, end = today.replace(day=1), next_month(today)
    async with services.db.read() as conn:
        so_far = await spent(conn, at=now)
        models = [*await stored_figures(conn, first, today), *await figures_of(conn, today)]
        purposes = await queries.purposes_of(conn, kst(first), kst(end))
        days = await queries.cost_of_days(conn, today - timedelta(days=MEAN_OVER), today)
        day = added(each.use for each in models if each.day == today)
    return Costs(
        at=now,
        month=so_far.month,
        monthly=Decimal(str(services.settings.llm.monthly_budget_usd)),
        today=day.cost_usd,
        by_model=by(models, lambda each: each.model or None),
        by_purpose=ranked(purposes),
        daily_mean=sum(days, Decimal(0)) / len(days) if days else day.cost_usd,
        mean_days=len(days),
        days_left=(end - today).days - 1,
    )


async def alerts(services: Services) -> Alerts:
    """The thresholds with their state, and the alerts of the past."""
    async with services.db.read() as conn:
        return Alerts(
            thresholds=tuple(await thresholds(services, conn)), told=tuple(await newest_alerts(conn, limit=10))
        )


async def to_reset(services: Services) -> Batch:
    """What a reset would archive now."""
    await services.calls.flush()
    async with services.db.read() as conn:
        return await _batch(conn, kst_date(services.clock.now()))


async def reset(services: Services, *, actor_id: int, previous: int) -> Batch:
    """Archive the day's calls as a batch, so that the day's budget starts anew; the month's goes on counting them.

    Nothing is deleted or moved. Calls under way go on counting for the day. `previous` is the reset the admin was shown
    as the last one: raises `UserError` when there was another since, so that pressing twice resets once.
    """
    await services.calls.flush()
    async with services.db.begin() as conn:
        await alone(conn)
        now = services.clock.now()
        batch = await _batch(conn, kst_date(now))
        if batch.previous != previous:
            raise UserError("그사이 이미 초기화했습니다. /usage 로 확인해 주세요.")
        row = await queries.calls_to_archive(conn, batch.day, after=await _after(conn, batch.day))
        values = {"day": batch.day, "at": now, "actor_id": actor_id} | dict(row)
        number = (
            await conn.execute(insert(UsageArchiveRow).values(**values).returning(UsageArchiveRow.id))
        ).scalar_one()
        await trail.note(
            conn,
            actor_id=actor_id,
            action="usage_reset",
            target=str(batch.day),
            at=now,
            archive=number,
            calls=row["calls"],
            cost_usd=float(row["cost_usd"]),
        )
    return Batch(number=number, previous=previous, day=batch.day, calls=row["calls"], cost_usd=row["cost_usd"])


async def own_use(services: Services, user_id: int) -> OwnUse:
    """What a member's questions took of the models today and this month."""
    today = kst_date(services.clock.now())
    tomorrow = kst(today + timedelta(days=1))
    async with services.db.read() as conn:
        day = await queries.use_of(conn, user_id, start=kst(today), stop=tomorrow)
        month = await queries.use_of(conn, user_id, start=kst(today.replace(day=1)), stop=tomorrow)
    return OwnUse(
        calls_today=day.calls,
        cost_today=day.cost_usd,
        calls_month=month.calls,
        cost_month=month.cost_usd,
        tokens_month=month.tokens_in + month.tokens_out,
    )


async def _budgets(services: Services, conn: AsyncConnection) -> Budgets:
    so_far, llm = await spent(conn, at=services.clock.now()), services.settings.llm
    return Budgets(
        today=so_far.today,
        daily=Decimal(str(llm.daily_budget_usd)),
        month=so_far.month,
        monthly=Decimal(str(llm.monthly_budget_usd)),
    )


async def _batch(conn: AsyncConnection, day: date) -> Batch:
    archive = await queries.newest_archive(conn, day)
    row = await queries.calls_to_archive(conn, day, after=archive.last_id if archive else 0)
    return Batch(
        number=None,
        previous=archive.number if archive else 0,
        day=day,
        calls=row["calls"],
        cost_usd=row["cost_usd"],
    )


async def _after(conn: AsyncConnection, day: date) -> int:
    archive = await queries.newest_archive(conn, day)
    return archive.last_id if archive else 0
