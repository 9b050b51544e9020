"""Telegram's command menus, per language, and the admins' own."""

from __future__ import annotations

import structlog
from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import TelegramError

from bot.commands import COMMANDS
from bot.texts import texts
from core.chats.member import Language, Role

log = structlog.get_logger(__name__)


async def set_menus(bot: Bot, admin_ids: tuple[int, ...]) -> None:
    """Set the menus: Korean for Korean apps, English for the rest, and all commands for each admin.

    A menu that cannot be set (an admin who has not written yet) is logged and left.
    """
    members = [command for command in COMMANDS if command.access is Role.MEMBER]
    for language, code in ((Language.EN, ""), (Language.KO, "ko")):
        translate = texts(language)
        menu = [BotCommand(command.name, translate(command.summary)) for command in members]
        await _set(bot, menu, language_code=code)
    everything = [BotCommand(command.name, command.summary) for command in COMMANDS]
    for admin_id in admin_ids:
        await _set(bot, everything, scope=BotCommandScopeChat(admin_id))


async def _set(bot: Bot, menu: list[BotCommand], **where: object) -> None:
    try:
        await bot.set_my_commands(menu, **where)  # type: ignore[arg-type]
    except TelegramError as error:
        log.info("menu_not_set", error=str(error))
