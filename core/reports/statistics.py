"""How reports are renewed: how often and why, whether it works, what it costs, how old they get.

Counts are of attempts, successful or not, over whole Seoul days up to now. Times are aware UTC, costs US dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Phase, kst, kst_date
from core.reports.report import UpdateReason
from core.services import Services

MOST_DAYS: Final = 30
FLAT_COST: Final = Decimal("0.001")
"""The rule of thumb the true cost is shown beside: dollars a model call."""
MOST_STOCKS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class DayOfUpdates:
    """One Seoul day."""

    day: date
    updates: int = 0
    calls: int = 0
    cost_usd: Decimal = Decimal(0)

    @property
    def flat_usd(self) -> Decimal:
        """What the calls would cost by the rule of thumb."""
        return self.calls * FLAT_COST


@dataclass(frozen=True, kw_only=True, slots=True)
class StockUpdates:
    """How often one stock's report was renewed."""

    code: str
    name: str
    updates: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateStatistics:
    """The updates of `days` Seoul days, today included.

    `observed_days` begin with the first update, so that a young system is not divided by days it did not live.
    `by_weekday_hour` is keyed by (Monday 0, hour in Seoul). `mean_interval` lies between two successful updates of one
    stock. `mean_age` is how old the newest report of a followed stock was on average over the span: what a reader meets
    at a random moment; `age_now` is the same at this one. Each is None where there is nothing to tell from.
    """

    days: int
    at: datetime
    observed_days: int
    updates: int
    succeeded: int
    by_reason: Mapping[UpdateReason, int]
    by_phase: Mapping[Phase, int]
    by_weekday_hour: Mapping[tuple[int, int], int]
    stocks: int
    busiest: tuple[StockUpdates, ...]
    mean_interval: timedelta | None
    mean_age: timedelta | None
    age_now: timedelta | None
    per_day: tuple[DayOfUpdates, ...]

    @property
    def by_hour(self) -> dict[int, int]:
        """The updates by hour in Seoul, hours without one left out."""
        hours = sorted({hour for _, hour in self.by_weekday_hour})
        return {hour: sum(count for (_, at), count in self.by_weekday_hour.items() if at == hour) for hour in hours}

    @property
    def success_rate(self) -> float | None:
        """The share of the attempts that brought a report."""
        return self.succeeded / self.updates if self.updates else None

    @property
    def per_stock_and_day(self) -> float | None:
        """Updates of a stock on a day it could have had some, over the stocks that were renewed at all."""
        return self.updates / self.stocks / self.observed_days if self.stocks else None

    @property
    def calls(self) -> int:
        """Model calls."""
        return sum(day.calls for day in self.per_day)

    @property
    def cost_usd(self) -> Decimal:
        """What they cost."""
        return sum((day.cost_usd for day in self.per_day), Decimal(0))

    @property
    def flat_usd(self) -> Decimal:
        """What they would cost by the rule of thumb."""
        return sum((day.flat_usd for day in self.per_day), Decimal(0))


