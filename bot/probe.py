"""The health probes of what only the bot knows."""

from __future__ import annotations

from telegram import Bot
from telegram.error import TelegramError

from core.errors import Unavailable
from core.health.note import NoteKind, note
from core.health.probe import Finding, Probe
from core.health.report import Status
from core.log_records.rows import LogRows
from core.services import Services


def telegram_probe(bot: Bot) -> Probe:
    """Ask Telegram who the bot is."""

    async def look(_services: Services) -> Finding:
        try:
            me = await bot.get_me()
        except TelegramError as error:
            raise Unavailable(f"telegram: {type(error).__name__}") from error
        return Finding(notes=(note(NoteKind.TEXT, text=f"@{me.username}"),))

    return Probe(name="telegram", look=look, critical=True)


def log_rows_probe(rows: LogRows) -> Probe:
    """Whether every warning and error finds its way into the database."""

    async def look(_services: Services) -> Finding:
        if rows.dropped:
            return Finding(status=Status.DEGRADED, notes=(note(NoteKind.LOST, count=rows.dropped),))
        return Finding(notes=(note(NoteKind.NOTHING_LOST),))

    return Probe(name="log_rows", look=look)
