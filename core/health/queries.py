"""SQL of health: what was told, and today in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.models import OutboxRow
from core.health.models import HealthToldRow
from core.health.report import Status
from core.health.told import Told

_LOCK = 0x6865616C
"""Advisory lock under which one transaction at a time compares what is seen with what was told."""


async def lock_told(conn: AsyncConnection) -> dict[str, Told]:
    """What was told of each component; nobody else reads it so until the transaction ends."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    rows = (await conn.execute(select(HealthToldRow.__table__))).mappings()
    return {row["component"]: Told(**dict(row) | {"status": Status(row["status"])}) for row in rows}


async def store_told(conn: AsyncConnection, told: Sequence[Told]) -> None:
    """Keep what was told."""
    if not told:
        return
    statement = insert(HealthToldRow)
    kept = {name: statement.excluded[name] for name in Told.__slots__ if name != "component"}
    await conn.execute(
        statement.on_conflict_do_update(index_elements=["component"], set_=kept), [asdict(each) for each in told]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """Counts since midnight in Seoul, and how new the newest data are."""

    members: int
    reports: int
    failed_reports: int
    failed_runs: int
    newest_article_at: datetime | None
    newest_quote_at: datetime | None
    newest_bar_on: date | None


_TODAY = text(
    """
    SELECT
        (SELECT count(*) FROM "user" WHERE seen_at >= :since) AS members,
        (SELECT count(*) FROM report_update WHERE at >= :since AND succeeded) AS reports,
        (SELECT count(*) FROM report_update WHERE at >= :since AND NOT succeeded) AS failed_reports,
        (SELECT count(*) FROM job_run WHERE finished_at >= :since AND state IN ('failed', 'timed_out')) AS failed_runs,
        (SELECT max(first_seen_at) FROM article) AS newest_article_at,
        (SELECT max(at) FROM quote) AS newest_quote_at,
        (SELECT max(day) FROM daily_price) AS newest_bar_on
    """
)


async def today(conn: AsyncConnection, *, since: datetime) -> Today:
    """What happened since `since`."""
    return Today(**(await conn.execute(_TODAY, {"since": since})).mappings().one())


async def late_letters_since(conn: AsyncConnection, *, at: datetime) -> datetime | None:
    """Since when the oldest letter waits that may be sent by now, None when none does."""
    query = select(func.min(OutboxRow.not_before)).where(OutboxRow.state == "waiting", OutboxRow.not_before <= at)
    return (await conn.execute(query)).scalar_one()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRuns:
    """The kept runs of one job in one state, and when the newest of them ended."""

    job: str
    state: str
    count: int
    finished_at: datetime | None


async def kept_runs(conn: AsyncConnection) -> list[KeptRuns]:
    """Kept runs by job and state."""
    query = text(
        "SELECT job, state, count(*) AS count, max(finished_at) AS finished_at FROM job_run"
        " GROUP BY job, state ORDER BY job, state"
    )
    return [KeptRuns(**row) for row in (await conn.execute(query)).mappings()]
