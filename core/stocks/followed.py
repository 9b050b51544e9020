"""The stocks that regular work is done for."""

from __future__ import annotations

from core.chats.queries import watched_codes
from core.services import Services
from core.stocks.queries import list_followed
from core.stocks.stock import Stock


async def followed_stocks(services: Services) -> list[Stock]:
    """Every listed stock that somebody watches or that has priority, in code order."""
    async with services.db.read() as conn:
        return await list_followed(conn, await watched_codes(conn))
