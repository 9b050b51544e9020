"""Builders for tests over news: a newsroom that prints only what it is told to, stocks, and stored articles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from core.clock import ManualClock
from core.news.article import Headline
from core.news.service import stock_matcher
from core.news.store import Draft, store_drafts
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from sim.market import SimMarket
from sim.naver.newsdesk import Article, NewsDesk

NAMES = {"005930": "삼성전자", "000660": "SK하이닉스", "005380": "현대차", "001680": "대상", "0126Z0": "가나바이오"}


class QuietDesk(NewsDesk):
    """A newsroom with planted articles only. `asked` is called at every look at them."""

    def __init__(self) -> None:
        super().__init__(SimMarket({}, {}))
        self.asked: Callable[[], None] = lambda: None

    def _write(self, day: date) -> list[Article]:
        return []

    def _on(self, day: date) -> list[Article]:
        return []

    def articles(self, *, until: datetime, days: int = 7) -> list[Article]:
        """As the newsroom's own, after a call of `asked`."""
        self.asked()
        return super().articles(until=until, days=days)

    def find(self, office: str, number: str, *, until: datetime) -> Article | None:
        """As the newsroom's own, after a call of `asked`."""
        self.asked()
        return super().find(office, number, until=until)


async def list_stocks(services: Services, *, priority: Sequence[str] = ()) -> None:
    """Let the stocks of `NAMES` be listed."""
    at = services.clock.now()
    stocks = [Stock(code=code, name=name, market=Market.KOSPI) for code, name in NAMES.items()]
    async with services.db.begin() as conn:
        await upsert_stocks(conn, stocks, at=at)
        for code in priority:
            await conn.exec_driver_sql(f"UPDATE stock SET priority = 1 WHERE code = '{code}'")


async def store_article(
    services: Services,
    number: int,
    title: str,
    summary: str = "",
    *,
    published_at: datetime | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Store an article as a source would have shown it."""
    at = seen_at or services.clock.now()
    headline = Headline(
        canonical_id=f"naver:001:{number:010}",
        title=title,
        summary=summary,
        press="가나일보",
        published_at=published_at or at - timedelta(minutes=5),
    )
    matches = tuple((await stock_matcher(services)).match(title, summary))
    async with services.db.begin() as conn:
        await store_drafts(conn, "naver_main", [Draft(headline=headline, tags=(), matches=matches)], at=at)


def clock_of(services: Services) -> ManualClock:
    """The test's own clock."""
    assert isinstance(services.clock, ManualClock)
    return services.clock
