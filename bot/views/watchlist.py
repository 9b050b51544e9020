"""The watchlist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, rows
from bot.views.stocks import watch_button
from core.market.bar import Quote
from core.stocks.stock import Stock

MOST_BUTTONS = 24


def watched(items: Sequence[tuple[Stock, Quote | None]], now: datetime, texts: Texts) -> Message:
    """Every watched stock with the newest price known and a button to its report."""
    buttons = rows([Button(stock.name, pack("r", stock.code)) for stock, _ in items[:MOST_BUTTONS]], width=2)
    return Message(text=texts.render("watchlist", items=items, now=now), keyboard=buttons)


def watching(stock: Stock, added: bool, texts: Texts) -> Message:
    """A stock was put on the watchlist, or was there already."""
    keyboard = ((Button(texts("📊 리포트"), pack("r", stock.code)), watch_button(stock, True, texts)),)
    return Message(text=texts.render("watching", stock=stock, added=added), keyboard=keyboard)


def not_watching(stock: Stock, removed: bool, texts: Texts) -> Message:
    """A stock was taken off the watchlist, or was not there."""
    keyboard = ((watch_button(stock, False, texts),),)
    return Message(text=texts.render("not_watching", stock=stock, removed=removed), keyboard=keyboard)
