"""Matches of what is stored: with names that were added since, and with what the price did after the article."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Calendar
from core.news.service import Begin, named_matcher
from core.news.store import add_matches
from core.services import Services

REACH: Final = timedelta(days=10)
"""How old an article may be whose matches are still worked on: a week of closed days and some."""
_BATCH: Final = 200


async def match_stored(services: Services, *, begin: Begin | None = None) -> int:
    """Match the recent articles that were matched with an older list of names; returns how many were looked at.

    Matches that are stored stay. Broken off and repeated it goes on where it was.
    """
    begin, named, done = begin or services.db.begin, await named_matcher(services), 0
    since = services.clock.now() - REACH
    query = text(
        "SELECT id, title, coalesce(body, summary) AS body FROM article "
        "WHERE matched_as IS DISTINCT FROM :names AND published_at > :since ORDER BY id DESC LIMIT :limit"
    )
    while True:
        async with services.db.read() as conn:
            rows = (await conn.execute(query, {"names": named.names, "since": since, "limit": _BATCH})).all()
        if not rows:
            return done
        found = {row.id: named.matcher.match(row.title, row.body) for row in rows}
        async with begin() as conn:
            await add_matches(conn, found, names=named.names)
        done += len(rows)


async def note_moves(services: Services, *, begin: Begin | None = None) -> int:
    """Store with each recent match what the price did in the first session that closed after the article, in percent
    of the close before; returns how many were stored.

    Only sessions that have closed, and bars that are stored; a match without them is tried again until it is too old.
    """
    at = services.clock.now()
    async with services.db.read() as conn:
        waiting = await _unmoved(conn, since=at - REACH)
    days = {published: move_days(published, services.calendar) for _, published in waiting}
    last = services.calendar.last_closed_session(at)
    closed = [(number, *days[published]) for number, published in waiting if days[published][1] <= last]
    if not closed:
        return 0
    numbers, before, after = zip(*closed, strict=True)
    # The price before is put on the scale of the day after, where shares were split or merged on that day.
    update = text(
        "UPDATE match m SET move_day = asked.after, move_percent = "
        "round(((new.close / (old.close * coalesce(new.split_ratio, 1)) - 1) * 100)::numeric, 2) "
        "FROM unnest(CAST(:ids AS bigint[]), CAST(:before AS date[]), CAST(:after AS date[])) "
        "AS asked(id, before, after), "
        "daily_price old, daily_price new WHERE m.article_id = asked.id AND m.move_day IS NULL AND old.close > 0 "
        "AND old.code = m.code AND old.day = asked.before AND new.code = m.code AND new.day = asked.after"
    )
    async with (begin or services.db.begin)() as conn:
        values = {"ids": list(numbers), "before": list(before), "after": list(after)}
        return (await conn.execute(update, values)).rowcount


def move_days(published_at: datetime, calendar: Calendar) -> tuple[date, date]:
    """The last session that had closed when an article appeared, and the one after it."""
    before = calendar.last_closed_session(published_at)
    return before, calendar.next_session(before)


async def _unmoved(conn: AsyncConnection, *, since: datetime) -> list[tuple[int, datetime]]:
    query = text(
        "SELECT DISTINCT a.id, a.published_at FROM match m JOIN article a ON a.id = m.article_id "
        "WHERE m.move_day IS NULL AND a.published_at > :since"
    )
    return [(row.id, row.published_at) for row in await conn.execute(query, {"since": since})]
