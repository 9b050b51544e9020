"""The health probe of Telegram itself."""

from __future__ import annotations

from telegram import Bot
from telegram.error import TelegramError

from core.errors import Unavailable
from core.health.probes import Finding, Probe
from core.services import Services


def telegram_probe(bot: Bot) -> Probe:
    """Ask Telegram who the bot is."""

    async def look(_services: Services) -> Finding:
        try:
            me = await bot.get_me()
        except TelegramError as error:
            raise Unavailable(f"telegram: {type(error).__name__}") from error
        return Finding(message=f"@{me.username}")

    return Probe(name="telegram", look=look, critical=True)
