"""Quote cards, and asking back which stock is meant."""

from __future__ import annotations

from collections.abc import Sequence

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, Picture, rows
from core.chats.member import Language
from core.clock import hours_on, kst_date
from core.market.bar import Quote
from core.market.companies import Traits
from core.market.overview import Depth
from core.stocks.resolver import Ambiguous, Unknown
from core.stocks.stock import Stock

AFTER_HOURS = {"single_price": "시간외 단일가", "continuous": "시간외"}


def choose(found: Ambiguous, action: str, texts: Texts) -> Message:
    """Several stocks are meant: a button each, with code and market."""
    return Message(text=texts.render("choose"), keyboard=_buttons(found.candidates, action))


def choose_watched(watched: Sequence[Stock], action: str, example: str, texts: Texts) -> Message:
    """No stock was named: the watchlist as buttons, or an example."""
    text = texts.render("choose_watched", watched=bool(watched), example=example)
    return Message(text=text, keyboard=_buttons(watched[:12], action))


def unknown(found: Unknown, action: str, texts: Texts) -> Message:
    """No stock is meant: say so and offer the closest."""
    text = texts.render("unknown", query=found.query[:40], closest=bool(found.closest))
    return Message(text=text, keyboard=_buttons(found.closest, action))


def quote_card(
    stock: Stock, quote: Quote, depth: Depth, watched: bool, picture: Picture | None, texts: Texts
) -> Message:
    """The quote of a stock with its ranges, who bought it, what waits in its order book, and what to do next."""
    day = kst_date(quote.at)
    overtime = depth.overtime if depth.overtime and depth.overtime.day == day else None
    text = texts.render(
        "quote",
        stock=stock,
        quote=quote,
        depth=depth,
        position=_position(quote),
        traits=_traits(depth.traits, texts),
        overtime=overtime,
        after_hours=AFTER_HOURS[hours_on(day).after_hours_kind],
    )
    buttons = (
        (Button(texts("🔄 새로고침"), pack("p", stock.code)), Button(texts("📊 리포트"), pack("r", stock.code))),
        (Button(texts("📰 뉴스"), pack("n", stock.code)), watch_button(stock, watched, texts)),
    )
    return Message(text=text, keyboard=buttons, photo=picture)


def watch_button(stock: Stock, watched: bool, texts: Texts) -> Button:
    """The button that puts a stock on the watchlist or takes it off."""
    if watched:
        return Button(texts("관심 빼기"), pack("u", stock.code))
    return Button(texts("관심 담기"), pack("w", stock.code))


def _traits(traits: Traits | None, texts: Texts) -> list[str]:
    if traits is None:
        return []
    told = ((traits.kospi200, "코스피200"), (traits.on_nxt, "NXT 거래"))
    sector = [traits.sector] if traits.sector and texts.language is Language.KO else []  # KIS has it in Korean alone
    return [*sector, *(texts(name) for holds, name in told if holds)]


def _position(quote: Quote) -> float | None:
    """Where the price stands in its 52-week range, 0 at the low and 1 at the high."""
    if quote.high_52w is None or quote.low_52w is None or quote.high_52w <= quote.low_52w:
        return None
    return min(max((quote.price - quote.low_52w) / (quote.high_52w - quote.low_52w), 0.0), 1.0)


def _buttons(stocks: Sequence[Stock], action: str) -> tuple[tuple[Button, ...], ...]:
    return rows([Button(f"{s.name} · {s.code} {s.market}", pack(action, s.code)) for s in stocks], width=1)
