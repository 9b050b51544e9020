"""The stocks that regular work is done for."""

from __future__ import annotations

from core.chats.queries import watched_codes
from core.services import Services
from core.stocks.queries import list_stocks
from core.stocks.stock import Stock


async def followed_stocks(services: Services) -> list[Stock]:
    """Every listed stock that somebody watches or that has priority, in code order."""
    async with services.db.begin() as conn:
        watched = set(await watched_codes(conn))
        stocks = await list_stocks(conn)
    followed = (stock for stock in stocks if stock.active and (stock.priority or stock.code in watched))
    return sorted(followed, key=lambda stock: stock.code)
