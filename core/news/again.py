"""Looking again at what was stored: pages that may have been edited or taken down, posts that were removed."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import text

from core.news import reddit
from core.news.matching import Match
from core.news.pages import open_pages
from core.news.parsers.reddit import parse_removed
from core.news.revision import Rechecked, due_again, recheck
from core.news.service import Begin, named_matcher
from core.news.sources import PageSite, Source
from core.services import Services

log = structlog.get_logger(__name__)

_REDDIT: Final = "reddit:"


async def look_again(services: Services, site: PageSite, *, begin: Begin | None = None) -> Rechecked:
    """Read a few pages of the last two days again: edited articles say what they say now, gone ones are marked."""
    pages = await open_pages(services, site)
    if pages.closed:
        return Rechecked()
    async with services.db.read() as conn:
        due = await due_again(conn, site.ids, at=services.clock.now())
    if not due:
        return Rechecked()
    named = await named_matcher(services)

    def matching(title: str, body: str) -> tuple[Match, ...]:
        return tuple(named.matcher.match(title, body))

    return await recheck(pages, due, matching, names=named.names, begin=begin or services.db.begin)


async def forget_removed(services: Services, source: Source, *, begin: Begin | None = None) -> int:
    """Ask Reddit about the posts of the last two days: of those that were removed only the headline stays, marked.

    Returns how many were. Raises what reading Reddit raises.
    """
    if source.off_because(services.settings):
        return 0
    at = services.clock.now()
    query = text(
        "SELECT canonical_id FROM article WHERE starts_with(canonical_id, :ids) AND gone_at IS NULL "
        "AND published_at > CAST(:at AS timestamptz) - INTERVAL '48 hours' ORDER BY id DESC LIMIT :limit"
    )
    async with services.db.read() as conn:
        values = {"ids": _REDDIT, "at": at, "limit": reddit.MOST_ASKED}
        names = [known.removeprefix(_REDDIT) for known in (await conn.execute(query, values)).scalars()]
    if not names:
        return 0
    removed = parse_removed(await reddit.states(services, names), names)
    forget = text(
        "WITH gone AS (UPDATE article SET gone_at = :at, body = NULL, summary = '', embedded_as = NULL "
        "WHERE canonical_id = ANY(:ids) RETURNING id) "
        "DELETE FROM article_revision r USING gone WHERE r.article_id = gone.id"
    )
    async with (begin or services.db.begin)() as conn:
        await conn.execute(forget, {"at": at, "ids": [f"{_REDDIT}{name}" for name in sorted(removed)]})
    return len(removed)
