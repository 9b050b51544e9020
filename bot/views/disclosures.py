"""Filings: a list with what each means, and one filing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.disclosure_meanings import MEANINGS
from bot.views.message import Button, Message, rows
from bot.views.news import LATE
from core.disclosures.filing import Disclosure, Weight
from core.disclosures.kinds import OTHER
from core.disclosures.queries import Ties
from core.stocks.stock import Stock

MARKS = {Weight.MATERIAL: "❗", Weight.NOTABLE: "▫️", Weight.ROUTINE: "·"}
WEIGHTS = {Weight.MATERIAL: "중요", Weight.NOTABLE: "참고", Weight.ROUTINE: "일상"}
WATCHED, MARKET = "w", "m"
"""The lists that are not of one stock."""
REACH: Final = timedelta(days=7)
"""How far back the list of the market goes."""
TITLES = {WATCHED: "관심종목 공시", MARKET: "시장 공시"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How DART is read: not at all, by the public feed alone, or whole; and when it was last."""

    configured: bool
    whole: bool
    at: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether nothing was read for long."""
        return self.at is not None and now - self.at > LATE


def listing(
    filings: Sequence[Disclosure],
    ties: Mapping[int, Ties],
    scope: Stock | str,
    page: int,
    more: bool,
    reading: Reading,
    now: datetime,
    texts: Texts,
) -> Message:
    """A page of filings with what they mean and what they correct; numbers open one."""
    stock = scope if isinstance(scope, Stock) else None
    text = texts.render(
        "disclosures",
        filings=[
            (filing, MEANINGS.get(filing.kind, MEANINGS[OTHER]), ties.get(filing.id, Ties())) for filing in filings
        ],
        stock=stock,
        title="" if isinstance(scope, Stock) else TITLES[scope],
        page=page,
        reading=reading,
        now=now,
        days=REACH.days if scope == MARKET else None,
        marks=MARKS,
        weights=WEIGHTS,
    )
    name = stock.code if stock else scope
    numbers = [Button(str(place), pack("d", item.id)) for place, item in enumerate(filings, start=1)]
    turn = []
    if page > 1 and filings:
        turn.append(Button(texts("◀ 이전"), pack("ds", name, page - 1)))
    elif page > 1:
        turn.append(Button(texts("◀ 처음으로"), pack("ds", name, 1)))
    if more:
        turn.append(Button(texts("다음 ▶"), pack("ds", name, page + 1)))
    others = [Button(texts(TITLES[MARKET]), pack("ds", MARKET, 1))] if scope != MARKET else []
    return Message(text=text, keyboard=(*rows(numbers, width=6), *(tuple(row) for row in (turn, others) if row)))


def filing(item: Disclosure, ties: Ties, stock: Stock | None, excerpt: str, now: datetime, texts: Texts) -> Message:
    """One filing: what it is, what it means, what it corrects, how it begins, and the official page."""
    meaning = MEANINGS.get(item.kind, MEANINGS[OTHER])
    values = {"filing": item, "ties": ties, "meaning": meaning, "stock": stock, "excerpt": excerpt, "now": now}
    text = texts.render("disclosure", **values, marks=MARKS, weights=WEIGHTS)
    keyboard: tuple[tuple[Button, ...], ...] = ((Button(texts("🔗 DART 원문 보기"), url=item.url),),)
    if stock is not None:
        of_stock = (
            Button(texts("📋 이 종목의 공시"), pack("ds", stock.code, 1)),
            Button(texts("📊 리포트"), pack("r", stock.code)),
        )
        keyboard += (of_stock,)
    return Message(text=text, keyboard=keyboard)
