"""Lists of articles, and one article."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, rows
from core.news.article import Article
from core.stocks.stock import Stock

LATE: Final = timedelta(hours=1)
"""How long ago news was read at last from which on readers are warned."""
_ENDS: Final = tuple(".…!?\"'”’)]」")
"""How a summary ends that was not cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Whether news is read at all, and when it was last."""

    configured: bool
    at: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether nothing was read for long."""
        return self.at is not None and now - self.at > LATE


def listing(
    articles: Sequence[Article],
    stock: Stock | None,
    page: int,
    more: bool,
    reading: Reading,
    now: datetime,
    texts: Texts,
) -> Message:
    """A page of headlines, one a story, with the press, how many others told it, and the age; numbers open one."""
    text = texts.render("news_list", articles=articles, stock=stock, page=page, reading=reading, now=now)
    numbers = [Button(str(place), pack("a", item.id)) for place, item in enumerate(articles, start=1)]
    code = stock.code if stock else "-"
    turn = []
    if page > 1 and articles:
        turn.append(Button(texts("◀ 이전"), pack("n", code, page - 1)))
    elif page > 1:
        turn.append(Button(texts("◀ 처음으로"), pack("n", code, 1)))
    if more:
        turn.append(Button(texts("다음 ▶"), pack("n", code, page + 1)))
    others = [Button(texts("📰 전체 뉴스"), pack("n", "-", 1))] if stock else []
    return Message(text=text, keyboard=(*rows(numbers, width=4), *(tuple(row) for row in (turn, others) if row)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A similar article, and what the price of its main stock did in the session after it, where that is known."""

    article: Article
    stock: Stock | None = None
    after_percent: float | None = None


MOST_LINKS = 8


def article(
    item: Article,
    stocks: Sequence[Stock],
    cases: Sequence[Case] | None,
    now: datetime,
    texts: Texts,
    links: Sequence[tuple[str, str]] = (),
    moves: Mapping[str, tuple[float, date]] | None = None,
) -> Message:
    """One article: summary, link, the stocks it is about, and similar ones; None says they could not be looked for.

    `links` are press and address of others that tell the same story, `moves` what each price did in the first session
    that closed after it, in percent, and when that was.
    """
    summary = item.summary if item.summary.endswith(_ENDS) or not item.summary else f"{item.summary}…"
    values = {"article": item, "summary": summary, "links": links[:MOST_LINKS], "moves": moves or {}}
    text = texts.render("article", **values, stocks=stocks, cases=cases, now=now)
    buttons = rows([Button(stock.name, pack("r", stock.code)) for stock in stocks[:6]], width=2)
    return Message(text=text, keyboard=((Button(texts("🔗 원문 보기"), url=item.url),), *buttons))
