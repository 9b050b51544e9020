"""True minutes: of the running session for those most followed and in turn for the rest, and of past sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import kst_date
from core.errors import Unsupported
from core.kis.minutes import TODAY_ROWS, MinuteChart
from core.market import minute_queries as queries
from core.market.asking import Answers, ask_each
from core.market.bar import MinuteBar
from core.market.minute import MINUTE
from core.services import Services
from core.sources.service import quarantine, record_success

SOURCE: Final = "kis_minutes"
"""The source, as `/health` names it."""

LAP: Final = 30
"""Minutes in which every listed stock gets its true minutes once."""


async def ask_running(
    services: Services, codes: Sequence[str], *, until: datetime, covered: Mapping[str, datetime]
) -> Answers[MinuteChart]:
    """The minutes of the running session that `covered` lacks, to the one that began at `until`, which has ended."""
    opens = services.calendar.opens(kst_date(until))

    async def ask(code: str) -> MinuteChart:
        since = covered.get(code, opens)
        return await services.kis.minutes_today(code, opens=opens, until=until, since=since)

    return await ask_each(services, SOURCE, codes, ask)


async def ask_whole(services: Services, codes: Sequence[str], *, day: date) -> Answers[MinuteChart]:
    """The minutes of a session that has closed, in a few calls a stock."""
    opens, closes = services.calendar.opens(day), services.calendar.closes(day)
    today = day == services.calendar.latest_session(services.clock.now())

    async def ask(code: str) -> MinuteChart:
        if services.settings.kis.paper:
            if not today:
                raise Unsupported("KIS: a paper key is not told the minutes of past sessions")
            return await services.kis.minutes_today(code, opens=opens, until=closes, since=opens)
        return await services.kis.minutes_on(code, opens=opens, until=closes)

    return await ask_each(services, SOURCE, codes, ask)


_MOST_TRIES: Final = 3
"""How often minutes of a session are asked for some of whose rows could not be used."""


async def _ask_again(services: Services, code: str, day: date) -> bool:
    """Note that some rows could not be used; whether their minutes are to be asked for again."""
    key = f"minutes:again:{code}:{day}"
    tried = int(await services.cache.get(key) or 0) + 1
    await services.cache.set(key, b"%d" % tried, timedelta(days=2))
    return tried < _MOST_TRIES


async def store(
    services: Services,
    conn: AsyncConnection,
    answers: Answers[MinuteChart],
    *,
    until: datetime,
    covered: Mapping[str, datetime],
) -> int:
    """Keep what came until the minute that began at `until`, in the place of sampled minutes; returns how many."""
    at, day = services.clock.now(), kst_date(until)
    opens, end = services.calendar.opens(day), until + MINUTE
    charts = [
        queries.TrueMinutes(code=code, bars=chart.bars, since=chart.since, until=end)
        for code, chart in answers.found.items()
    ]
    written = await queries.store_true(conn, charts)
    odd = [code for code, chart in answers.found.items() if chart.rejected]
    again = {code for code in odd if await _ask_again(services, code, day)}
    reached = {
        chart.code: end for chart in charts if chart.since <= covered.get(chart.code, opens) and chart.code not in again
    }
    await queries.cover_minutes(conn, day, reached)
    await quarantine(conn, SOURCE, (row for chart in answers.found.values() for row in chart.rejected), at=at)
    await record_success(conn, SOURCE, items=len(charts), at=at, services=services)
    return written


def in_turn(codes: Sequence[str], covered: Mapping[str, datetime], count: int) -> list[str]:
    """The `count` of these stocks whose true minutes end earliest; those that have none go first, in their order."""
    return sorted(codes, key=lambda code: covered[code].timestamp() if code in covered else 0.0)[:count]


async def get_minutes(services: Services, code: str, *, day: date) -> list[MinuteBar]:
    """The minutes of a session as far as it has gone, oldest first; a past one is asked from KIS where it lacks.

    Raises as `core.kis.client` where it cannot be had and nothing is stored.
    """
    now = services.clock.now()
    opens, closes = services.calendar.opens(day), services.calendar.closes(day)
    async with services.db.read() as conn:
        covered = await queries.covered_until(conn, day)
        stored = await queries.minutes_between(conn, code, since=opens, until=closes + MINUTE)
    if now < closes or covered.get(code, opens) > closes:
        return stored
    answers = await ask_whole(services, [code], day=day)
    async with services.db.begin() as conn:
        await store(services, conn, answers, until=closes, covered={})
        return await queries.minutes_between(conn, code, since=opens, until=closes + MINUTE)


def within_calls(
    codes: Sequence[str], covered: Mapping[str, datetime], *, opens: datetime, until: datetime, calls: int
) -> list[str]:
    """The first of these stocks whose missing minutes take no more than so many calls in all, and one at least.

    Who has been away for hours needs a dozen calls a stock, where it takes one or two otherwise.
    """
    taken: list[str] = []
    for code in codes:
        missing = max(until - covered.get(code, opens), timedelta())
        calls -= 1 + missing // ((TODAY_ROWS - 1) * MINUTE)  # the oldest row of a call only tells where the next begins
        if calls < 0 and taken:
            break
        taken.append(code)
    return taken


def share_a_minute(stocks: int) -> int:
    """How many stocks are asked about in a minute so that all of them come round in `LAP` minutes."""
    return -(-stocks // LAP)


def last_ended(at: datetime) -> datetime:
    """The start of the last minute that has ended by the instant `at`."""
    return at.replace(second=0, microsecond=0) - timedelta(minutes=1)
