"""Evidence: recent articles about a stock, and similar past ones with what the price did after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.clock import Calendar
from core.errors import BudgetExceeded, Malformed, NotConfigured, Unavailable, Unsupported
from core.market.bar import Bar
from core.news.article import Article
from core.news.queries import latest_articles
from core.prediction.fact import Evidence
from core.search.service import similar_articles
from core.services import Services
from core.stocks.stock import Stock

SEARCH_FAILURES = (Unavailable, NotConfigured, BudgetExceeded, Malformed, Unsupported)
"""How the search for similar articles fails: the sheet is made without them."""

RECENT, SIMILAR = 8, 5
_TITLES_ASKED = 3
"""Titles of the newest articles that similar ones are looked for with."""


async def recent_articles(services: Services, stock: Stock, *, as_of: datetime) -> list[Article]:
    """The newest articles about the stock that were known at `as_of`."""
    async with services.db.begin() as conn:
        return await latest_articles(conn, code=stock.code, as_of=as_of, limit=RECENT)


async def similar_past(
    services: Services, stock: Stock, recent: Sequence[Article], *, as_of: datetime, bars: Sequence[Bar]
) -> tuple[Evidence, ...]:
    """Past articles about the stock like the recent ones, with the return of the session after each.

    Raises one of `SEARCH_FAILURES` when the search cannot be made.
    """
    if not recent:
        return ()
    text = "\n".join(article.title for article in recent[:_TITLES_ASKED])
    shown = tuple(article.id for article in recent)
    found = await similar_articles(services, text, code=stock.code, as_of=as_of, limit=SIMILAR, exclude=shown)
    return tuple(
        evidence_of(
            hit.article, similar=True, after_percent=return_after(hit.article.published_at, bars, services.calendar)
        )
        for hit in found
    )


def evidence_of(article: Article, *, similar: bool = False, after_percent: float | None = None) -> Evidence:
    """The article as evidence."""
    return Evidence(
        id=f"a{article.id}",
        article_id=article.id,
        title=article.title,
        url=article.url,
        press=article.press,
        published_at=article.published_at,
        similar=similar,
        after_percent=after_percent,
    )


def return_after(published_at: datetime, bars: Sequence[Bar], calendar: Calendar) -> float | None:
    """The return in percent of the first session that closed after `published_at`, against the close before.

    `bars` are adjusted and oldest first; None where they do not reach.
    """
    before = calendar.last_closed_session(published_at)
    closes = {bar.day: bar.close for bar in bars}
    base, after = closes.get(before), closes.get(calendar.next_session(before))
    return None if not base or after is None else round((after / base - 1) * 100, 2)