_COUNTS: Final = text(
    """
    SELECT reason, phase, (at AT TIME ZONE 'Asia/Seoul')::date AS day,
        extract(isodow FROM at AT TIME ZONE 'Asia/Seoul')::int - 1 AS weekday,
        extract(hour FROM at AT TIME ZONE 'Asia/Seoul')::int AS hour,
        count(*) AS updates, count(*) FILTER (WHERE succeeded) AS succeeded,
        sum(llm_calls)::bigint AS calls, sum(cost_usd) AS cost_usd
    FROM report_update WHERE at >= :start AND at <= :now GROUP BY 1, 2, 3, 4, 5
    """
)
_STOCKS: Final = text(
    """
    SELECT code, name, count(*) AS updates, count(*) FILTER (WHERE NOT succeeded) AS failed
    FROM report_update JOIN stock USING (code) WHERE at >= :start AND at <= :now
    GROUP BY code, name ORDER BY updates DESC, code
    """
)
_INTERVAL: Final = text(
    """
    SELECT avg(at - earlier) FROM (
        SELECT at, lag(at) OVER (PARTITION BY code ORDER BY at) AS earlier
        FROM report_update WHERE succeeded AND at >= :start AND at <= :now
    ) AS updates
    """
)
# A report of age a at the start of a stretch of length l is a + l/2 old on average over it; stretches weigh by length.
_AGE: Final = text(
    """
    WITH followed AS (
        SELECT code FROM stock WHERE priority > 0 UNION SELECT code FROM watch_item
    ), reports AS (
        SELECT code, made_at,
            lead(made_at, 1, CAST(:now AS timestamptz)) OVER (PARTITION BY code ORDER BY made_at) AS until
        FROM stock_analysis JOIN followed USING (code)
        WHERE made_at <= :now AND made_at >= CAST(:start AS timestamptz) - interval '30 days'
    ), stretches AS (
        SELECT extract(epoch FROM greatest(made_at, :start) - made_at) AS age,
            extract(epoch FROM until - greatest(made_at, :start)) AS length, until = :now AS newest,
            extract(epoch FROM CAST(:now AS timestamptz) - made_at) AS age_now
        FROM reports WHERE until >= :start
    )
    SELECT sum((age + length / 2) * length) / nullif(sum(length), 0) AS mean, avg(age_now) FILTER (WHERE newest) AS now
    FROM stretches
    """
)


async def update_statistics(services: Services, days: int) -> UpdateStatistics:
    """The updates of the last `days` Seoul days, today included."""
    now = services.clock.now()
    first = kst_date(now) - timedelta(days=days - 1)
    span = {"start": kst(first), "now": now}
    async with services.db.read() as conn:
        counts = [dict(row) for row in (await conn.execute(_COUNTS, span)).mappings()]
        stocks = [StockUpdates(**row) for row in (await conn.execute(_STOCKS, span)).mappings()]
        interval = (await conn.execute(_INTERVAL, span)).scalar_one()
        mean_age, age_now = await _ages(conn, span)
    per_day = _per_day(counts, first, days)
    lived = [day.day for day in per_day if day.updates]
    return UpdateStatistics(
        days=days,
        at=now,
        observed_days=(kst_date(now) - lived[0]).days + 1 if lived else 0,
        updates=sum(row["updates"] for row in counts),
        succeeded=sum(row["succeeded"] for row in counts),
        by_reason=_most_first({UpdateReason(row["reason"]): 0 for row in counts}, counts, "reason"),
        by_phase=_most_first({Phase(row["phase"]): 0 for row in counts}, counts, "phase"),
        by_weekday_hour=_by_weekday_hour(counts),
        stocks=len(stocks),
        busiest=tuple(stocks[:MOST_STOCKS]),
        mean_interval=interval,
        mean_age=mean_age,
        age_now=age_now,
        per_day=per_day,
    )


async def _ages(conn: AsyncConnection, span: Mapping[str, datetime]) -> tuple[timedelta | None, timedelta | None]:
    row = (await conn.execute(_AGE, span)).one()
    mean, now = (None if each is None else timedelta(seconds=float(each)) for each in row)
    return mean, now


def _most_first(names: Mapping[Any, int], counts: Iterable[Mapping[str, Any]], column: str) -> dict[Any, int]:
    totals = {name: sum(row["updates"] for row in counts if row[column] == name) for name in names}
    return dict(sorted(totals.items(), key=lambda item: (-item[1], str(item[0]))))


def _by_weekday_hour(counts: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for row in counts:
        place = (row["weekday"], row["hour"])
        found[place] = found.get(place, 0) + row["updates"]
    return found


def _per_day(counts: Iterable[Mapping[str, Any]], first: date, days: int) -> tuple[DayOfUpdates, ...]:
    listed = list(counts)
    return tuple(
        DayOfUpdates(
            day=day,
            updates=sum(row["updates"] for row in listed if row["day"] == day),
            calls=sum(row["calls"] for row in listed if row["day"] == day),
            cost_usd=sum((row["cost_usd"] for row in listed if row["day"] == day), Decimal(0)),
        )
        for day in (first + timedelta(days=step) for step in range(days))
    )
